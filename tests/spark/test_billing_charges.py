"""Cost exports through the reader: containers, cells, kinds of line items, what is refused."""

import csv
import gzip
import io
import json
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.cloud_costs.exports import ExportReader
from gristmill.engine.rejects import is_free
from gristmill.errors import InputError, TooManyRejectsError
from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from gristmill.sample.billing import write_billing
from tests.conftest import RunJob
from tests.support import reference_billing as reference

ODD = "50% [1]{a},é 100%20"

CHARGE = {
    "BilledCost": "1.25",
    "EffectiveCost": "1.5",
    "ListCost": "2",
    "ContractedCost": "1.75",
    "BillingCurrency": "EUR",
    "BillingAccountId": "000123456789",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-09-05T10:00:00Z",
    "ChargePeriodEnd": "2026-09-05T11:00:00Z",
    "ChargeCategory": "Usage",
    "ServiceName": "Grinding, coarse",
    "SubAccountId": "00042",
    "Tags": '{"team": "flour", "note": "5\\" \\u00fc, {b}"}',
}
"""A line of FOCUS 1.0."""

LINE = {
    "identity/LineItemId": "a",
    "bill/InvoiceId": "",
    "bill/PayerAccountId": "000123456789",
    "bill/BillingPeriodStartDate": "2026-09-01T00:00:00.000Z",
    "bill/BillingPeriodEndDate": "2026-10-01T00:00:00.000Z",
    "lineItem/UsageAccountId": "000000000042",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-09-05T10:00:00Z",
    "lineItem/UsageEndDate": "2026-09-05T11:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "1.0000000000",
    "savingsPlan/SavingsPlanEffectiveCost": "2.1",
    "savingsPlan/TotalCommitmentToDate": "7.3",
    "savingsPlan/UsedCommitment": "3.1E0",
    "reservation/EffectiveCost": "11",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "13.01",
    "reservation/UnusedRecurringFee": "17",
    "reservation/ReservationARN": "",
    "savingsPlan/SavingsPlanARN": "",
}
"""A line of a legacy CUR."""

ReadAll = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def read(spark: SparkSession) -> ReadAll:
    """The rows that the reader makes of files, those that it rejects or skips too, in order."""

    def rows(*inputs: Path) -> list[dict[str, Any]]:
        reading = ExportReader().read(spark, [*map(str, inputs)], BillingChargesOptions())
        found = reading.rows.orderBy("_source_file", "_line_number").collect()
        return [row.asDict() for row in found]

    return rows


