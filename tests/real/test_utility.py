"""A simulated customer's hourly meter, billed by a real time-of-use tariff (PNM 4B)."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from gristmill.jobs.utility_statements import JOB, UtilityStatementsOptions
from tests.conftest import RunJob
from tests.real.conftest import Expected

NAME = "il-electricity-cdd-hdd"

# The clocks of Chicago were turned back on 1 November 2015, so that the month had 721 hours. The
# expected figures have 720 there, and 721 for the same change in 2016 and 2017.
HOURS = {"2015-11": 721}


def options(data: Path) -> UtilityStatementsOptions:
    tariff = data / "billing" / "utility" / "tariff" / "pnm_4b_tou.csv"
    return UtilityStatementsOptions(tariff=str(tariff), zone="America/Chicago")


def meter(data: Path, kind: str) -> Path:
    return data / "billing" / "utility" / "meter" / f"{NAME}-{kind}.csv.gz"


def rows(spark: SparkSession, out: Path, name: str) -> dict[str, list[Row]]:
    """The rows of a dataset by month."""
    found: dict[str, list[Row]] = {}
    for row in spark.read.parquet(str(out / name)).collect():
        found.setdefault(row["month"], []).append(row)
    return found


def test_the_statements_are_those_expected(
    spark: SparkSession, run_job: RunJob, data: Path, expected: Expected, tmp_path: Path
) -> None:
    report = run_job(JOB, meter(data, "hourly"), options=options(data))
    assert (report.lines, report.rejects, report.skipped) == (19_418, {}, 1)
    out = tmp_path / "out"
    statements = rows(spark, out, "utility_statements")
    lines = rows(spark, out, "utility_statement_lines")
    usage = rows(spark, out, "usage_patterns")
    figures = expected(f"utility_pnm4b_{NAME}.csv")
    assert sorted(statements) == [figure["month"] for figure in figures]
    for figure in figures:
        month = figure["month"]
        (statement,) = statements[month]
        assert statement["meter"] == f"{NAME}-hourly"
        assert statement["readings"] == int(figure["readings"])
        assert statement["expected_hours"] == HOURS.get(month, int(figure["expected_hours"]))
        assert statement["status"] == figure["status"]
        assert (statement["problems"] is None) == (figure["status"] == "complete")
        assert statement["kwh"] == Decimal(figure["kwh"])
        assert statement["fixed"] == Decimal(figure["customer"])
        assert statement["demand"] == Decimal(figure["demand"])
        # The source's energy has up to twenty places, as the rates have been through floats.
        assert abs(statement["energy"] - Decimal(figure["energy"])) < Decimal("1e-17")
        together = statement["fixed"] + statement["energy"]
        assert abs(together - Decimal(figure["customer_plus_energy"])) < Decimal("1e-17")
        assert statement["total"] == Decimal(figure["total_with_demand_rounded"])
        for charge in ("energy", "demand"):
            amounts = [line["amount"] for line in lines[month] if line["charge"] == charge]
            assert sum(amounts) == statement[charge]
        assert sum(pattern["kwh"] for pattern in usage[month]) == statement["kwh"]
        assert sum(pattern["readings"] for pattern in usage[month]) == statement["readings"]


def test_the_readings_add_up_to_those_of_each_read_period(
    spark: SparkSession, data: Path, expected: Expected
) -> None:
    def readings(kind: str) -> list[tuple[str, Decimal | None]]:
        """The local days and kWh of a file, in order."""
        found = JOB.reads.read(spark, [str(meter(data, kind))], options(data)).rows
        taken = found.select("_reason", "start", "kwh", F.to_date("wall").alias("day")).collect()
        rows = sorted(
            (row for row in taken if row["_reason"] is None), key=lambda row: row["start"]
        )
        return [(str(row["day"]), row["kwh"]) for row in rows]

    hourly, billed = readings("hourly"), readings("billing_monthly")
    assert billed[-1][1] is None
    figures = expected(f"utility_reads_{NAME}.csv")
    days = [day for day, _ in billed]
    periods = list(pairwise(days))
    assert periods == [(figure["read_from"], figure["read_to"]) for figure in figures]
    assert [kwh for _, kwh in billed[:-1]] == decimals(figures, "usage_from_billing_file")
    sums = [
        sum(kwh for day, kwh in hourly if kwh is not None and since <= day < until)
        for since, until in periods
    ]
    assert sums == decimals(figures, "usage_summed_from_hourly")


def decimals(figures: Sequence[dict[str, str]], name: str) -> list[Decimal]:
    return [Decimal(figure[name]) for figure in figures]
