"""What a command works on: the ledger that its flags name."""

import argparse
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from gristmill.errors import UsageError
from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.values import memory


@contextlib.contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Ledger]:
    """The ledger, until the command is done. Raises `GristmillError`."""
    ledger = open_ledger(arguments.ledger)
    try:
        yield ledger
    finally:
        ledger.close()


def bytes_of(text: str | None) -> int | None:
    """Bytes, of `4GB`; None of nothing. Raises `UsageError`."""
    if text is None:
        return None
    try:
        return memory(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--memory: {error}") from error


def when(time: datetime | None) -> str:
    """A time, as commands show it."""
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M:%SZ}"


def moment(seconds: float | None) -> datetime | None:
    """A time, as JSON gets it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def span(seconds: float | None) -> str:
    """A span of time for reading: `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
