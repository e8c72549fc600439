"""Output roots as commands and callers name them, without Spark."""

import contextlib
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from gristmill.errors import GristmillError, InputError
from gristmill.publish.table_format import is_root
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage

_OF_STORAGE = {"botocore", "pyarrow"}


def open_location(uri: str) -> Storage:
    """The files below a path or URI. Raises `InputError` for a scheme that is not known."""
    path = local_path(uri)
    if path is not None:
        return LocalStorage(path)
    from gristmill.storage.remote import RemoteStorage  # noqa: PLC0415  s3fs is slow to load

    return RemoteStorage(uri)


def open_output(uri: str) -> Storage:
    """An output root. Raises `InputError` where it is none."""
    storage = open_location(uri)
    with readable(uri):
        if not is_root(storage):
            raise InputError(f"{uri} is not an output of Gristmill: name the folder of --output")
    return storage


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
        of_storage = type(error).__module__.partition(".")[0] in _OF_STORAGE
        if not (of_storage or isinstance(error, OSError)):
            raise
        raise InputError(f"{uri}: {error}") from error
