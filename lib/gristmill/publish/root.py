"""What may be an output root, and what every run does there first."""

from datetime import datetime

from gristmill.errors import OutputError
from gristmill.publish import layout
from gristmill.publish.settle import recover
from gristmill.publish.table_format import is_root
from gristmill.storage import Storage


def open_root(storage: Storage, by: str, now: datetime) -> None:
    """See that `storage` can be an output root, and settle what dead runs left unfinished.

    Raises `OutputError` where it is a file, or a folder with files that are not ours.
    """
    if is_root(storage):
        recover(storage, by, now)
        return
    if storage.is_file(""):
        raise OutputError(f"{storage.root} is a file: name a folder as the output")
    foreign = [name for name in storage.names("") if name != layout.HOME]
    if foreign:
        raise OutputError(
            f"{storage.root} holds files that Gristmill did not write ({foreign[0]}, …): "
            "name an empty or a new folder as the output"
        )