def charges(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those rows that are charges."""
    return [row for row in rows if row["_reason"] is None]


def in_2_0(name: str) -> str:
    """`lineItem/UsageAccountId` as CUR 2.0 names it."""
    return reference.snake(name.replace("/", "_")).replace("arn", "a_r_n")


@pytest.mark.thorough
def test_every_container_holds_the_same_charges(read: ReadAll, tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    rows = [CHARGE, CHARGE | {"BilledCost": "1e-7", "Tags": ""}, CHARGE | {"SubAccountId": "NULL"}]
    text = reference.to_csv(rows, CHARGE)
    (folder / "a.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    # Other columns, in another order, some of them unknown, and names in upper case.
    turned = [*reversed(CHARGE), "Id", "x_Team", "InvoiceId"]
    upper = reference.to_csv(rows, turned).replace(",".join(turned), ",".join(turned).upper())
    (folder / "b.csv.gz").write_bytes(gzip.compress(b"") + gzip.compress(upper.encode()))
    with zipfile.ZipFile(folder / "C.CSV.ZIP", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "costs/1.csv", b"\xef\xbb\xbf" + reference.to_csv(rows[:1], CHARGE).encode()
        )
        archive.writestr("costs/2.CSV", reference.to_csv(rows[1:], reversed(CHARGE)))
        archive.writestr("costs/empty.csv", "")
        archive.writestr("README.txt", "not this")
        archive.writestr("__MACOSX/costs/._1.csv", "nor this")
    cells: list[dict[str, Any]] = [
        {name: reference.text(row[name]) for name in CHARGE} for row in rows
    ]
    (folder / "year=2026" / "month=9").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(cells), folder / "year=2026" / "month=9" / "d.parquet")
    for cell in cells:
        # A double has no more digits than it is written with.
        cell["BilledCost"] = float(cell["BilledCost"])
        cell["ListCost"] = Decimal(cell["ListCost"])
        cell["BillingPeriodStart"] = datetime.fromisoformat(cell["BillingPeriodStart"])
        cell["BillingPeriodEnd"] = datetime(2026, 10, 1)
        cell["Tags"] = list(json.loads(cell["Tags"] or "{}").items()) or None
    tags = pa.field("Tags", pa.map_(pa.string(), pa.string()))
    typed = pa.schema(
        [
            tags if name == "Tags" else pa.field(name, pa.array([cells[0][name]]).type)
            for name in CHARGE
        ]
    )
    pq.write_table(pa.Table.from_pylist(cells, typed), folder / "e.PARQUET")
    (folder / "only a header.csv").write_text(",".join(CHARGE))
    (folder / "empty.csv").touch()

    found = read(folder)
    names = [reference.snake(name) for name in reference.FOCUS]
    wanted = Counter(reference.as_pairs(reference.focus(row), names) for row in rows)
    by_file: dict[str, Counter[Any]] = {}
    for row in charges(found):
        by_file.setdefault(row["source_file"], Counter())[reference.as_pairs(row, names)] += 1
    assert sorted(name.rpartition("/")[2] for name in by_file) == [
        *("C.CSV.ZIP", "a.csv", "b.csv.gz", "d.parquet", "e.PARQUET")
    ]
    for file, counted in by_file.items():
        assert counted == wanted, file
        assert unquote(file).startswith(f"file://{folder}/")
    assert Counter(row["_reason"] for row in found) == {None: 15, "skipped": 5}


CELLS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"BilledCost": "0.00000000000000000149"}, {"billed_cost": Decimal("0.000000000000000001")}),
    (
        {"BilledCost": "12345.12345678901234567850"},
        {"billed_cost": Decimal("12345.123456789012345679")},
    ),
    ({"BilledCost": "-1.5E-10"}, {"billed_cost": Decimal("-0.00000000015")}),
    ({"BilledCost": "4.2e+3"}, {"billed_cost": Decimal(4200)}),
    ({"BilledCost": " 7 "}, {"billed_cost": Decimal(7)}),
    (
        {"BilledCost": "0.1", "ListCost": "0.30000000000000004"},
        {"list_cost": Decimal("0.30000000000000004")},
    ),
    ({"ListCost": "99999999999999999999.9"}, {"list_cost": Decimal("99999999999999999999.9")}),
    ({"BilledCost": "", "ListCost": "NULL"}, {"billed_cost": None, "list_cost": None}),
    ({"BilledCost": "null", "ListCost": "-0.00"}, {"billed_cost": None, "list_cost": Decimal(0)}),
    ({"SubAccountId": "", "ServiceName": "NULL"}, {"sub_account_id": None, "service_name": None}),
    ({"SubAccountId": "000000000007"}, {"sub_account_id": "000000000007"}),
    ({"SubAccountId": "1E5"}, {"sub_account_id": "1E5"}),
    ({"ServiceName": 'a "b", c'}, {"service_name": 'a "b", c'}),
    ({"ServiceName": r"C:\mill\""}, {"service_name": r"C:\mill\""}),
    ({"ChargeFrequency": "Usage-based"}, {"charge_frequency": "Usage-Based"}),
    ({"ChargeFrequency": "Recurring"}, {"charge_frequency": "Recurring"}),
    ({"ChargeClass": "Correction"}, {"charge_class": "Correction"}),
    (
        {"Tags": '{"a": 1, "b": true, "c": null, "d": {"e": "f"}}'},
        {"tags": {"a": "1", "b": "true", "c": None, "d": '{"e":"f"}'}},
    ),
    ({"Tags": '[{"key": "a", "value": "1"}, {"key": "b"}]'}, {"tags": {"a": "1", "b": None}}),
    (
        {"Tags": '[{"key": "a"}, {"key": "a"}]'},
        {"tags": {"a": None}},
    ),
    (
        {
            "Tags": '[{"key": "a", "value": "own", "x_inherited": false},'
            ' {"key": "a", "value": "all", "x_inherited": true}, {"key": "b", "value": "c"}]'
        },
        {"tags": {"a": "own", "b": "c"}},
    ),
    ({"Tags": '[{"Key": "a", "Value": "1", "x_Inherited": false}]'}, {"tags": {"a": "1"}}),
    ({"Tags": '{"a": "1", "b": "2", "a": "3"}'}, {"tags": {"a": "3", "b": "2"}}),
    ({"Tags": '"a": "1","b": "x: y"'}, {"tags": {"a": "1", "b": "x: y"}}),
    ({"BilledCost": "1,234.56"}, {"billed_cost": Decimal("1234.56")}),
    ({"BilledCost": "1,234,567"}, {"billed_cost": Decimal(1234567)}),
    ({"BilledCost": "(5.00)"}, {"billed_cost": Decimal(-5)}),
    ({"BilledCost": "($1,005.50)"}, {"billed_cost": Decimal("-1005.5")}),
    ({"BilledCost": "5.00-"}, {"billed_cost": Decimal(-5)}),
    ({"BilledCost": "-€5"}, {"billed_cost": Decimal(-5)}),
    ({"BilledCost": "$-5"}, {"billed_cost": Decimal(-5)}),
    ({"BilledCost": "N/A", "ListCost": "-"}, {"billed_cost": None, "list_cost": None}),
    ({"BilledCost": "None"}, {"billed_cost": None}),
    ({"ListUnitPrice": "convertible"}, {"list_unit_price": None, "billed_cost": Decimal("1.25")}),
    ({"Tags": '[{"key": null}]'}, {"tags": {"unparsed": '[{"key": null}]'}}),
    ({"Tags": '{"a": "1"'}, {"tags": {"unparsed": '{"a": "1"'}}),
    ({"Tags": "team=flour"}, {"tags": {"unparsed": "team=flour"}}),
    ({"Tags": "NULL"}, {"tags": None}),
    ({"BillingPeriodStart": "2026-10-01 00:00:00"}, {"billing_period": "2026-10"}),
    ({"BillingPeriodStart": "2026-10-01"}, {"billing_period": "2026-10"}),
    ({"BillingPeriodStart": "2026-10-01T00:00Z"}, {"billing_period": "2026-10"}),
    ({"BillingPeriodStart": "2026-10-01 00:00:00 UTC"}, {"billing_period": "2026-10"}),
    (
        {"ChargePeriodStart": "2026-09-05T10:00+05:30"},
        {"charge_period_start": datetime(2026, 9, 5, 4, 30)},
    ),
    (
        {"ChargePeriodStart": "2026-09-05T10:00:00.250-02:00"},
        {"charge_period_start": datetime(2026, 9, 5, 12, 0, 0, 250000)},
    ),
    ({"ChargePeriodStart": ""}, {"charge_period_start": None}),
]


def test_what_becomes_of_a_cell(read: ReadAll, tmp_path: Path) -> None:
    header = [*CHARGE, "ChargeFrequency", "ChargeClass", "ListUnitPrice"]
    text = reference.to_csv([CHARGE | cells for cells, _ in CELLS], header)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    rows = read(tmp_path / "a.csv")[1:]
    assert len(rows) == len(CELLS)
    for row, (cells, wanted) in zip(rows, CELLS, strict=True):
        assert row["_reason"] is None, cells
        assert {name: row[name] for name in wanted} == wanted, cells


REJECTED: list[tuple[str, str]] = [
    ("wrong_fields", "1.25,1.5"),
    ("wrong_fields", "1,2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,13,14"),
    ("wrong_fields", '1,2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,"a note that goes on'),
    ("bad_period", "1,2,3,4,EUR,6,,2026-10-01,,,Usage,11,12,"),
    ("bad_period", "1,2,3,4,EUR,6,9/1/26,2026-10-01,,,Usage,11,12,"),
    ("bad_period", "1,2,3,4,EUR,6,10:00,2026-10-01,,,Usage,11,12,"),
    ("bad_time", "1,2,3,4,EUR,6,2026-09-01,2026-09-31,,,Usage,11,12,"),
    ("bad_time", "1,2,3,4,EUR,6,2026-09-01,2026-10-01,2026,,Usage,11,12,"),
    ("bad_amount", '"1,000",2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,'),
    ("bad_amount", '"0,50",2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,'),
    ("bad_amount", '"1.234,56",2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,'),
    ("bad_amount", "(-5),2,3,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,"),
    ("bad_amount", "1,2,NaN,4,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,"),
    ("bad_amount", "1,2,3,100000000000000000000,EUR,6,2026-09-01,2026-10-01,,,Usage,11,12,"),
    ("no_currency", "1,2,3,4,NULL,6,2026-09-01,2026-10-01,,,Usage,11,12,"),
]


@pytest.mark.thorough
def test_every_line_is_accounted_for(spark: SparkSession, run_job: RunJob, tmp_path: Path) -> None:
    header = ",".join(CHARGE)
    good = reference.to_csv([CHARGE], CHARGE).splitlines()[1]
    folder = tmp_path / "in"
    folder.mkdir()
    # Files that were put together: a header in the midst is one too.
    lines = [header, good, *(line for _, line in REJECTED), header, good, "", "   "]
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    cells = [CHARGE, CHARGE | {"BilledCost": "much"}]
    pq.write_table(pa.Table.from_pylist(cells), folder / "b.parquet")
    with pytest.raises(TooManyRejectsError, match="--max-reject-rate 0 allows"):
        run_job(JOB, folder)
    assert not (tmp_path / "out" / "charges").exists()
    report = run_job(JOB, folder, max_reject_rate=1)
    codes = Counter([*(code for code, _ in REJECTED), "bad_amount"])
    assert (report.rejects, report.skipped, report.datasets[0].rows) == (codes, 4, 3)
    assert report.lines == 3 + codes.total() + 4
    rejects = spark.read.parquet(str(tmp_path / "out" / "rejects")).collect()
    found = {row["line_number"]: (row["reason"], row["raw"]) for row in rejects}
    wanted = dict(enumerate(REJECTED, 3))
    (raw,) = (row["raw"] for row in rejects if row["source_file"].endswith("b.parquet"))
    assert json.loads(raw)["BilledCost"] == "much"
    assert {n: told for n, told in found.items() if n != 2} == wanted


def test_a_refusal_says_what_the_rejects_cost(run_job: RunJob, tmp_path: Path) -> None:
    late, much = {"ChargePeriodEnd": "9/5/26"}, {"BilledCost": "1,000"}
    lines = [
        CHARGE,
        CHARGE | late,
        CHARGE | late | {"BilledCost": "10.75"},
        CHARGE | late | {"BilledCost": "1000", "BillingCurrency": "USD"},
        CHARGE | late | {"BilledCost": "N/A"},
        CHARGE | much,
    ]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, CHARGE))
    says = (
        r"bad_time 4 \(12 EUR, 1,000 USD; cost not known of 1\), "
        r"bad_amount 1 \(cost not known of 1\)\), .*--max-reject-rate"
    )
    with pytest.raises(TooManyRejectsError, match=says):
        run_job(JOB, tmp_path / "a.csv")
    assert run_job(JOB, tmp_path / "a.csv", max_reject_rate=1).rejected == 5


FREE = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "0.00")


@pytest.mark.thorough
def test_a_reject_that_costs_nothing_stops_no_bill(run_job: RunJob, tmp_path: Path) -> None:
    file, late = tmp_path / "a.csv", {"ChargePeriodEnd": "9/5/26"}
    file.write_text(reference.to_csv([CHARGE, CHARGE | FREE | late], CHARGE))
    report = run_job(JOB, file)
    assert (report.rejects, report.datasets[0].rows) == ({"bad_time": 1}, 1)
    file.write_text(reference.to_csv([CHARGE, CHARGE | FREE | late | {"ListCost": ""}], CHARGE))
    with pytest.raises(TooManyRejectsError):
        run_job(JOB, file)


def test_a_reject_is_free_where_all_its_costs_are_known_and_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    file, free = tmp_path / "a.csv", CHARGE | FREE | {"ChargePeriodEnd": "9/5/26"}
    costs = ("0.01", "-1", "", "much", "N/A")
    lines = [free, *(free | {name: cost} for name in FREE for cost in costs)]
    file.write_text(reference.to_csv(lines, CHARGE))
    rows = ExportReader().read(spark, [str(file)], BillingChargesOptions()).rows
    rejected = rows.where("_reason = 'bad_time'").select(
        "_line_number", is_free(JOB.costs).alias("free")
    )
    found = {row["_line_number"] - 2: row["free"] for row in rejected.collect()}
    assert found == {number: number == 0 for number in range(len(lines))}


@pytest.mark.thorough
def test_amounts_that_are_not_read_are_counted_by_column(run_job: RunJob, tmp_path: Path) -> None:
    file, focus = tmp_path / "a.csv", {"ListUnitPrice": "convertible", "PricingQuantity": "5"}
    lines = [
        CHARGE | focus,
        CHARGE | focus | {"PricingQuantity": "many"},
        CHARGE | focus | {"ListUnitPrice": "N/A"},
        CHARGE | focus | {"ChargePeriodEnd": "9/5/26"} | FREE,
    ]
    file.write_text(reference.to_csv(lines, [*CHARGE, *focus]))
    report = run_job(JOB, file)
    assert report.unread == {"list_unit_price": 2, "pricing_quantity": 1}
    assert (
        "list_unit_price of 2 rows, pricing_quantity of 1 rows: no value that can be read, "
        "so it is null"
    ) in report.notes

    rate = "pricing/publicOnDemandRate"
    kinds = {"Usage": "convertible", "Tax": "None", "Credit": "-", "RIFee": "each"}
    cells = [LINE | {"lineItem/LineItemType": kind, rate: cell} for kind, cell in kinds.items()]
    cells[1] |= {"reservation/EffectiveCost": "convertible"}
    file.write_text(reference.to_csv(cells, [*LINE, rate]))
    report = run_job(JOB, file, output=tmp_path / "other")
    assert report.unread == {rate: 2, "reservation/EffectiveCost": 1}


def written(rows: Sequence[Mapping[str, str]], header: Sequence[str], separator: str) -> str:
    """CSV as Python's own writer has it, by RFC 4180 but for the separator."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.thorough
def test_fields_hold_separators_quotes_and_line_breaks(
    spark: SparkSession, read: ReadAll, tmp_path: Path
) -> None:
    chance = random.Random(4180)
    header = [*CHARGE, "ChargeDescription"]
    told: dict[str, list[str]] = {}
    for separator in ",;\t|":
        file = tmp_path / f"{ord(separator)}.csv"
        told[file.as_uri()] = [
            "".join(chance.choices(["\n", '"', separator, ",", "é", "x", "\n\n"], k=length)) + "."
            for length in (0, 1, 2, 3, 5, 8, 13, 21)
        ]
        lines = [CHARGE | {"ChargeDescription": text} for text in told[file.as_uri()]]
        file.write_text(written(lines, header, separator), encoding="utf-8", newline="")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", (tmp_path / "44.csv").read_bytes())
    told[(tmp_path / "a.zip").as_uri()] = told[(tmp_path / "44.csv").as_uri()]
    whole = CHARGE | {"ChargeDescription": '5" pipe, "x'}
    (tmp_path / "whole.csv").write_text(written([whole] * 3, header, ","))
    told[(tmp_path / "whole.csv").as_uri()] = ['5" pipe, "x'] * 3

    rows = read(tmp_path)
    assert {row["_reason"] for row in rows} == {None, "skipped"}
    found: dict[str, list[str]] = {}
    for row in charges(rows):
        found.setdefault(row["source_file"], []).append(row["charge_description"])
        assert row["billed_cost"] == Decimal("1.25")
        assert row["tags"] == {"team": "flour", "note": '5" ü, {b}'}
    # Blanks around a cell are no part of it.
    assert found == {file: [text.strip(" ") for text in texts] for file, texts in told.items()}
    notes = ExportReader().read(spark, [str(tmp_path)], BillingChargesOptions()).notes
    broken = {note for note in notes if note.endswith("inside quotes, read in one piece")}
    first, zipped = (tmp_path / name for name in ("124.csv", "a.zip"))
    told_of = (f"{first.as_uri()} and 3 more", zipped.as_uri())
    assert broken == {f"{files}: line breaks inside quotes, read in one piece" for files in told_of}


@pytest.mark.thorough
def test_a_name_in_the_header_may_have_a_line_break(read: ReadAll, tmp_path: Path) -> None:
    odd = 'x_A\n\n"note",'
    for separator in ",;":
        text = written([CHARGE | {odd: "1\n2"}, CHARGE], [odd, *CHARGE], separator)
        (tmp_path / f"{ord(separator)}.csv").write_text(f"\n{text}", newline="")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "44.csv", "a.csv")
    # A quote that is never closed, in the header as elsewhere, leaves each line by itself.
    (tmp_path / "stray.csv").write_text('"' + ",".join(["x_Note", *CHARGE]))
    rows = read(*sorted(tmp_path.glob("[4-9a]*")))
    assert [row["_reason"] for row in rows if row["_raw"].strip()] == ["skipped", None, None] * 3
    assert {row["billed_cost"] for row in charges(rows)} == {Decimal("1.25")}
    with pytest.raises(InputError, match=r"stray\.csv is not a cost export"):
        read(tmp_path / "stray.csv")


