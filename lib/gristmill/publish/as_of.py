"""An output as it was: what tables of Iceberg still hold of earlier states."""

from datetime import UTC, datetime

from gristmill.errors import InputError, UsageError
from gristmill.publish import layout
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.state import DatasetState, RootState, read_state
from gristmill.publish.table_format import ICEBERG, found_format
from gristmill.storage import Storage

AsOf = int | str | datetime
"""A state: the number of an entry of the log, the id of a run that published it, or a moment; one
without a zone is UTC."""


def state_as_of(storage: Storage, when: AsOf) -> RootState:
    """What an output held then.

    Raises `UsageError` for what is none of these, and where the output is plain Parquet, which
    keeps no earlier state; `InputError` where nothing had been published, or it is forgotten.
    """
    if found_format(storage) != ICEBERG:
        raise UsageError(
            f"{storage.root} is an output of plain Parquet, which keeps no earlier state: one of "
            "--table-format iceberg does, for seven days"
        )
    state = read_state(storage, _number(storage, when))
    if not state.datasets:
        raise InputError(f"{storage.root}: nothing had been published as of {when}")
    return state


def check_kept(storage: Storage, name: str, held: DatasetState, when: AsOf) -> None:
    """See that the files of a state are still there. Raises `InputError` where they are not."""
    there = {f"{layout.DATA}/{file.path}" for file in storage.data_files(f"{name}/{layout.DATA}")}
    if not there.issuperset(held.files):
        raise InputError(
            f"{storage.root}/{name} as of {when} is not kept any more: what is replaced stays for "
            "seven days"
        )


def _number(storage: Storage, when: AsOf) -> int:
    log = Log(storage)
    if isinstance(when, int) or (isinstance(when, str) and when.isdecimal()):
        if int(when) not in log.numbers():
            raise InputError(f"{storage.root} has no entry {when} in its history")
        return int(when)
    if isinstance(when, str):
        for number, entry in log.since(0):
            if isinstance(entry, Manifest) and entry.run == when:
                return number
        try:
            when = datetime.fromisoformat(when)
        except ValueError as error:
            raise UsageError(
                f"as of {when!r}: neither the number of an entry, nor a run that is known "
                "here, nor a moment such as 2026-11-27T09:00:00Z"
            ) from error
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    before = [
        number
        for number, entry in log.since(0)
        if isinstance(entry, Manifest) and datetime.fromisoformat(entry.committed) <= moment
    ]
    return max(before, default=0)
