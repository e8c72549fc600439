"""Files on this machine's disk."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from gristmill.errors import OutputError
from gristmill.failpoints import point
from gristmill.storage import HIDDEN, StoredFile


class LocalStorage:
    """Files below a folder. Raises `OSError`, or `OutputError` where no folder can be made."""

    max_concurrency = 1

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).absolute()
        self.root = f"file://{self._folder}"

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return (self._folder / path).is_file()

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        try:
            return sorted(place.name for place in (self._folder / path).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def data_files(self, path: str) -> list[StoredFile]:
        """The files below a folder, at any depth, without hidden ones; sorted by path."""
        return sorted(_walk(self._folder / path, ""), key=lambda file: file.path)

    def read(self, path: str) -> bytes | None:
        """A small file's content; None where there is no such file."""
        try:
            return (self._folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_end(self, path: str, size: int, whole: int) -> bytes:
        """The last `size` bytes of a file of `whole` bytes, or all of it where it is shorter."""
        with (self._folder / path).open("rb") as file:
            file.seek(max(0, whole - size))
            return file.read()

    def write(self, path: str, data: bytes) -> None:
        """Write a small file whole, or replace it."""
        with self._written(path, data) as whole:
            whole.replace(self._folder / path)

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file whole, if there is none; gives whether it is this caller's."""
        # A second name for a whole file appears at once, and never in the place of another.
        with self._written(path, data) as whole:
            try:
                os.link(whole, self._folder / path)
            except FileExistsError:
                return self.read(path) == data
            return True

    def move(self, source: str, target: str) -> None:
        """Move a file, making its folder; what has been moved before is left as it is."""
        place = self._folder / target
        point("local.move")
        _make(place.parent)
        try:
            (self._folder / source).rename(place)
        except FileNotFoundError:
            if not place.is_file():
                raise

    def delete(self, path: str) -> None:
        """Delete a file, or a folder and all in it; nothing where there is none."""
        place = self._folder / path
        try:
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()
        except FileNotFoundError:
            # Somebody else deletes the same, and what they left is still to go.
            if place.is_dir():
                self.delete(path)

    def delete_empty_folder(self, path: str) -> None:
        """Delete a folder if nothing is in it."""
        with contextlib.suppress(OSError):
            (self._folder / path).rmdir()

    @contextlib.contextmanager
    def _written(self, path: str, data: bytes) -> Iterator[Path]:
        """`data` in a hidden file beside `path`, which is gone afterwards."""
        place = self._folder / path
        _make(place.parent)
        whole = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            point("local.write")
            with whole.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            point("local.written")
            yield whole
        finally:
            whole.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make {folder} ({error.strerror}): ask for access, or name another place"
        ) from error


def _walk(folder: Path, prefix: str) -> Iterator[StoredFile]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith(HIDDEN):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            with contextlib.suppress(FileNotFoundError):
                yield StoredFile(f"{prefix}{entry.name}", entry.stat().st_size)
