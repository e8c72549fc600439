"""The ids of runs: they sort by the time at which a run started."""

import re
from datetime import UTC, datetime

_STAMP = "%Y%m%dT%H%M%SZ"
_SHAPE = re.compile(r"\d{8}T\d{6}Z")


def run_id(now: datetime, salt: str) -> str:
    """An identifier that sorts by time: `20261121T134200Z-1f0c`."""
    return f"{now.astimezone(UTC).strftime(_STAMP)}-{salt}"


def started(run: str, now: datetime) -> datetime:
    """When a run started, as its id says; `now` where it says nothing."""
    try:
        return datetime.strptime(run.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return now


def stamps_in(path: str) -> list[str]:
    """The times in the name of a file that runs have written, as text that sorts."""
    return _SHAPE.findall(path)
