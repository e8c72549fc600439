"""What can go wrong between a client and AWS, to be called for by a test."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Fault(Enum):
    """What can become of a call."""

    THROTTLED = auto()
    """ThrottlingException; nothing is done."""
    FAILED_BEFORE = auto()
    """An internal error (HTTP 500); nothing is done."""
    FAILED_AFTER = auto()
    """It is done; the answer is an internal error (HTTP 500)."""
    ANSWER_LOST = auto()
    """It is done; the connection is reset in place of an answer."""


@dataclass(frozen=True)
class Call:
    """A call of an EMR or EMR Serverless operation, as it arrived, and the fault that came in."""

    operation: str
    parameters: Mapping[str, Any]
    fault: Fault | None = None


@dataclass
class Faults:
    """The faults that are to come, and the calls so far. Safe to use from any thread."""

    calls: list[Call] = field(default_factory=list)
    _due: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def throttle(self, operation: str, times: int = 1) -> None:
        """Refuse the next `times` calls of `operation`, named as AWS does: "ListSteps"."""
        self._add(operation, Fault.THROTTLED, times)

    def lose_answer(self, operation: str, times: int = 1) -> None:
        """Do what the next calls ask for, and reset the connection in place of an answer."""
        self._add(operation, Fault.ANSWER_LOST, times)

    def fail(self, operation: str, times: int = 1, *, done: bool = False) -> None:
        """Answer the next calls with an internal error; where `done`, after doing as asked."""
        self._add(operation, Fault.FAILED_AFTER if done else Fault.FAILED_BEFORE, times)

    def count(self, operation: str) -> int:
        """How many calls of `operation` there were, with those that met a fault."""
        with self._lock:
            return sum(call.operation == operation for call in self.calls)

    def meet(self, operation: str, parameters: Mapping[str, Any]) -> Fault | None:
        """Note a call; what befalls it, if anything."""
        with self._lock:
            due = self._due[operation]
            fault = due.pop(0) if due else None
            self.calls.append(Call(operation, parameters, fault))
            return fault

    def _add(self, operation: str, fault: Fault, times: int) -> None:
        with self._lock:
            self._due[operation] += [fault] * times