@pytest.mark.thorough
def test_stray_quotes_take_no_other_line_with_them(read: ReadAll, tmp_path: Path) -> None:
    header = [*CHARGE, "ChargeDescription"]
    good = written([CHARGE | {"ChargeDescription": "fine"}], header, ",").split("\r\n")[1]
    stray = good.replace("fine", '5" pipe')
    # In a pair they would make one field of all that is between them.
    (tmp_path / "a.csv").write_text("\n".join([",".join(header), good, stray, good, stray, good]))
    (tmp_path / "b.csv").write_text("\n".join([",".join(header), good, stray, good]))
    rows = read(tmp_path)
    reasons = [row["_reason"] for row in rows]
    bad = "wrong_fields"
    assert reasons == ["skipped", None, bad, None, bad, None, "skipped", None, bad, None]


PLAIN = {"lineItem/LineItemDescription": ""}
LINES = [
    LINE | {"lineItem/LineItemType": kind, f"{prefix}ARN": arn, "lineItem/UnblendedCost": cost}
    for kind, prefix, arn, cost in [
        ("Usage", "reservation/Reservation", "", "2.5E-8"),
        ("DiscountedUsage", "reservation/Reservation", "ri", "0"),
        ("SavingsPlanCoveredUsage", "savingsPlan/SavingsPlan", "sp", "3.3"),
        ("SavingsPlanNegation", "savingsPlan/SavingsPlan", "sp", "-3.3"),
        ("SavingsPlanRecurringFee", "savingsPlan/SavingsPlan", "sp", "7.3"),
        ("SavingsPlanUpfrontFee", "savingsPlan/SavingsPlan", "sp", "1000"),
        ("RIFee", "reservation/Reservation", "ri", "55"),
        ("Fee", "reservation/Reservation", "ri", "700"),
        ("Fee", "reservation/Reservation", "", "25"),
        ("Tax", "reservation/Reservation", "", "0.19"),
        ("Credit", "reservation/Reservation", "", "-5"),
        ("Refund", "reservation/Reservation", "", "-6.01"),
        ("Refund", "savingsPlan/SavingsPlan", "sp", "-1000"),
        ("BundledDiscount", "reservation/Reservation", "", "-0.02"),
        ("EdpDiscount", "reservation/Reservation", "", "-1.11E+0"),
        ("PrivateRateDiscount", "reservation/Reservation", "", "-1.5"),
        ("Refund", "reservation/Reservation", "ri", "-700"),
    ]
]
# What comes back of a fee that was paid upfront was amortized no more than the fee itself.
REFUNDED = {
    "lineItem/ProductCode": "ComputeSavingsPlans",
    "lineItem/LineItemDescription": "Refund for one-time fee for Savings Plan ID 0a1b",
}
LINES = [
    line | (REFUNDED if line["lineItem/UnblendedCost"] == "-1000" else PLAIN) for line in LINES
]
TAGS = {
    "resourceTags/aws:createdBy": "",
    "resourceTags/user:Team": "flour",
    "resourceTags/user:team": " ",
}


