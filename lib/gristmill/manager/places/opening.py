"""From the settings of a place to what runs there."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.errors import GristmillError
from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.places import Outcome, RefusedForNowError, RunPlace
from gristmill.manager.places.local import LocalPlace
from gristmill.manager.settings import Place
from gristmill.runs import Handle, Status


def runs_folder() -> Path:
    """Where the runs of this machine keep what they print: $GRISTMILL_RUNS, else of the user."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Path(os.environ.get("GRISTMILL_RUNS") or home / "gristmill" / "runs")


def open_place(name: str, place: Place, tell: Callable[[str], None]) -> RunPlace:
    """What runs at a place. Raises `GristmillError`."""
    if place.kind == "local":
        return LocalPlace(runs_folder())
    try:
        from gristmill.manager.places.emr import EmrPlace  # noqa: PLC0415  it needs boto3
    except ModuleNotFoundError as error:
        return Missing(str(error.name))
    is_transient = place.kind == "transient"
    return EmrPlace(place.spec or name, transient=is_transient, tell=tell)


class Missing:
    """A place that this worker cannot reach for want of a library: another one may."""

    poll_every = 60.0

    def __init__(self, name: str) -> None:
        self._said = f"this worker lacks {name}: pip install 'gristmill[emr]'"

    def start(self, _run: Claimed) -> Handle:
        """Leave it to another."""
        raise RefusedForNowError(self._said)

    def poll(self, _handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        """Say that it cannot be asked."""
        raise GristmillError(self._said)

    def cancel(self, _handle: Handle) -> None:
        """Say that it cannot be asked."""
        raise GristmillError(self._said)

    def outcome(self, _run: Claimed, _handle: Handle, _status: Status) -> Outcome:
        """Say that it cannot be asked."""
        raise GristmillError(self._said)

    def progress(self, _run: Claimed, _handle: Handle) -> Mapping[str, Any] | None:
        """Nothing is known."""
        return None

    def tail(self, _handle: Handle, _lines: int) -> Sequence[str]:
        """Nothing is known."""
        return ()
