"""Reading `manager.toml`, with everything that is wrong with it named at once."""

from pathlib import Path

from pydantic import ValidationError

from gristmill.emr.specs.load import listed, read_toml, said_of
from gristmill.errors import UsageError
from gristmill.manager.settings import KINDS, Settings
from gristmill.nearest import near


def read_settings(path: Path) -> Settings:
    """The settings in a file. Raises `UsageError`, which names each wrong field."""
    raw = read_toml(path)
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
            said = said_of(one)
            if one["type"] == "extra_forbidden":
                said += near(str(one["loc"][-1]), _fields(one["loc"]))
            wrong.append((place, said))
        raise UsageError(listed(path, wrong)) from error
    if problems := settings.problems():
        raise UsageError(listed(path, problems))
    return settings


def _fields(place: tuple[int | str, ...]) -> list[str]:
    table = KINDS.get(str(place[0])) if len(place) > 1 else Settings
    return list(table.model_fields) if table else []
