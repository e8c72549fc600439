"""Where a command looks: a place on disk or in S3, without Spark."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow.fs as arrow
from pyarrow import ArrowException

from gristmill.errors import GristmillError, InputError
from gristmill.publish.root import is_root
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage


def open_place(uri: str) -> Storage:
    """The files below a path or URI. Raises `InputError` for a scheme that is not known."""
    path = local_path(uri)
    if path is not None:
        return LocalStorage(path)
    from gristmill.storage.remote import RemoteStorage  # noqa: PLC0415  s3fs is slow to load

    return RemoteStorage(uri)


def open_output(uri: str) -> Storage:
    """An output root. Raises `InputError` where it is none."""
    storage = open_place(uri)
    with readable(uri):
        if not is_root(storage):
            raise InputError(f"{uri} is not an output of Gristmill: name the folder of --output")
    return storage


def arrow_path(storage: Storage, path: str) -> tuple[Any, str]:
    """The filesystem by which Arrow reads `storage`, and a path in it."""
    if isinstance(storage, LocalStorage):
        return arrow.LocalFileSystem(), f"{storage.root.removeprefix('file://')}/{path}"
    remote: Any = storage
    return arrow.PyFileSystem(arrow.FSSpecHandler(remote.filesystem)), f"{remote.folder}/{path}"


def local_path(uri: str) -> str | None:
    """The path on this machine that a path or URI means; None where it means another place."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return unquote(parts.path)
    return None if len(parts.scheme) > 1 else uri


@contextlib.contextmanager
def readable(uri: str) -> Iterator[None]:
    """What goes wrong inside becomes an `InputError` that names the place."""
    try:
        yield
    except GristmillError:
        raise
    except Exception as error:
        # Those of botocore have no base but this, and only s3fs may name them.
        of_storage = isinstance(error, ArrowException | OSError)
        if not of_storage and type(error).__module__.partition(".")[0] != "botocore":
            raise
        raise InputError(f"{uri}: {error}") from error
