"""A project's own settings: `[tool.gristmill]` of the nearest `pyproject.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gristmill.errors import UsageError
from gristmill.nearest import nearest

_KEYS = {"jobs"}


@dataclass(frozen=True)
class Project:
    """A project: its `pyproject.toml`, None where there is none, and the modules with its jobs."""

    file: Path | None = None
    jobs: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that its modules are imported from."""
        if self.file is None:
            return (Path.cwd(),)
        folder = self.file.parent
        return (folder, *(one for one in (folder / "src",) if one.is_dir()))

    @staticmethod
    def find(start: Path | None = None) -> "Project":
        """The project of a folder, by default the working directory: the nearest that has a table
        `[tool.gristmill]`, upwards. Raises `UsageError` for one that is wrong."""
        folder = (start or Path.cwd()).resolve()
        for parent in (folder, *folder.parents):
            found = _read(parent / "pyproject.toml")
            if found is not None:
                return found
        return Project()


@cache
def _read(file: Path) -> Project | None:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    table = document.get("tool", {}).get("gristmill")
    if table is None:
        return None
    wrong = [f"{name}, which is not known: {nearest(name, _KEYS)}" for name in table.keys() - _KEYS]
    if wrong:
        raise UsageError(f"{file}: [tool.gristmill] has {'; '.join(wrong)}")
    jobs = table.get("jobs", [])
    if not isinstance(jobs, list) or not all(isinstance(one, str) for one in jobs):
        raise UsageError(f'{file}: jobs under [tool.gristmill] is a list, as ["mypackage.jobs"]')
    return Project(file, tuple(jobs))
