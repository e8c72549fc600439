"""Reading `manager.toml`, with everything that is wrong with it named at once."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from gristmill.errors import UsageError
from gristmill.manager.settings import KINDS, Settings
from gristmill.nearest import near


def read_settings(path: Path) -> Settings:
    """The settings in a file. Raises `UsageError`, which names each wrong field."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    for kind in ("jobs", "schedules", "arrivals"):
        tables = raw.get(kind)
        for table in tables.values() if isinstance(tables, dict) else ():
            if isinstance(table, dict):
                table.setdefault("folder", str(path.resolve().parent))
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        wrong = []
        for one in error.errors(include_url=False):
            place = ".".join(map(str, one["loc"]))
            said = one["msg"].removeprefix("Value error, ")
            if one["type"] == "extra_forbidden":
                said = f"no such field{near(str(one['loc'][-1]), _fields(one['loc']))}"
            wrong.append((place, said))
        raise UsageError(_listed(path, wrong)) from error
    if problems := settings.problems():
        raise UsageError(_listed(path, problems))
    return settings


def _fields(place: tuple[int | str, ...]) -> list[str]:
    table = KINDS.get(str(place[0])) if len(place) > 1 else Settings
    return list(table.model_fields) if table else []


def _listed(path: Path, wrong: list[tuple[str, str]]) -> str:
    count = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    return "\n".join([f"{path}: {count}", *(f"  {field}: {said}" for field, said in wrong)])
