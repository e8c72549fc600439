"""What takes long to make, made once for all who look at it."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Values by name, each made once for a version of it, also where many ask at once: who comes
    meanwhile waits. The last one is kept; one that could not be made is not."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._kept: dict[Hashable, tuple[Hashable, Any]] = {}

    def of(self, name: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """A value in a version; whatever `make` raises where it has to be made."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            kept = self._kept.get(name)
            if kept is None or kept[0] != version:
                kept = self._kept[name] = (version, make())
            found: T = kept[1]
            return found
