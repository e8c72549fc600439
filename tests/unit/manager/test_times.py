"""Times of schedules over the days on which clocks are put forward and back.

The rules are those of Debian's cron (cron.8): a job of a fixed hour that the gap swallows runs at
its end, one of a doubled hour runs once, and jobs of every hour or minute follow the clock.
"""

from datetime import UTC, datetime

import pytest

from gristmill.manager.notify.quiet import after_quiet
from gristmill.manager.settings.starting import Schedule
from gristmill.manager.settings.telling import Quiet
from gristmill.manager.start.times import due_between, filled

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "cron", "day", "expected"),
    [
        # In Berlin, 02:00 to 03:00 does not exist on 29 March 2026.
        (BERLIN, "30 2 * * *", "2026-03-29", ["03:00+0200"]),
        (BERLIN, "30 1 * * *", "2026-03-29", ["01:30+0100"]),
        (BERLIN, "0 3 * * *", "2026-03-29", ["03:00+0200"]),
        (
            BERLIN,
            "*/30 1-3 * * *",
            "2026-03-29",
            ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"],
        ),
        (BERLIN, "0 * * * *", "2026-03-29", 23),
        # and 02:00 to 03:00 comes twice on 25 October 2026.
        (BERLIN, "30 2 * * *", "2026-10-25", ["02:30+0200"]),
        (BERLIN, "0 3 * * *", "2026-10-25", ["03:00+0100"]),
        (BERLIN, "0 * * * *", "2026-10-25", 25),
        (BERLIN, "*/30 * * * *", "2026-10-25", 50),
        # In New York, 02:00 to 03:00 does not exist on 8 March 2026,
        (NEW_YORK, "30 2 * * *", "2026-03-08", ["03:00-0400"]),
        (NEW_YORK, "0 * * * *", "2026-03-08", 23),
        # and 01:00 to 02:00 comes twice on 1 November 2026.
        (NEW_YORK, "30 1 * * *", "2026-11-01", ["01:30-0400"]),
        (NEW_YORK, "30 2 * * *", "2026-11-01", ["02:30-0500"]),
        (NEW_YORK, "0 * * * *", "2026-11-01", 25),
        # Where clocks stay as they are, so do times.
        ("UTC", "30 2 * * *", "2026-03-29", ["02:30+0000"]),
        ("Asia/Tokyo", "0 * * * *", "2026-03-29", 24),
    ],
)
def test_what_fires_on_the_days_when_clocks_change(
    zone: str, cron: str, day: str, expected: list[str] | int
) -> None:
    schedule = Schedule(job="j", cron=cron, zone=zone)
    around = due_between(
        schedule, at(f"{day}T00:00+00:00") - 86_400, at(f"{day}T00:00+00:00") + 2 * 86_400, 500
    )
    found = [one for one in around if one.strftime("%Y-%m-%d") == day]
    if isinstance(expected, int):
        assert len(found) == expected
    else:
        assert [one.strftime("%H:%M%z") for one in found] == expected


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("@daily", "2026-01-02T00:00+00:00"),
        ("@hourly", "2026-01-01T13:00+00:00"),
        ("0 0 L * *", "2026-01-31T00:00+00:00"),
        ("0 9 * * MON-FRI", "2026-01-02T09:00+00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00+00:00"),
    ],
)
def test_what_cron_expressions_mean(cron: str, first: str) -> None:
    schedule = Schedule(job="j", cron=cron)
    found = due_between(schedule, at("2026-01-01T12:30+00:00"), at(first), 500)
    assert found[0] == datetime.fromisoformat(first)


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "60 * * * *", "* * * *", "@sometimes", ""])
def test_what_never_fires_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="must be five fields"):
        Schedule(job="j", cron=cron)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a time zone"):
        Schedule(job="j", cron="@daily", zone="Berlin")


def test_flags_hold_the_time_that_they_are_for() -> None:
    due = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    previous = datetime(2026, 3, 28, 2, 30, tzinfo=UTC)
    words = ("--input", "s3://b/{due:%Y/%m/%d}/", "{previous:%H}", "{other}", "plain")
    assert filled(words, due, previous) == (
        "--input",
        "s3://b/2026/03/29/",
        "02",
        "{other}",
        "plain",
    )


@pytest.mark.parametrize(
    ("start", "end", "zone", "now", "expected"),
    [
        ("22:00", "07:00", "UTC", "2026-01-01T23:00+00:00", "2026-01-02T07:00+00:00"),
        ("22:00", "07:00", "UTC", "2026-01-02T03:00+00:00", "2026-01-02T07:00+00:00"),
        ("22:00", "07:00", "UTC", "2026-01-02T07:00+00:00", "2026-01-02T07:00+00:00"),
        ("22:00", "07:00", "UTC", "2026-01-02T12:00+00:00", "2026-01-02T12:00+00:00"),
        ("12:00", "13:00", "UTC", "2026-01-02T12:30+00:00", "2026-01-02T13:00+00:00"),
        ("12:00", "12:00", "UTC", "2026-01-02T12:00+00:00", "2026-01-02T12:00+00:00"),
        # Over the night of 29 March, 07:00 in Berlin is 05:00 UTC.
        ("22:00", "07:00", BERLIN, "2026-03-28T22:30+00:00", "2026-03-29T05:00+00:00"),
        ("22:00", "07:00", BERLIN, "2026-10-24T21:00+00:00", "2026-10-25T06:00+00:00"),
    ],
)
def test_quiet_hours_put_messages_off_until_they_end(
    start: str, end: str, zone: str, now: str, expected: str
) -> None:
    assert after_quiet(Quiet(start=start, end=end, zone=zone), at(now)) == at(expected)
