"""Holding what lies in an output root against what its log says."""

from collections.abc import Callable
from dataclasses import dataclass

from gristmill.publish import layout, tables
from gristmill.publish.state import RootState
from gristmill.publish.table_format import ICEBERG, found_format
from gristmill.storage import HIDDEN, Storage, map_concurrently


@dataclass(frozen=True)
class Verified:
    """A dataset, as far as it was looked at: how many files and rows it should have, and `wrong`,
    a line for each file that is missing, of another size, of other rows, or a stray. Without a
    name, what lies in the root beside all datasets."""

    dataset: str
    files: int
    rows: int
    wrong: tuple[str, ...]


def verify(storage: Storage, state: RootState, rows_of: Callable[[str], int]) -> list[Verified]:
    """Look at every file; `rows_of` gives the rows of one by its path, or raises `OSError`."""
    lying = [name for name in storage.names("") if not name.startswith(HIDDEN)]
    loose = [name for name in lying if storage.is_file(name)]
    found = [Verified("", 0, 0, tuple(f"{name}: stray" for name in loose))] if loose else []
    is_table = found_format(storage) == ICEBERG
    for name in sorted({*lying, *state.datasets} - set(loose)):
        there = _lying(storage, name, layout.DATA) if is_table else _lying(storage, name)
        files = state.datasets[name].files if name in state.datasets else {}

        def check(path: str, name: str = name, there: dict[str, int] = there) -> str | None:
            expected = state.datasets[name].files[path]
            if path not in there:
                return f"{name}/{path}: missing"
            if there[path] != expected.bytes:
                return f"{name}/{path}: {there[path]:,} bytes, not {expected.bytes:,}"
            try:
                rows = rows_of(f"{name}/{path}")
            except OSError as error:
                return f"{name}/{path}: {error}"
            if rows != expected.rows:
                return f"{name}/{path}: {rows:,} rows, not {expected.rows:,}"
            return None

        checked = map_concurrently(storage, check, sorted(files))
        wrong = [text for text in checked if text is not None]
        strays = set(there) - set(files)
        if is_table and name in state.datasets:
            wrong += tables.differences(storage, name, state.datasets[name])
            strays -= tables.kept(storage, name) if strays else set()
        wrong += [f"{name}/{path}: stray" for path in sorted(strays)]
        rows = sum(file.rows for file in files.values())
        found.append(Verified(name, len(files), rows, tuple(wrong)))
    return found


def _lying(storage: Storage, name: str, below: str = "") -> dict[str, int]:
    """The bytes of the files of a dataset that lie in it or in a folder `below` it, by path."""
    prefix = f"{below}/" if below else ""
    found = storage.data_files(f"{name}/{below}" if below else name)
    return {f"{prefix}{file.path}": file.size for file in found}
