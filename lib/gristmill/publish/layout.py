"""Where things lie below an output root.

    <output>/<dataset>/<partition>/<run>-….parquet        what readers see
    <output>/<dataset>/data/<writer>/<partition>/….parquet  the same, of a table of Iceberg
    <output>/<dataset>/metadata/v42.metadata.json         and what Iceberg knows of it
    <output>/_gristmill/layout.json                       marks an output root: `table_format`
    <output>/_gristmill/log/0000000042.json               the 42nd thing that happened: `log`
    <output>/_gristmill/checkpoints/0000000100.json       what the log up to 100 left: `state`
    <output>/_gristmill/claims/<dataset>/0000000007       which run may write a dataset: `lease`
    <output>/_gristmill/staging/<run>/lease.json          a run that is not finished: `lease`
    <output>/_gristmill/staging/<run>/<dataset>/…         what it has written and not published
    <output>/_gristmill/reports/<run>.json                what a run on EMR says of itself
    <output>/_gristmill/spark-events/…                    the event logs of runs with --event-log

A reader of a dataset never meets the rest: names that start with `_` are hidden from Spark, Hive
and Athena, and they lie beside the datasets, never inside one.
"""

import re
from collections.abc import Iterable

HOME = "_gristmill"
MARKER = f"{HOME}/layout.json"
LOG = f"{HOME}/log"
CHECKPOINTS = f"{HOME}/checkpoints"
CLAIMS = f"{HOME}/claims"
STAGING = f"{HOME}/staging"
DATA, METADATA = "data", "metadata"
WRITER = "gristmill_run"
"""So spelled, as a partition, readers of folders take it for a column of its own."""

_NUMBERED = re.compile(r"(\d{10})(?:\.json)?")


def stage(run: str) -> str:
    """The folder of a run that is not finished."""
    return f"{STAGING}/{run}"


def lease(run: str) -> str:
    """The file that says who runs it, and until when it is to be believed alive."""
    return f"{STAGING}/{run}/lease.json"


def written(dataset: str, batch: str, run: str) -> str:
    """The folder of a dataset of Iceberg's into which a run writes files, that stay there."""
    return f"{dataset}/{DATA}/{WRITER}={batch}-{run}"


def partition(path: str) -> str:
    """The folder of the partition of a data file, by its path below its dataset."""
    head, _, below = folder(path).partition("/")
    return below.partition("/")[2] if head == DATA else folder(path)


def writer(path: str) -> str:
    """What says who wrote a data file, by its path below its dataset: its batch, where that is
    what a run replaces, and its run."""
    if path.startswith(f"{DATA}/"):
        return path.split("/")[1].removeprefix(f"{WRITER}=")
    return name(path)


def numbered(folder: str, number: int, ending: str = "") -> str:
    """A file whose name is a number."""
    return f"{folder}/{number:010d}{ending}"


def numbers(names: Iterable[str]) -> list[int]:
    """The numbers among names, sorted; what else lies there is passed over."""
    return sorted(int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name)))


def folder(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]