def test_every_kind_of_line_item(read: ReadAll, tmp_path: Path) -> None:
    lines = [LINES[0] | TAGS, *LINES[1:]]
    (tmp_path / "legacy.csv").write_text(reference.to_csv(lines, [*LINE, *PLAIN, *TAGS]))
    # CUR 2.0, as text with maps as JSON, and as Parquet with maps.
    maps: dict[str, Any] = {
        "resource_tags": {"user:Team": "flour"},
        "product": {"product_name": "Grinder", "region": "eu-west-1"},
    }
    new = [{in_2_0(name): cell for name, cell in line.items()} for line in LINES]
    texts = [new[0] | {name: json.dumps(cell) for name, cell in maps.items()}, *new[1:]]
    (tmp_path / "new.csv.gz").write_bytes(
        gzip.compress(reference.to_csv(texts, [*texts[0], "discount"]).encode())
    )
    columns = {name: pa.array([line[name] for line in new]) for name in new[0]}
    for name, cell in maps.items():
        pairs = [list(cell.items()), *[None] * (len(new) - 1)]
        columns[name] = pa.array(pairs, pa.map_(pa.string(), pa.string()))
    cost = "line_item_unblended_cost"
    columns[cost] = pa.array([float(line[cost]) for line in new])
    pq.write_table(pa.table(columns), tmp_path / "new.parquet")

    found = charges(read(tmp_path))
    wanted = [reference.cur(line) for line in lines]
    names = list(wanted[0])
    assert len(found) == 3 * len(lines)
    for start in (0, len(lines), 2 * len(lines)):
        for row, line in zip(found[start:], wanted, strict=False):
            assert reference.as_pairs(row, names) == reference.as_pairs(line, names), row
        assert found[start + 1]["commitment_discount_id"] == "ri"
        assert found[start + 1]["commitment_discount_status"] == "Used"
        assert found[start + 2]["commitment_discount_category"] == "Spend"
    assert [row["service_name"] for row in found[:: len(lines)]] == ["AmazonEC2", *["Grinder"] * 2]
    assert [row["region_id"] for row in found[:: len(lines)]] == [None, *["eu-west-1"] * 2]
    assert {row["charge_frequency"] for row in found if row["charge_category"] == "Usage"} == {
        "Usage-Based"
    }
    worth = {row["x_line_item_type"]: row["contracted_cost"] - row["billed_cost"] for row in found}
    assert worth.pop("SavingsPlanNegation") == Decimal("3.3")
    assert set(worth.values()) == {0}


