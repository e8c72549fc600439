"""From the settings of a place to what runs there."""

import os
from collections.abc import Callable
from pathlib import Path

from gristmill.manager.places import RunPlace
from gristmill.manager.places.local import LocalPlace
from gristmill.manager.settings import Place


def runs_folder() -> Path:
    """Where the runs of this machine keep what they print: $GRISTMILL_RUNS, else of the user."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Path(os.environ.get("GRISTMILL_RUNS") or home / "gristmill" / "runs")


def open_place(name: str, place: Place, tell: Callable[[str], None]) -> RunPlace:
    """What runs at a place. Raises `GristmillError`."""
    if place.kind == "local":
        return LocalPlace(runs_folder())
    from gristmill.manager.places.emr import EmrPlace  # noqa: PLC0415  it needs boto3

    return EmrPlace(place.spec or name, transient=place.kind == "transient", tell=tell)
