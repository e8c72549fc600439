"""Iceberg's own files, through the storage of an output root."""

import io

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from gristmill.publish.batch import one_spelling
from gristmill.storage import Storage


def location(storage: Storage, path: str = "") -> str:
    """Where a file of a root is, as Iceberg writes it down for all engines: a path without a
    scheme on this machine."""
    root = one_spelling(storage.root).removeprefix("file://")
    return f"{root}/{path}" if path else root


class StorageFiles(FileIO):
    """What pyiceberg reads and writes its small files through."""

    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    def new_input(self, location: str) -> InputFile:
        """A file to read."""
        return _Input(self._storage, location)

    def new_output(self, location: str) -> OutputFile:
        """A file to write."""
        return _Output(self._storage, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file."""
        named = location if isinstance(location, str) else location.location
        self._storage.delete(_path(self._storage, named))


class _Input(InputFile):
    def __init__(self, storage: Storage, location: str) -> None:
        super().__init__(location)
        self._storage = storage

    def __len__(self) -> int:
        return len(self._read())

    def exists(self) -> bool:
        return self._storage.is_file(_path(self._storage, self.location))

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002
        return io.BytesIO(self._read())

    def _read(self) -> bytes:
        data = self._storage.read(_path(self._storage, self.location))
        if data is None:
            raise FileNotFoundError(self.location)
        return data


class _Output(OutputFile):
    def __init__(self, storage: Storage, location: str) -> None:
        super().__init__(location)
        self._storage = storage

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self._storage.is_file(_path(self._storage, self.location))

    def to_input_file(self) -> InputFile:
        return _Input(self._storage, self.location)

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: ARG002
        return _Written(self._storage, _path(self._storage, self.location))


class _Written(io.BytesIO):
    """Bytes that are written as a file once they are all there."""

    def __init__(self, storage: Storage, path: str) -> None:
        super().__init__()
        self._storage, self._path = storage, path

    def close(self) -> None:
        if not self.closed:
            self._storage.write(self._path, self.getvalue())
        super().close()


def _path(storage: Storage, named: str) -> str:
    """The path below the root of a file that Iceberg names."""
    prefix = f"{location(storage)}/"
    if not one_spelling(named).startswith(prefix):
        raise ValueError(f"{named} is not below {prefix}")
    return one_spelling(named).removeprefix(prefix)
