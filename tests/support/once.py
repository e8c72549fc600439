"""What is dear to make, and the same for all tests."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.process import shared_folder


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has filled, once for all processes that run tests side by side.

    Tests read it, and change nothing in it.
    """
    folder = shared_folder(factory) / name
    made = folder.with_suffix(".made")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
