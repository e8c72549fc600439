"""Statements: the sample's against plain Python with zoneinfo and decimal, and the odd months."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError, UsageError
from gristmill.jobs import utility_statements
from gristmill.jobs.utility_statements import JOB, UtilityStatementsOptions
from gristmill.model.checks import divide
from tests.conftest import RunJob

Cells = dict[str, str]
REJECTED = {"bad_timestamp": 2}
SEASONS = {1: "winter", 10: "autumn", 11: "autumn"}  # by default, where the tariff has none


@dataclass
class Month:
    """What plain Python finds of a meter's month."""

    readings: int = 0
    doubled: int = 0
    kwh: Decimal = Decimal(0)
    energy: dict[tuple[str, Decimal], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    demand: dict[tuple[str, Decimal], Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def cells(path: Path) -> list[Cells]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(text.splitlines()))


def holds(row: Cells, local: datetime) -> bool:
    """Whether a row of the sample's tariffs holds at a local time."""

    def hours(text: str, otherwise: float) -> float:
        whole, _, minutes = text.partition(":")
        return int(whole) + int(minutes or 0) / 60 if text else otherwise

    first, last = int(row["month_start"] or 1), int(row["month_end"] or 12)
    month = local.month
    in_months = first <= month <= last if first <= last else not last < month < first
    days = int(row["weekday_start"] or 0), int(row["weekday_end"] or 6)
    since, until = hours(row["hour_start"], 0), hours(row["hour_end"], 24)
    is_hour = since <= local.hour + local.minute / 60 < until
    return in_months and days[0] <= local.weekday() <= days[1] and is_hour


def readings(folder: Path) -> Iterator[tuple[str, datetime, Decimal]]:
    """Meter, instant and kWh of the lines that are readings."""
    for path in sorted((folder / "readings").iterdir()):
        for row in cells(path):
            try:
                start = datetime.fromisoformat(row["start"])
            except ValueError:
                continue
            if row["kwh"] != "nan":
                yield row["meter"], start.astimezone(UTC), Decimal(row["kwh"])


@pytest.fixture
def billed(
    run_job: RunJob, samples: Path, tmp_path: Path, spark: SparkSession
) -> Callable[[str], list[Row]]:
    """The rows of a dataset, billed from the sample."""
    folder = samples / "utility"
    options = UtilityStatementsOptions(
        tariff=str(folder / "tariffs.csv"), meters=str(folder / "meters.csv")
    )
    report = run_job(JOB, folder / "readings", options=options)
    assert report.rejects == REJECTED
    assert report.skipped == 2
    assert report.lines == sum(len(cells(path)) + 1 for path in (folder / "readings").iterdir())
    return lambda name: spark.read.parquet(str(tmp_path / "out" / name)).collect()


def test_the_sample_comes_to_what_plain_python_makes_of_it(
    billed: Callable[[str], list[Row]], samples: Path
) -> None:
    folder = samples / "utility"
    meters = {row["meter"]: row for row in cells(folder / "meters.csv")}
    tariffs = cells(folder / "tariffs.csv")
    found = list(readings(folder))
    times = Counter((meter, start) for meter, start, _ in found)
    months: dict[tuple[str, str], Month] = defaultdict(Month)
    usage: dict[tuple[str, str, str, str, int], list[Decimal]] = defaultdict(list)
    for meter, start, kwh in found:
        about = meters[meter]
        local = start.astimezone(ZoneInfo(about["zone"]))
        month = months[meter, f"{local:%Y-%m}"]
        if times[meter, start] > 1:
            month.doubled += 1
            continue
        month.readings += 1
        month.kwh += kwh
        rows = [row for row in tariffs if row["tariff"] == about["tariff"] and holds(row, local)]
        (energy,) = (row for row in rows if row["type"] == "energy")
        month.energy[energy["period"], Decimal(energy["charge"])] += kwh
        for row in rows:
            if row["type"] == "demand":
                window = (row["period"], Decimal(row["charge"]))
                kw = kwh * 60 / int(about["interval_minutes"])
                month.demand[window] = max(month.demand[window], kw)
        season = energy["season"] or SEASONS[local.month]
        group = about["customer_group"], about["region"]
        usage[f"{local:%Y-%m}", *group, season, local.hour].append(kwh)

    statements = {(one["meter"], one["month"]): one for one in billed("utility_statements")}
    assert statements.keys() == months.keys()
    for key, month in months.items():
        check_statement(statements[key], month, meters[key[0]], tariffs)

    lines = {
        (one["meter"], one["month"], one["charge"], one["window"], one["rate"]): one["quantity"]
        for one in billed("utility_statement_lines")
        if one["charge"] != "customer"
    }
    assert lines == {
        (*key, charge, *window): quantity
        for key, month in months.items()
        for charge, windows in (("energy", month.energy), ("demand", month.demand))
        for window, quantity in windows.items()
    }

    names = ("month", "customer_group", "region", "season", "hour")
    patterns = {tuple(one[name] for name in names): one for one in billed("usage_patterns")}
    assert {key: (one["kwh"], one["readings"]) for key, one in patterns.items()} == {
        key: (sum(kwhs), len(kwhs)) for key, kwhs in usage.items()
    }
    pattern = patterns["2026-11", "business", "harbour", "autumn", 1]
    # Half hours, of which the first of November had two more at one o'clock.
    assert (pattern["readings"], pattern["hours"]) == (62, 31.0)
    assert pattern["average_kw"] == pytest.approx(float(pattern["kwh"]) / 31)


def check_statement(row: Row, month: Month, about: Cells, tariffs: list[Cells]) -> None:
    """Hold a statement against what plain Python has found."""
    first = date.fromisoformat(f"{row['month']}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    zone = ZoneInfo(about["zone"])
    begin, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, following))
    assert (row["period_start"].astimezone(UTC), row["period_end"].astimezone(UTC)) == (begin, end)
    hours = (end.timestamp() - begin.timestamp()) / 3600
    assert row["expected_hours"] == hours == {10: 744, 11: 721}[first.month]
    assert row["expected_readings"] == hours * 60 / int(about["interval_minutes"])
    assert (row["readings"], row["kwh"]) == (month.readings, month.kwh)
    assert row["doubled_readings"] == month.doubled // 2
    missing = row["expected_readings"] - row["readings"] - row["doubled_readings"]
    assert row["missing_readings"] == missing
    is_whole = missing + month.doubled == 0
    assert row["status"] == ("complete" if is_whole else "partial")
    assert row["problems"] == PROBLEMS.get((row["meter"], row["month"]))

    ours = [one for one in tariffs if one["tariff"] == about["tariff"] == row["tariff"]]
    (fixed,) = (one for one in ours if one["type"] == "customer")
    times = (following - first).days if fixed["units"] == "$/day" else 1
    parts = (
        Decimal(fixed["charge"]) * times,
        sum(((kwh * rate) for (_, rate), kwh in month.energy.items()), Decimal(0)),
        sum(((kw * rate) for (_, rate), kw in month.demand.items()), Decimal(0)),
    )
    assert (row["fixed"], row["energy"], row["demand"]) == parts
    assert row["total"] == sum(parts, Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert row["currency"] == "USD"
    assert (row["customer_group"], row["region"]) == (about["customer_group"], about["region"])


PROBLEMS = {
    ("m-1001", "2026-11"): "doubled 2026-11-20T18:00-06:00 to 2026-11-20T19:00-06:00",
    ("m-1002", "2026-11"): "missing 2026-11-12T03:00-06:00 to 2026-11-12T05:00-06:00",
    ("m-2001", "2026-10"): "missing 2026-10-09T15:00-02:30 to 2026-10-09T16:00-02:30",
    ("m-2002", "2026-11"): "missing 2026-11-17T11:00-03:30 to 2026-11-17T12:00-03:30",
}


class Bill:
    """Bills a CSV file's text: `bill(text)` gives statements, and the reasons of lines rejected."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.lines: DataFrame | None = None
        """The lines of the statements that were billed last."""

    def __call__(
        self, text: str, *, tariff: str | None = None, meters: str = "", **options: Any
    ) -> tuple[list[Row], list[str]]:
        texts = {"meter-7.csv": text, "tariff.csv": tariff or FLAT, "m.csv": meters}
        for name, content in texts.items():
            (self.folder / name).write_text(content)
        files = {"tariff": str(self.folder / "tariff.csv")}
        files |= {"meters": str(self.folder / "m.csv")} if meters else {"zone": "America/Chicago"}
        chosen = UtilityStatementsOptions(**(files | options))
        reading = JOB.reads.read(self.spark, [str(self.folder / "meter-7.csv")], chosen)
        # As a run does: a filter must not go below the parsing.
        seen = reading.rows.observe(Observation(), F.count(F.lit(1)).alias("lines"))
        valid, rejects = divide(seen)
        reasons = [row["_reason"] for row in rejects.orderBy("_line_number").collect()]
        frames = utility_statements.bill(valid, chosen)
        self.lines = frames["utility_statement_lines"]
        return frames["utility_statements"].orderBy("meter", "month").collect(), reasons


@pytest.fixture
def bill(spark: SparkSession, tmp_path: Path) -> Bill:
    """Statements of a CSV file's text."""
    return Bill(spark, tmp_path)


FLAT = "type,charge,units\ncustomer,10.01,$/month\nenergy,0.125,$/kWh\n"


def hourly(since: str, until: str, zone: str) -> list[str]:
    """The instants of each hour between two local times, with their offsets."""
    start, end = (
        datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for text in (since, until)
    )
    count = int((end - start).total_seconds() // 3600)
    return [
        (start + timedelta(hours=n)).astimezone(ZoneInfo(zone)).isoformat() for n in range(count)
    ]


@pytest.mark.thorough
def test_a_month_is_complete_by_the_hours_that_it_really_had(bill: Bill) -> None:
    starts = hourly("2026-03-01", "2026-04-01", "America/Chicago")
    starts += hourly("2026-11-01", "2026-12-01", "America/Chicago")
    rows, reasons = bill("\n".join(["start,kwh", *(f"{start},0.04" for start in starts)]))
    assert reasons == []
    assert {row["meter"] for row in rows} == {"meter-7"}
    found = [(row["month"], row["status"], row["readings"], row["fixed"]) for row in rows]
    # Between the two, months without any reading are partial, and are billed all the same.
    fixed = Decimal("10.01")
    empty = [(f"2026-{month:02}", "partial", 0, fixed) for month in range(4, 11)]
    whole = [("2026-03", "complete", 743, fixed), ("2026-11", "complete", 721, fixed)]
    assert found == [whole[0], *empty, whole[1]]
    assert rows[0]["total"] == Decimal("13.73")  # 13.725, half up and not to the even
    may = rows[2]
    assert may["problems"] == "missing 2026-05-01T00:00-05:00 to 2026-06-01T00:00-05:00"
    assert (may["missing_readings"], may["kwh"], may["total"]) == (744, 0, fixed)


@pytest.mark.thorough
def test_lines_that_are_no_readings_are_rejected_and_doubled_ones_named(bill: Bill) -> None:
    lines = {
        "A,2026-03-08T01:00,1,x": None,
        "A,2026-03-08T02:00,1,x": "skipped_time",
        "A,2026-03-08 03:00:00,1,x": None,
        "A,2026-11-01T00:00,nan,x": None,
        "A,2026-11-01T01:00,1,x": "ambiguous_time",
        "A,2026-11-01T01:00-06,1,x": None,
        "A,2026-11-01T02:00,,x": None,
        "": "empty_line",
        "meter,start,kwh,note": None,
        "A,2026-11-02T02:00,1": "wrong_fields",
        'A,2026-11-02T02:00,1,"x': "unclosed_quote",
        ",2026-11-02T02:00,1,x": "no_meter",
        "Z,2026-11-02T02:00,1,x": "unknown_meter",
        "A,2026-11-31T02:00,1,x": "bad_timestamp",
        "A,,1,x": "bad_timestamp",
        "A,2026-11-02T02:00+19:00,1,x": "bad_timestamp",
        "A,2026-11-02T02:30,1,x": "off_interval",
        "B,2026-11-02T02:30,1e-05,x": None,
        "B,2026-11-02T02:15:00,1,x": "off_interval",
        "A,2026-11-02T02:00,a lot,x": "bad_reading",
        "A,2026-11-02T02:00,1e15,x": "bad_reading",
        '"A","2026-11-02T02:00","-0.5","x, y"': "negative_reading",
    }
    chicago = ",America/Chicago,\n"
    meters = f"meter_id,timezone,interval_minutes\nA{chicago}B,Asia/Kolkata,30\nC{chicago}"
    january = [f"C,{start},1," for start in hourly("2026-01-01", "2026-02-01", "America/Chicago")]
    alike = "C,2026-01-10T11:00:00Z,1,"  # as one of those, which has an offset
    text = "\n".join(["meter,start,kwh,note", *lines, *january, alike])
    rows, reasons = bill(text, meters=meters)
    assert reasons == [reason for reason in lines.values() if reason]
    assert {*reasons, "no_tariff"} == set(JOB.reads.rejects)
    found = {(row["meter"], row["month"]): row for row in rows}
    # An empty reading after the last one is the end of a file.
    assert [key for key in found if key[0] == "A"] == [("A", f"2026-{n:02}") for n in range(3, 12)]
    assert found["A", "2026-03"]["problems"] == (
        "missing 2026-03-01T00:00-06:00 to 2026-03-08T01:00-06:00; "
        "missing 2026-03-08T04:00-05:00 to 2026-04-01T00:00-05:00"
    )
    assert found["A", "2026-11"]["readings"] == 1
    assert found["B", "2026-11"]["kwh"] == Decimal("0.00001")
    # Of readings that are there twice neither counts, even where they are alike.
    doubled = found["C", "2026-01"]
    assert (doubled["status"], doubled["readings"], doubled["kwh"]) == ("partial", 743, 743)
    assert (doubled["missing_readings"], doubled["doubled_readings"]) == (0, 1)
    assert doubled["problems"] == "doubled 2026-01-10T05:00-06:00 to 2026-01-10T06:00-06:00"


@pytest.mark.thorough
def test_what_is_used_above_a_limit_has_its_own_rate(bill: Bill) -> None:
    tariff = """type,period,charge,hour_start,hour_end,basic_charge_limit
energy,night,1,0,8,0
energy,night,0.5,0,8,100.5
energy,day,3,8,24,0
energy,day more,2,8,24,400
energy,day most,1.5,8,24,500
demand,peak,10,8,12,
"""
    starts = hourly("2026-03-01", "2026-05-01", "America/Chicago")
    rows, _ = bill("\n".join(["start,kwh", *(f"{start},1" for start in starts)]), tariff=tariff)
    # March has 247 hours before eight, as one is skipped, and 496 after; April 240 and 480.
    night = Decimal("100.5") + Decimal("0.5") * (247 - Decimal("100.5"))
    march, april = rows
    assert march["energy"] == night + 3 * 400 + 2 * 96
    assert (march["kwh"], march["demand"]) == (743, 10)
    night = Decimal("100.5") + Decimal("0.5") * (240 - Decimal("100.5"))
    assert april["energy"] == night + 3 * 400 + 2 * 80
    assert bill.lines
    found = {
        (row["window"], row["rate"]): row["quantity"]
        for row in bill.lines.collect()
        if (row["month"], row["charge"]) == ("2026-03", "energy")
    }
    assert found == {
        ("night", 1): Decimal("100.5"),
        ("night", Decimal("0.5")): 247 - Decimal("100.5"),
        ("day", 3): 400,
        ("day more", 2): 96,
    }


def test_what_is_fed_in_is_paid_for_and_nothing_else(bill: Bill) -> None:
    tariff = """type,period,charge,hour_start,hour_end,units
customer,,5,,,$/month
energy,,0.3,,,$/kWh
demand,,2,,,$/kW
export,noon,0.08,10,14,$/kWh
export,sun,0.125,14,18,$/kWh
"""
    kwhs = {"09": "-1", "10": "-2.5", "13": "-0.5", "14": "-4", "17": "1.5", "18": "0"}
    text = "\n".join(
        ["start,kwh", *(f"2026-03-02T{hour}:00-06:00,{kwh}" for hour, kwh in kwhs.items())]
    )
    (row,), reasons = bill(text, tariff=tariff)
    # At nine nothing is paid for it.
    assert reasons == ["negative_reading"]
    assert (row["kwh"], row["exported_kwh"], row["readings"]) == (Decimal("1.5"), 7, 5)
    parts = [Decimal(part) for part in ("5", "0.45", "3", "-0.74")]
    assert [row[name] for name in ("fixed", "energy", "demand", "export")] == parts
    assert row["total"] == Decimal("7.71")
    assert bill.lines
    paid = bill.lines.where("charge = 'export'").select("window", "quantity", "rate", "amount")
    assert {tuple(one) for one in paid.collect()} == {
        ("noon", 3, Decimal("-0.08"), Decimal("-0.24")),
        ("sun", 4, Decimal("-0.125"), Decimal("-0.5")),
    }


@pytest.mark.thorough
def test_a_tariff_changes_from_a_month_on(bill: Bill) -> None:
    tariff = """type,charge,valid_from,valid_to
customer,5,2026-03-01,2026-05-31
customer,7,2026-06-01,2026-12-31
energy,0.5,2026-03-01,2026-06-30
energy,2,2026-07-01,2026-12-31
demand,1,2026-07-01,2026-12-31
"""
    starts = hourly("2026-02-28T22:00", "2026-04-01", "America/Chicago")
    starts += hourly("2026-06-30T22:00", "2026-07-01T03:00", "America/Chicago")
    starts += hourly("2026-12-31T23:00", "2027-01-01T01:00", "America/Chicago")
    text = "\n".join(["start,kwh", *(f"{start},1" for start in starts)])
    rows, reasons = bill(text, tariff=tariff)
    assert reasons == ["no_tariff"] * 3
    found = {row["month"]: (row["fixed"], row["energy"], row["demand"]) for row in rows}
    # Months without a reading have the customer charge of their own time.
    assert found == {
        "2026-03": (5, Decimal("0.5") * 743, 0),
        **dict.fromkeys(("2026-04", "2026-05"), (5, 0, 0)),
        "2026-06": (7, 1, 0),
        "2026-07": (7, 6, 1),
        **{f"2026-{month:02}": (7, 0, 0) for month in range(8, 12)},
        "2026-12": (7, 2, 1),
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"text": "when,usage\n"},
            r"meter-7.csv has no start \(.*\); no kwh \(.*columns are: when",
        ),
        ({"text": "start,kwh,value\n"}, r"has kwh twice \(kwh, value\)"),
        ({"zone": "Mars/Olympus"}, "--zone takes an IANA time zone"),
        ({"tariff": "type,charge,hour_end\nenergy,1,23\n"}, "no rate of energy for Jan Mon 23:00"),
        ({"tariff": "type,charge\nenergy,1\nenergy,1\n"}, "lines 2 and 3 both have a rate"),
        (
            {"tariff": "type,charge\nenergy,1\nexport,1\nexport,2\n"},
            "lines 3 and 4 both have a rate of export",
        ),
        (
            {"tariff": "type,charge,hour_start,hour_end\nenergy,1,0,8.5\nenergy,2,8.5,24\n"},
            "edge at 08:30, in the midst of a reading of 60 minutes",
        ),
        ({"tariff": "tariff,type,charge\na,energy,1\nb,energy,1\n"}, "which of the tariffs a, b"),
        (
            {"meters": "meter,zone,interval_minutes\nA,UTC,\nA,UTC,\nB,+01:00,\nC,,\nD,UTC,7\n"},
            r"m.csv:2 .* twice: A; .*m.csv:4 .*: \+01:00; .*m.csv:5 .*; .*m.csv:6 .*: 7",
        ),
    ],
)
def test_what_cannot_be_billed_is_refused_by_name(
    bill: Bill, changes: dict[str, str], says: str
) -> None:
    with pytest.raises((InputError, UsageError), match=says):
        bill(**({"text": "start,kwh\n2026-01-01T00:00Z,1\n"} | changes))