def test_an_amount_is_required_only_where_it_counts(read: ReadAll, tmp_path: Path) -> None:
    needed = {
        "SavingsPlanCoveredUsage": {"savingsPlan/SavingsPlanEffectiveCost"},
        "SavingsPlanRecurringFee": {
            "savingsPlan/TotalCommitmentToDate",
            "savingsPlan/UsedCommitment",
        },
        "DiscountedUsage": {"reservation/EffectiveCost"},
        "RIFee": {
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
            "reservation/UnusedRecurringFee",
        },
    }
    names = sorted({"lineItem/UnblendedCost", "pricing/publicOnDemandCost"}.union(*needed.values()))
    kinds = ["Usage", "Fee", "Tax", "Credit", "Refund", "EdpDiscount", "SavingsPlanNegation"]
    tried = [(kind, name) for kind in (*kinds, *needed) for name in names]
    lines = [LINE | {"lineItem/LineItemType": kind, name: "convertible"} for kind, name in tried]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, [*LINE, "pricing/publicOnDemandCost"]))
    rows = read(tmp_path / "a.csv")[1:]
    for row, (kind, name) in zip(rows, tried, strict=True):
        counts = name in needed.get(kind, set()) | {"lineItem/UnblendedCost"}
        assert row["_reason"] == ("bad_amount" if counts else None), (kind, name)


