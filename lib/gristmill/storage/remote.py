"""Files in S3 for commands that start no Spark, through fsspec."""

import contextlib
from typing import Any

import fsspec

from gristmill.errors import GristmillError, InputError
from gristmill.storage import HIDDEN, StoredFile

_MAX_CONCURRENCY = 16


class RemoteStorage:
    """Files below a URI, with the credentials of the usual AWS environment.

    Raises `GristmillError` where what it takes is not installed, `InputError` for another scheme.
    """

    max_concurrency = _MAX_CONCURRENCY

    def __init__(self, uri: str) -> None:
        scheme, _, place = uri.partition("://")
        if scheme not in ("s3", "s3a"):
            raise InputError(f"{uri}: only local paths, s3:// and s3a:// can be looked at")
        try:
            # Without the cache of listings: what other processes write has to be seen.
            self.filesystem: Any = fsspec.filesystem("s3", use_listings_cache=False)
        except ImportError as error:
            raise GristmillError(
                "looking into S3 needs s3fs: pip install s3fs; in a clone: make s3"
            ) from error
        self.folder = place.rstrip("/")
        self.root = f"{scheme}://{self.folder}"

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(self.filesystem.isfile(self._at(path)))

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        folder = self._at(path)
        try:
            found = self.filesystem.ls(folder, detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        # A folder that was made lists itself, as does a file.
        return sorted({name.rpartition("/")[2] for name in found if name.rstrip("/") != folder})

    def data_files(self, path: str) -> list[StoredFile]:
        """The files below a folder, at any depth, without hidden ones; sorted by path."""
        folder = self._at(path)
        found = []
        for name, info in self.filesystem.find(folder, detail=True, refresh=True).items():
            below = name[len(folder) + 1 :]
            # A folder may be listed as itself, by the object with which Hadoop marks it.
            if (
                below
                and not below.endswith("/")
                and info["type"] == "file"
                and not any(part.startswith(HIDDEN) for part in below.split("/"))
            ):
                found.append(StoredFile(below, info["size"]))
        return sorted(found, key=lambda file: file.path)

    def read(self, path: str) -> bytes | None:
        """A small file's content; None where there is no such file."""
        try:
            return bytes(self.filesystem.cat_file(self._at(path)))
        except FileNotFoundError:
            return None

    def read_end(self, path: str, size: int, whole: int) -> bytes:
        """The last `size` bytes of a file of `whole` bytes, or all of it where it is shorter."""
        return bytes(self.filesystem.cat_file(self._at(path), start=max(0, whole - size)))

    def write(self, path: str, data: bytes) -> None:
        """Write a small file whole, or replace it."""
        self.filesystem.pipe_file(self._at(path), data)

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file whole, if there is none; gives whether it is this caller's."""
        try:
            self.filesystem.pipe_file(self._at(path), data, mode="create")
        except OSError:
            # Of a request that was repeated, the answer to the first may be what got lost.
            found = self.read(path)
            if found is None:
                raise
            return found == data
        return True

    def move(self, source: str, target: str) -> None:
        """Move a file; what has been moved before is left as it is."""
        if not self.is_file(target):
            self.filesystem.cp_file(self._at(source), self._at(target))
        self.delete(source)

    def delete(self, path: str) -> None:
        """Delete a file, or a folder and all in it; nothing where there is none."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm(self._at(path), recursive=True)

    def delete_empty_folder(self, path: str) -> None:
        """Delete a folder if nothing is in it."""
        if not self.names(path):
            # S3 has no folders, but Hadoop marks one that it has made by an object.
            bucket, _, key = self._at(path).partition("/")
            self.filesystem.call_s3("delete_object", Bucket=bucket, Key=f"{key}/")

    def _at(self, path: str) -> str:
        return f"{self.folder}/{path}" if path else self.folder
