"""Telling Iceberg of what was published: the door to `iceberg`, which not everybody has."""

from collections.abc import Iterable

from gristmill.publish.table_format import check_installed
from gristmill.storage import Storage


def follow(storage: Storage, datasets: Iterable[str]) -> None:
    """Bring the tables of datasets up to the log of their root, entry by entry.

    May be repeated, from any point, and done by several at once. Raises `GristmillError` where
    what it takes is not installed.
    """
    check_installed()
    from gristmill.publish.iceberg.following import follow_log  # noqa: PLC0415  not for everybody

    for dataset in sorted(set(datasets)):
        follow_log(storage, dataset)