def test_list_and_contracted_cost_of_reservations(read: ReadAll, tmp_path: Path) -> None:
    line = LINE | {"lineItem/LineItemType": "DiscountedUsage", "lineItem/UnblendedCost": "0"}
    lines = [line | {"pricing/publicOnDemandCost": "5"}]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, lines[0]))
    (row,) = charges(read(tmp_path / "a.csv"))
    assert (row["list_cost"], row["contracted_cost"]) == (5, 5)


DETAILS = {
    "lineItem/NetUnblendedCost": "0.9",
    "savingsPlan/NetSavingsPlanEffectiveCost": "1.8",
    "reservation/NetEffectiveCost": "9.9",
    "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod": "11.7",
    "reservation/NetUnusedRecurringFee": "15.3",
    "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod": "200",
    "savingsPlan/RecurringCommitmentForBillingPeriod": "100",
    "savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod": "180",
    "savingsPlan/NetRecurringCommitmentForBillingPeriod": "90",
    "discount/EdpDiscount": "-0.06",
    "discount/TotalDiscount": "-0.1",
    "costCategory/Team": "mill",
    "costCategory/team": "",
    "splitLineItem/ParentResourceId": "i-0a1b",
    "splitLineItem/SplitUsage": "1",
    "splitLineItem/SplitUsageRatio": "0.25",
    "splitLineItem/ActualUsage": "0.75",
    "splitLineItem/ReservedUsage": "1.0",
    "splitLineItem/SplitCost": "0.4",
    "splitLineItem/UnusedCost": "0.1",
    "splitLineItem/NetSplitCost": "0.36",
    "splitLineItem/NetUnusedCost": "0.09",
    "splitLineItem/PublicOnDemandSplitCost": "0.5",
    "splitLineItem/PublicOnDemandUnusedCost": "0.2",
}
"""What a line has where there are discounts, cost categories and containers."""


