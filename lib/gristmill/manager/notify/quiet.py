"""Quiet hours: when a message goes out."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gristmill.manager.settings.telling import Quiet


def after_quiet(quiet: Quiet | None, now: float) -> float:
    """When a message of now may go out: now, or at the end of the quiet hours that it falls into.

    Hours may go over midnight; those that start and end at one time are none.
    """
    if quiet is None or quiet.start == quiet.end:
        return now
    zone = ZoneInfo(quiet.zone)
    here = datetime.fromtimestamp(now, UTC).astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    for days in (-1, 0):
        day = here.date() + timedelta(days=days)
        begins = datetime.combine(day, start, zone)
        last = day if start < end else day + timedelta(days=1)
        ends = datetime.combine(last, end, zone)
        if begins.timestamp() <= now < ends.timestamp():
            return ends.timestamp()
    return now
