"""Meters of an invented utility, their readings in two months, and its tariffs.

The clocks of both zones are turned back on 1 November, so that the month has an hour more. A few
readings are missing, one is there twice, and two lines are no readings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from gzip import GzipFile
from pathlib import Path
from random import Random

from gristmill.sample.draw import below

_MONTHS = (datetime(2026, 10, 1), datetime(2026, 11, 1), datetime(2026, 12, 1))


@dataclass(frozen=True)
class _Zone:
    """A time zone in autumn 2026: minutes ahead of UTC until `change`, an hour less after it."""

    name: str
    summer: int
    change: datetime

    def offset(self, instant: datetime) -> timezone:
        ahead = self.summer if instant < self.change else self.summer - 60
        return timezone(timedelta(minutes=ahead))

    def instant(self, local: datetime) -> datetime:
        """When its clock shows this, which is not in the hour that it shows twice."""
        early = local.replace(tzinfo=timezone(timedelta(minutes=self.summer)))
        if early < self.change:
            return early
        return local.replace(tzinfo=timezone(timedelta(minutes=self.summer - 60)))


_CHICAGO = _Zone("America/Chicago", -300, datetime(2026, 11, 1, 7, tzinfo=UTC))
_ST_JOHNS = _Zone("America/St_Johns", -150, datetime(2026, 11, 1, 4, 30, tzinfo=UTC))


@dataclass(frozen=True)
class _Meter:
    name: str
    zone: _Zone
    group: str
    region: str
    minutes: int
    tariff: str
    watts: int  # on average, more or less


_METERS = (
    _Meter("m-1001", _CHICAGO, "residential", "lakeside", 60, "home", 900),
    _Meter("m-1002", _CHICAGO, "business", "lakeside", 30, "works", 21000),
    _Meter("m-2001", _ST_JOHNS, "residential", "harbour", 60, "home", 1300),
    _Meter("m-2002", _ST_JOHNS, "business", "harbour", 30, "works", 34000),
)

# In percent of the average, by the hour of the local day.
_HOURS = {
    "residential": (
        *(50, 45, 42, 42, 45, 60, 95, 120, 105, 90, 85, 85),
        *(95, 90, 85, 90, 110, 150, 185, 190, 170, 140, 100, 65),
    ),
    "business": (
        *(45, 45, 45, 45, 50, 65, 95, 130, 155, 160, 160, 155),
        *(150, 160, 160, 155, 140, 115, 90, 75, 65, 55, 50, 45),
    ),
}

_TARIFFS = """\
tariff,type,period,season,month_start,month_end,weekday_start,weekday_end,hour_start,hour_end,charge,units
home,customer,meter fee,,,,,,,,9.85,$/month
home,energy,peak,summer,5,10,0,4,17,21,0.31875,$/kWh
home,energy,off-peak,summer,5,10,0,4,0,17,0.1042,$/kWh
home,energy,off-peak,summer,5,10,0,4,21,24,0.1042,$/kWh
home,energy,off-peak,summer,5,10,5,6,,,0.1042,$/kWh
home,energy,peak,winter,11,4,0,4,6,9,0.2764,$/kWh
home,energy,off-peak,winter,11,4,0,4,0,6,0.09815,$/kWh
home,energy,off-peak,winter,11,4,0,4,9,24,0.09815,$/kWh
home,energy,off-peak,winter,11,4,5,6,,,0.09815,$/kWh
works,customer,meter fee,,,,,,,,0.79,$/day
works,demand,maximum,,,,,,,,3.2,$/kW
works,demand,peak,,,,0,4,08:30,18:30,11.45,$/kW
works,energy,peak,,,,0,4,08:30,18:30,0.084215,$/kWh
works,energy,off-peak,,,,0,4,0,08:30,0.05153,$/kWh
works,energy,off-peak,,,,0,4,18:30,24,0.05153,$/kWh
works,energy,off-peak,,,,5,6,,,0.05153,$/kWh
"""


def write_utility(folder: Path, *, seed: int) -> list[Path]:
    """Write meters, tariffs and a file of readings a month to `folder`; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(f"{seed}/utility")
    meters, tariffs = folder / "meters.csv", folder / "tariffs.csv"
    rows = (
        f"{meter.name},{meter.zone.name},{meter.group},{meter.region},{meter.minutes},{meter.tariff}"
        for meter in _METERS
    )
    names = "meter,zone,customer_group,region,interval_minutes,tariff"
    meters.write_bytes("\n".join([names, *rows, ""]).encode())
    tariffs.write_bytes(_TARIFFS.encode())
    months = []
    for first in _MONTHS[:-1]:
        path = folder / "readings" / f"{first:%Y-%m}.csv.gz"
        path.parent.mkdir(exist_ok=True)
        text = "\n".join(["meter,start,kwh", *_readings(rng, first), ""])
        # A header without name and time, so that the same lines give the same bytes.
        with (
            path.open("wb") as raw,
            GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
        ):
            packed.write(text.encode())
        months.append(path)
    return [meters, tariffs, *months]


def _readings(rng: Random, first: datetime) -> Iterator[str]:
    """The lines of a month, meter by meter."""
    following = next(month for month in _MONTHS if month > first)
    for meter in _METERS:
        instant, end = meter.zone.instant(first), meter.zone.instant(following)
        while instant < end:
            local = instant.astimezone(meter.zone.offset(instant))
            percent = _HOURS[meter.group][local.hour] * (70 + below(rng, 60))
            watt_hours = meter.watts * meter.minutes * percent // 600_000
            yield from _lines(meter.name, local, f"{watt_hours / 1000:.3f}")
            instant += timedelta(minutes=meter.minutes)


def _lines(meter: str, local: datetime, kwh: str) -> list[str]:
    """A reading as it is, or as something went wrong with it."""
    start = local.isoformat(timespec="minutes")
    line = f"{meter},{start},{kwh}"
    match meter, start[:13]:
        case "m-1001", "2026-11-20T18":
            return [line, f"{meter},{start},0.000"]
        case "m-1002", "2026-11-12T03" | "2026-11-12T04":
            return []
        case "m-2001", "2026-10-09T15":
            return [f"{meter},{start},nan"]
        case "m-2002", "2026-11-17T11":
            return [f"{meter},{start.replace('-17T', '-31T')},{kwh}"]
        case _:
            return [line]