@pytest.mark.thorough
def test_net_split_and_discounted_costs_are_read(read: ReadAll, tmp_path: Path) -> None:
    arn = {"savingsPlan/SavingsPlanARN": "sp"}
    kinds = {
        "Usage": (LINE, "0.9"),
        "SavingsPlanCoveredUsage": (LINE, "1.8"),
        # 7.3 less 3.1 of a plan whose fee is discounted by a tenth.
        "SavingsPlanRecurringFee": (LINE, "3.78"),
        "SavingsPlanNegation": (LINE, "0"),
        "SavingsPlanUpfrontFee": (LINE | arn, "0"),
        "Refund": (LINE | arn, "0"),
        "DiscountedUsage": (LINE, "9.9"),
        "RIFee": (LINE, "27"),
        "EdpDiscount": (LINE, "0.9"),
    }
    lines = [line | DETAILS | {"lineItem/LineItemType": kind} for kind, (line, _) in kinds.items()]
    (tmp_path / "legacy.csv").write_text(reference.to_csv(lines, lines[0]))
    maps: dict[str, Any] = {
        "discount": {"edp_discount": -0.06, "total_discount": -0.1},
        "cost_category": {"Team": "mill"},
    }
    bare = [name for name in lines[0] if not name.startswith(("discount/", "costCategory/"))]
    new: list[dict[str, Any]] = [{in_2_0(name): line[name] for name in bare} for line in lines]
    columns = {name: pa.array([line[name] for line in new]) for name in new[0]}
    for name, kind in {"discount": pa.float64(), "cost_category": pa.string()}.items():
        pairs = [list(maps[name].items())] * len(new)
        columns[name] = pa.array(pairs, pa.map_(pa.string(), kind))
    pq.write_table(pa.table(columns), tmp_path / "new.parquet")

    found = charges(read(tmp_path))
    assert [row["x_line_item_type"] for row in found] == [*kinds, *kinds]
    worth = [Decimal(cost) for _, cost in kinds.values()]
    assert [row["x_net_effective_cost"] for row in found] == [*worth, *worth]
    for row in found:
        assert row["x_net_unblended_cost"] == Decimal("0.9")
        assert row["x_discounts"] == {
            "edp_discount": Decimal("-0.06"),
            "total_discount": Decimal("-0.1"),
        }
        assert row["x_cost_categories"] == {"Team": "mill"}
        assert {name: str(row[name]) for name in SPLIT} == SPLIT | {
            name: str(Decimal(value).quantize(Decimal("1e-18"))) for name, value in AMOUNTS.items()
        }


AMOUNTS = {
    "x_split_usage": "1",
    "x_split_usage_ratio": "0.25",
    "x_split_actual_usage": "0.75",
    "x_split_reserved_usage": "1.0",
    "x_split_cost": "0.4",
    "x_split_unused_cost": "0.1",
    "x_split_net_cost": "0.36",
    "x_split_net_unused_cost": "0.09",
    "x_split_list_cost": "0.5",
    "x_split_list_unused_cost": "0.2",
}
SPLIT = {"x_split_parent_resource_id": "i-0a1b", **AMOUNTS}


def test_a_report_without_discounts_has_no_net_costs(read: ReadAll, tmp_path: Path) -> None:
    lines = [LINE | {"lineItem/LineItemType": kind} for kind in ("Usage", "SavingsPlanNegation")]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, LINE))
    for row in charges(read(tmp_path / "a.csv")):
        assert (row["x_net_unblended_cost"], row["x_net_effective_cost"]) == (None, None)
        assert (row["x_discounts"], row["x_cost_categories"]) == (None, None)


@pytest.mark.thorough
def test_a_discount_that_cannot_be_read_is_counted(run_job: RunJob, tmp_path: Path) -> None:
    line = LINE | {"discount/EdpDiscount": "1,5", "splitLineItem/SplitCost": "much"}
    (tmp_path / "a.csv").write_text(reference.to_csv([line], line))
    report = run_job(JOB, tmp_path / "a.csv")
    assert report.unread == {"discount/EdpDiscount": 1, "splitLineItem/SplitCost": 1}


def test_a_huge_fee_does_not_end_the_run(read: ReadAll, tmp_path: Path) -> None:
    huge = {"savingsPlan/TotalCommitmentToDate": "9" * 20, "lineItem/UnblendedCost": "9" * 20}
    kinds = ("SavingsPlanRecurringFee", "Usage")
    lines = [LINE | huge | {"lineItem/LineItemType": kind} for kind in kinds]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, LINE))
    rows = charges(read(tmp_path / "a.csv"))
    assert [row["billed_cost"] for row in rows] == [Decimal("9" * 20)] * 2


