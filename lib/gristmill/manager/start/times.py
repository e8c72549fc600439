"""The times of a schedule: what cron makes of a zone whose clocks are put back and forth."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from gristmill.manager.settings.starting import Schedule

_FAR = timedelta(days=5 * 366)


def times(schedule: Schedule, after: float) -> Iterator[datetime]:
    """The times of a schedule after a moment (seconds since 1970), in its zone, without end.

    Raises `StopIteration` where none comes within years.
    """
    zone = ZoneInfo(schedule.zone)
    start = datetime.fromtimestamp(after, UTC).astimezone(zone)
    for found in CronSim(schedule.cron, start):
        if found - start > _FAR:
            return
        yield found


def due_between(schedule: Schedule, after: float, until: float, most: int) -> list[datetime]:
    """The times after one moment up to another, the newest `most` of them."""
    found: list[datetime] = []
    for time in times(schedule, after):
        if time.timestamp() > until:
            break
        found.append(time)
        if len(found) > most:
            del found[0]
    return found


def filled(words: tuple[str, ...], due: datetime, previous: datetime | None) -> tuple[str, ...]:
    """Flags with their times: `{due:%Y-%m-%d}`, `{previous:%H}`. Raises `ValueError` and such."""
    told = {"due": due, "previous": previous or due}
    return tuple(word.format_map(_Only(told)) if "{" in word else word for word in words)


def filled_in(value: Any, due: datetime, previous: datetime | None) -> Any:
    """The same in all texts of a value that is JSON. Raises `ValueError` and such."""
    if isinstance(value, str):
        return filled((value,), due, previous)[0]
    if isinstance(value, dict):
        return {name: filled_in(one, due, previous) for name, one in value.items()}
    if isinstance(value, list):
        return [filled_in(one, due, previous) for one in value]
    return value


class _Only(dict[str, datetime]):
    """Leaves alone what it does not know: braces mean something to some flags."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"
