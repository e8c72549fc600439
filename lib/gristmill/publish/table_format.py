"""In which format the datasets of an output root are: chosen once, when it is made."""

import importlib.util
import json

from gristmill.errors import GristmillError, OutputError
from gristmill.publish import layout
from gristmill.storage import Storage

PARQUET, ICEBERG = "parquet", "iceberg"
TABLE_FORMATS = (PARQUET, ICEBERG)
"""Plain Parquet in folders, which is what a root is unless it is told; and Iceberg's tables."""

# The layout of each: an older Gristmill refuses a root of a layout that it does not know.
_LAYOUTS = {PARQUET: 1, ICEBERG: 2}


def is_root(storage: Storage) -> bool:
    """Whether it is an output root of ours. Raises `OutputError` for one of a later layout."""
    return found_format(storage) is not None


def found_format(storage: Storage) -> str | None:
    """The format of a root; None where it is none. Raises `OutputError` for a later layout."""
    marker = storage.read(layout.MARKER)
    if marker is None:
        return None
    told = json.loads(marker)
    format_ = told.get("format", PARQUET)
    if told["layout"] > max(_LAYOUTS.values()) or format_ not in TABLE_FORMATS:
        raise OutputError(f"{storage.root} was written by a newer Gristmill: install that")
    return str(format_)


def mark(storage: Storage, wanted: str | None) -> str:
    """Make `storage` an output root of ours, if it is none; gives its format.

    Raises `OutputError` where that is not the one that is `wanted`; None takes what is there.
    """
    format_ = wanted or PARQUET
    marker = {"layout": _LAYOUTS[format_]} | ({} if format_ == PARQUET else {"format": format_})
    found = found_format(storage)
    if ICEBERG in (found, wanted):
        check_installed()
    if found is None:
        storage.create(layout.MARKER, json.dumps(marker).encode() + b"\n")
        # Of several that make it at once, one decides.
        found = found_format(storage) or format_
    if wanted not in (None, found):
        raise OutputError(
            f"{storage.root} is an output of {found}, which was chosen when it was made: leave "
            f"--table-format out, or name another output for {wanted}"
        )
    return found


def newest_metadata(storage: Storage, dataset: str) -> str:
    """The URI of the file that holds the newest state of a table of Iceberg; empty for none."""
    hint = storage.read(f"{dataset}/{layout.METADATA}/version-hint.text")
    if hint is None:
        return ""
    return f"{storage.root}/{dataset}/{layout.METADATA}/v{hint.decode()}.metadata.json"


def is_installed() -> bool:
    """Whether what reads and writes Iceberg's tables is there."""
    return all(importlib.util.find_spec(name) for name in ("pyiceberg", "pyarrow"))


def check_installed() -> None:
    """Raises `GristmillError` where what writes Iceberg's tables is not there."""
    if not is_installed():
        raise GristmillError(
            "tables of Iceberg take pyiceberg: pip install gristmill[iceberg]; for a cluster, ship "
            "pyiceberg and pyarrow with gristmill emr submit --requirements FILE"
        )