HEADER = ",".join(CHARGE)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"ea.csv": "InvoiceSectionName,AccountName,SubscriptionId,Cost,a,b,c,d,e\n1,2,3\n"},
            r"ea\.csv is not a cost export that is known: it has the columns InvoiceSectionName, "
            r"AccountName, SubscriptionId, Cost, a, b, c, d …; supported are FOCUS 1\.0 to "
            r"1\.4, the preview of 1\.0 that Oracle writes, and AWS Cost and Usage Reports "
            r"\(legacy and 2\.0\)",
        ),
        ({"x.csv": "lineItem/referenceNo,cost/myCost\n"}, "columns lineItem/referenceNo, cost/my"),
        ({"x.csv": "y" * 5000}, r"the columns y{60} …; supported"),
        (
            {"f.csv": HEADER.replace("ListCost,", "").replace("ServiceName,", "")},
            r"f\.csv looks like FOCUS 1\.0, but lacks ListCost, ServiceName$",
        ),
        (
            {"c.csv": "lineItem/LineItemType,bill/PayerAccountId,lineItem/UnblendedCost"},
            r"c\.csv looks like AWS CUR, but lacks bill/BillingPeriodStartDate, "
            r"bill/BillingPeriodEndDate, lineItem/UsageAccountId, lineItem/UsageStartDate, "
            r"lineItem/UsageEndDate, lineItem/ProductCode, lineItem/CurrencyCode$",
        ),
        (
            {"f.csv": HEADER, "c.csv": ",".join(LINE)},
            r"c\.csv is AWS CUR and .*f\.csv is FOCUS 1\.0: the same charges may be in both",
        ),
        ({"a.csv": "", "b.csv": ""}, "nothing to read: the files in .* are empty"),
        ({"a.txt": HEADER}, r"no export in .*: only \.csv, \.gz, \.zip and \.parquet are read"),
        ({"a.csv": HEADER.replace(",", "\r"), "b.csv": HEADER}, r"a\.csv ends its lines with carr"),
        (
            {"a.csv": HEADER + ",billed_cost"},
            r"a\.csv has columns twice \(BilledCost, billed_cost\): leave out those that do not",
        ),
        (
            {"a.csv": HEADER.replace("BilledCost,", "")},
            r"a\.csv looks like FOCUS 1\.0, but lacks BilledCost$",
        ),
        (
            {"c.csv": ",".join(LINE).replace("lineItem/LineItemType,", "")},
            r"c\.csv looks like AWS CUR, but lacks lineItem/LineItemType$",
        ),
        ({"a.csv": HEADER, "a.csv.gz": HEADER}, r"a\.csv and .*a\.csv\.gz are the same file by"),
        ({"a.zip": "PK"}, r"a\.zip is not a zip archive, or is damaged"),
        ({"a.csv.gz": HEADER}, r"a\.csv\.gz is named \.gz but is not gzip"),
    ],
)
def test_what_is_no_known_export_is_refused_by_name(
    read: ReadAll, tmp_path: Path, files: dict[str, str], told: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told):
        read(tmp_path)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"README.txt": ""}, r"a\.zip holds no \.csv"),
        (
            {"a.csv": HEADER, "b.csv.gz": ""},
            r"a\.zip holds b\.csv\.gz, which is packed once more: unpack it first",
        ),
    ],
)
def test_an_archive_that_is_not_of_csv_is_refused(
    read: ReadAll, tmp_path: Path, members: dict[str, str], told: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(InputError, match=told):
        read(tmp_path)


def test_what_is_left_out_is_told(spark: SparkSession, tmp_path: Path) -> None:
    text = reference.to_csv([LINE], [name for name in LINE if "savingsPlan/Used" not in name])
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv.zst").write_text(text)
    (tmp_path / "create-table.sql").touch()
    notes = ExportReader().read(spark, [str(tmp_path)], BillingChargesOptions()).notes
    assert [note.replace(f"file://{tmp_path}/", "") for note in notes] == [
        "left out b.csv.zst: only .csv, .gz, .zip and .parquet are read",
        "a.csv has no savingsPlan/UsedCommitment, which counts 0 in the effective cost of "
        "commitments",
        "format: AWS CUR (recognised)",
    ]


@pytest.mark.thorough
def test_the_sample_exports_tell_of_the_same_bill(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    write_billing(tmp_path / "in", seed=3, usage=40)
    for export in ("focus", "cur"):
        options = BillingChargesOptions(export=export)
        report = run_job(JOB, tmp_path / "in" / export, options=options)
        assert report.rejected == 0
    (note,) = (note for note in report.notes if note.startswith("left out"))
    assert re.match(r"left out .*costs-1\.csv\.gz and 1 more: no manifest lists them$", note)
    rows = spark.read.parquet(str(tmp_path / "out" / "charges"))
    costs = ("billed_cost", "effective_cost")
    grouped = rows.groupBy("export", "billing_period").agg(
        *map(F.sum, costs), F.count_distinct("invoice_id")
    )
    found = {(row[0], row[1]): tuple(row[2:]) for row in grouped.collect()}
    lines = [
        reference.focus(line)
        for file in (tmp_path / "in" / "focus").iterdir()
        for line in reference.rows_of(file)
    ]
    wanted = {
        (export, month): (
            *(
                sum(
                    line[cost] for line in lines if f"{line['billing_period_start']:%Y-%m}" == month
                )
                for cost in costs
            ),
            invoices,
        )
        for export in ("focus", "cur")
        for month, invoices in (("2026-08", 2), ("2026-09", 0))
    }
    assert found == wanted
