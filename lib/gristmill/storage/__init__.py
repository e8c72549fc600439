"""The few verbs that publishing needs of a place that holds files.

`local` is the disk of this machine, `hadoop` whatever Spark's Hadoop can reach, with the cluster's
own credentials, and `remote` the same from a command that starts no Spark. All of them pass the
suite in `tests/storage_conformance.py`.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

HIDDEN = ("_", ".")
"""Names that start so are not data: Spark, Hive and Athena pass them over."""


@dataclass(frozen=True)
class StoredFile:
    """A file: its path relative to the folder that was listed, and its size in bytes."""

    path: str
    size: int


class Storage(Protocol):
    """Files below one root; every path given to a verb is relative to it."""

    @property
    def root(self) -> str:
        """The root as a URI."""
        ...

    @property
    def max_concurrency(self) -> int:
        """How many calls at once are worth while."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        ...

    def data_files(self, path: str) -> list[StoredFile]:
        """The files below a folder, at any depth, without hidden ones; sorted by path."""
        ...

    def read(self, path: str) -> bytes | None:
        """A small file's content; None where there is no such file."""
        ...

    def read_end(self, path: str, size: int, whole: int) -> bytes:
        """The last `size` bytes of a file of `whole` bytes, or all of it where it is shorter."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Write a small file, or replace it: a reader finds the old or the new content whole."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file whole, if there is none; of several callers at once one succeeds.

        Gives whether the file is this caller's, which its content has to tell from any other's.
        """
        ...

    def move(self, source: str, target: str) -> None:
        """Move a file, making its folder; what has been moved before is left as it is.

        Raises `FileNotFoundError` where neither is there.
        """
        ...

    def delete(self, path: str) -> None:
        """Delete a file, or a folder and all in it; nothing where there is none."""
        ...

    def delete_empty_folder(self, path: str) -> None:
        """Delete a folder if nothing is in it."""
        ...


def map_concurrently(
    storage: Storage, work: Callable[[Item], Result], items: Iterable[Item]
) -> list[Result]:
    """What `work` gives for each item, in order; as many at once as `storage` is fit for."""
    if storage.max_concurrency == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(storage.max_concurrency) as pool:
        return list(pool.map(work, items))
