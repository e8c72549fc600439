"""A project's own settings: `[tool.gristmill]` of the nearest `pyproject.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.errors import UsageError
from gristmill.nearest import nearest

_FOLLOWERS = {"catalog": ("database", "region"), "lineage": ("to", "namespace")}
_KEYS = {"jobs", "defaults", "functions", "local", *_FOLLOWERS}
DEFAULTS = frozenset(
    {"output", "max-reject-rate", "wait", "log-format", "cluster", "account", "prices"}
)
"""The flags that a project may have a default for, without their dashes."""


@dataclass(frozen=True)
class Project:
    """A project: its `pyproject.toml`, None where there is none, the modules with its jobs, the
    defaults of flags, the functions of its workflows (`MODULE:NAME` by name), what stands for AWS's
    services (gristmill.workflow.settings), and what follows each publish: Glue's tables in a
    database, and lineage, to a place; empty where none does."""

    file: Path | None = None
    jobs: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)
    catalog: Mapping[str, str] = field(default_factory=dict)
    lineage: Mapping[str, str] = field(default_factory=dict)

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
    functions, local = table.get("functions", {}), table.get("local", {})
    if not isinstance(functions, dict) or not all(isinstance(v, str) for v in functions.values()):
        raise UsageError(f'{file}: [tool.gristmill.functions] has texts, as check = "mine:check"')
    if not isinstance(local, dict):
        raise UsageError(f"{file}: [tool.gristmill.local] is a table")
    defaults = _defaults(file, table.get("defaults", {}))
    catalog, lineage = (_follower(file, name, table.get(name)) for name in _FOLLOWERS)
    return Project(file, tuple(jobs), defaults, functions, local, catalog, lineage)


def _follower(file: Path, name: str, table: Any) -> Mapping[str, str]:
    if table is None:
        return {}
    needed, *_ = keys = _FOLLOWERS[name]
    is_table = isinstance(table, dict) and all(isinstance(one, str) for one in table.values())
    if not is_table or needed not in table or not set(keys).issuperset(table):
        raise UsageError(
            f'{file}: [tool.gristmill.{name}] has {needed} = "…", and may have {keys[1]} = "…"'
        )
    return dict(table)


def _defaults(file: Path, table: Any) -> Mapping[str, str]:
    where = f"{file}: [tool.gristmill.defaults]"
    if not isinstance(table, dict):
        raise UsageError(f'{where} is a table, as output = "out"')
    unknown = table.keys() - DEFAULTS
    wrong = [f"{name}, which has none: {nearest(name, DEFAULTS)}" for name in unknown]
    odd = [name for name, value in table.items() if not isinstance(value, str | int | float)]
    wrong += [f"{name}, which is no text or number" for name in odd]
    if wrong:
        raise UsageError(f"{where} has {'; '.join(wrong)}")
    return {name: str(value) for name, value in table.items()}
