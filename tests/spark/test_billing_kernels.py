"""Loading cost exports by kernels leaves what loading by expressions does."""

import csv
import gzip
import io
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from gristmill.errors import FinalError
from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from gristmill.model.report import Report
from gristmill.readers import kernels
from gristmill.sample.billing import write_billing
from gristmill.spark import settings
from tests.conftest import RunJob
from tests.support.billing import LINE_ITEMS

Cells = Mapping[str, str]
Both = Callable[..., tuple[Report, int]]

AMOUNTS = [
    *("0", "1.25", "-3", "4E-7", "1.5E-5", "12345678901234.123456789012345678", "007", "-0"),
    *("1,234.56", "(5.00)", "5.00-", "$5", "1e3", "2.5E3", "N/A", "-", "none", "+5", "5.", ".5"),
    *("0.1234567890123456789", "123456789012345678901", "1E-19", "1.234567890123456E-12", "abc"),
    *(" 5 ", "", "NULL", "1_000", "Infinity", "0x10", "٣"),
]
TIMES = [
    *("2026-09-01T00:00:00Z", "2026-09-05T10:00:00.000Z", "2026-09-05 10:00:00", "2026-09-05"),
    *("2026-09-05T10:00:00.123456Z", "2026-09-05T10:00:00.1234567Z", "2026-09-05T10:00Z"),
    *("2026-09-05T10:00:00+02:00", "2026-09-05T24:00:00Z", "2026-02-30T00:00:00Z", "10:00"),
    *("2026-09-05T10:00", "2026-09-05 10:00Z", "2026-09-05T10:0Z", "2026-09-05T24:00Z"),
    *("2026-09-05T10:00:60Z", "2026-9-5T10:00:00Z", "", "null", "soon"),
]
MAPS = [
    *('{"a": "b"}', '{"a": "b", "c": "é 🙂"}', "{}", "", "a", "null", "[]", '{"": ""}'),
    *('{"a": 5}', '{"a": null}', '{"a": {"b": "c"}}', '{"a": "b", "a": "c"}', '{"a": "b"'),
    *('"a": "b"', '[{"key": "a", "value": "b"}]', '{"region": "eu-1", "product_name": "EC2"}'),
    *('{"a": "\\u0000"}', '{"a":\t"b\\nc"}', '{"total_discount": "1.5"}'),
    '{"total_discount": "x", "edp": "-2E-3"}',
]
TEXTS = [
    "x",
    "",
    " x ",
    "NULL",
    "null",
    'a "quoted" one',
    "a,b",
    "ü",
    "\u00a0",
    "Usage-based",
    "a\tb",
]
KINDS = [*dict.fromkeys(kind for kind, *_ in LINE_ITEMS), "Unknown"]

CUR = {
    "bill/InvoiceId": TEXTS,
    "bill/PayerAccountId": TEXTS,
    "bill/BillingPeriodStartDate": TIMES,
    "bill/BillingPeriodEndDate": TIMES,
    "lineItem/UsageAccountId": TEXTS,
    "lineItem/LineItemType": KINDS,
    "lineItem/UsageStartDate": TIMES,
    "lineItem/UsageEndDate": TIMES,
    "lineItem/ProductCode": ["AmazonEC2", "ComputeSavingsPlans", ""],
    "lineItem/CurrencyCode": ["USD", "", "EUR"],
    "savingsPlan/EndTime": TIMES,
    "lineItem/UsageAmount": AMOUNTS,
    "lineItem/UnblendedCost": AMOUNTS,
    "lineItem/LineItemDescription": [
        "Refund for one-time fee for Savings Plan ID  1a-b_c: x",
        "Refund for one-time fee for Savings Plan ID",
        *TEXTS,
    ],
    "product/region": ["", "eu-west-1"],
    "product": MAPS,
    "pricing/publicOnDemandCost": AMOUNTS,
    "pricing/unit": TEXTS,
    "reservation/EffectiveCost": AMOUNTS,
    "reservation/ReservationARN": ["", "arn:r"],
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": AMOUNTS,
    "reservation/UnusedRecurringFee": AMOUNTS,
    "savingsPlan/SavingsPlanARN": ["", "arn:p"],
    "savingsPlan/SavingsPlanEffectiveCost": AMOUNTS,
    "savingsPlan/TotalCommitmentToDate": AMOUNTS,
    "savingsPlan/UsedCommitment": AMOUNTS,
    "splitLineItem/SplitUsage": AMOUNTS,
}
TAGGED = CUR | {
    "resourceTags/user:Team": TEXTS,
    "resourceTags/user:team": TEXTS,
    "costCategory/unit": TEXTS,
    "discount/TotalDiscount": AMOUNTS,
    "discount": ["", *MAPS],
    "lineItem/NetUnblendedCost": AMOUNTS,
    "savingsPlan/NetSavingsPlanEffectiveCost": AMOUNTS,
    "reservation/NetEffectiveCost": AMOUNTS,
    "reservation/NetUnusedRecurringFee": AMOUNTS,
    "savingsPlan/RecurringCommitmentForBillingPeriod": AMOUNTS,
    "savingsPlan/NetRecurringCommitmentForBillingPeriod": AMOUNTS,
}
IN_MAPS = CUR | {"resource_tags": MAPS, "cost_category": MAPS, "discount": MAPS}
FOCUS = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), AMOUNTS),
    **dict.fromkeys(("PricingQuantity", "ListUnitPrice"), AMOUNTS),
    **dict.fromkeys(("BillingPeriodStart", "BillingPeriodEnd"), TIMES),
    **dict.fromkeys(("ChargePeriodStart", "ChargePeriodEnd"), TIMES),
    **dict.fromkeys(("BillingAccountId", "ServiceName", "InvoiceId", "SubAccountId"), TEXTS),
    "BillingCurrency": ["EUR", ""],
    "ChargeCategory": ["Usage", "Tax"],
    "ChargeFrequency": ["Usage-based", "USAGE-BASED", "One-Time", ""],
    "Tags": MAPS,
    "x_CostCategories": MAPS,
}
PREVIEW = {name: values for name, values in FOCUS.items() if name != "ContractedCost"} | {
    **dict.fromkeys(("InvoiceIssuer", "Provider", "Publisher", "Region", "UsageUnit"), TEXTS),
    "ChargeCategory": ["Adjustment", "Usage", ""],
    "ChargeSubcategory": ["Credit", "Refund", "Used Commitment", "Unused Commitment", ""],
    "UsageQuantity": AMOUNTS,
}
_START, _END = "2026-09-01T00:00:00Z", "2026-10-01T00:00:00.000Z"


def row(columns: Mapping[str, Sequence[str]], rng: random.Random) -> dict[str, str]:
    """A row of sound cells, of which a few may be odd."""
    cells = {}
    for name, values in columns.items():
        if values is TIMES:
            cells[name] = _START if "tart" in name else _END
        elif values is AMOUNTS:
            cells[name] = f"{rng.randrange(-9, 9)}.{rng.randrange(99)}E-5"
        elif values is MAPS:
            cells[name] = rng.choice(MAPS[:3])
        else:
            cells[name] = rng.choice(values) if values in (TEXTS, KINDS) else values[0]
    for name in rng.sample(list(columns), rng.choice([0, 0, 1, 3])):
        cells[name] = rng.choice(columns[name])
    return cells


def text(columns: Mapping[str, Sequence[str]], seed: int, count: int, separator: str = ",") -> str:
    """A file of such rows; some lines of it are no records of its columns."""
    rng = random.Random(seed)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), delimiter=separator, lineterminator="\n")
    writer.writeheader()
    for number in range(count):
        writer.writerow(row(columns, rng))
        if number % 10 == 0:
            line = separator.join(["x"] * len(columns))
            out.write(
                rng.choice([f"{line}{separator}", line, line[:-3], "", f'{line}""', " ", "\t"])
            )
            out.write("\n")
    # One quote alone, or the file would be one with line breaks in quotes.
    out.write(f'"{line}\n')
    return out.getvalue()


def plain(value: Any) -> str:
    """A value to compare: the order of a map's entries is not part of it."""
    return str(sorted(value.items()) if isinstance(value, dict) else value)


def by_kernels(output: Path) -> int:
    """How many of the charges in an output were written by kernels."""
    footers = map(pq.read_metadata, output.glob("charges/*/*/*.parquet"))
    return sum(one.num_rows for one in footers if not one.created_by.startswith("parquet-mr"))


@pytest.fixture
def both(
    run_job: RunJob, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Both:
    """Load an export both ways, and hold the outputs against each other; gives the report and how
    many charges the kernels wrote."""

    def table(name: str, dataset: str) -> list[str]:
        folder = tmp_path / name / dataset
        found = spark.read.parquet(str(folder)).collect() if folder.exists() else []
        rows = [
            sorted((name, plain(value)) for name, value in one.asDict().items()) for one in found
        ]
        return sorted(map(str, rows))

    def run(*inputs: Path, **options: Any) -> tuple[Report, int]:
        told = {}
        for name, switch in (("expressions", "0"), ("kernels", "1")):
            monkeypatch.setenv(kernels.SWITCH, switch)
            report = run_job(
                JOB,
                *inputs,
                options=BillingChargesOptions(**options),
                output=tmp_path / name,
                max_reject_rate=1.0,
            )
            counts = (report.lines, report.rejects, report.skipped, report.unread, report.notes)
            told[name] = (report, counts, [table(name, one) for one in ("charges", "rejects")])
        assert told["kernels"][1:] == told["expressions"][1:]
        assert by_kernels(tmp_path / "expressions") == 0
        return told["kernels"][0], by_kernels(tmp_path / "kernels")

    return run


@pytest.mark.parametrize(
    "columns",
    [
        FOCUS,
        *(pytest.param(one, marks=pytest.mark.thorough) for one in (PREVIEW, CUR, TAGGED, IN_MAPS)),
    ],
)
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 6))]
)
def test_whatever_the_cells_hold_it_comes_out_the_same(
    both: Both, tmp_path: Path, columns: Mapping[str, Sequence[str]], seed: int
) -> None:
    (tmp_path / "a.csv").write_text(text(columns, seed, 1000), encoding="utf-8")
    report, rows = both(tmp_path / "a.csv")
    assert report.rejected
    assert report.skipped
    assert 200 < rows < (report.datasets[0].rows or 0)


@pytest.mark.thorough
def test_the_sample_comes_out_the_same(both: Both, tmp_path: Path) -> None:
    write_billing(tmp_path, seed=3, usage=300)
    for folder in ("focus", "cur"):
        report, rows = both(tmp_path / folder, export=f"{folder} a/b")
        assert report.datasets[0].partitions == 2
        assert rows


@pytest.mark.thorough
@pytest.mark.parametrize("size", ["300", "5000"])
def test_files_of_all_kinds_come_out_the_same(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setitem(settings.RUN, "spark.sql.files.maxPartitionBytes", size)
    monkeypatch.setattr(kernels, "SMALL", 0)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"\xef\xbb\xbf" + text(FOCUS, 1, 50).encode())
    (tmp_path / "in" / "b;c.csv").write_text(text(FOCUS, 2, 50, ";").replace("\n", "\r\n"))
    (tmp_path / "in" / "d.csv.gz").write_bytes(gzip.compress(text(FOCUS, 3, 50).encode()))
    report, rows = both(tmp_path / "in")
    assert report.rejected
    assert rows > 40


@pytest.mark.thorough
def test_columns_that_are_there_twice_come_out_the_same(both: Both, tmp_path: Path) -> None:
    twice = ("pricing/unit", "resourceTags/user:a", "ResourceTags/user:a", "resourceTags/user:a")
    columns = {name: values for name, values in CUR.items() if name != "pricing/unit"}
    header, *lines = text(columns, 4, 100).splitlines()
    cells = ((f"u{number}", f"v{number}", "w", "") for number in range(len(lines)))
    whole = [",".join([header, *twice, "pricing/unit"])]
    whole += [",".join([line, *some, "x"]) for line, some in zip(lines, cells, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(whole), encoding="utf-8")
    _, rows = both(tmp_path / "a.csv")
    assert rows


@pytest.mark.thorough
def test_line_breaks_in_quotes_are_read_by_expressions(both: Both, tmp_path: Path) -> None:
    whole, *_ = text(FOCUS, 1, 20).rsplit("\n", 2)
    broken = whole.replace("2026-09-01T00:00:00Z", '"2026-09-01T00:00:00Z\n"')
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(broken)
    (tmp_path / "in" / "b.csv").write_text(text(FOCUS, 2, 20))
    report, rows = both(tmp_path / "in")
    assert any("line breaks" in note for note in report.notes)
    assert rows == 0


def test_a_file_that_is_cut_off_fails_both_ways(
    run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gzip.compress(text(FOCUS, 1, 2000).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    failures = []
    for switch in ("0", "1"):
        monkeypatch.setenv(kernels.SWITCH, switch)
        with pytest.raises(Py4JJavaError) as failure:
            run_job(JOB, tmp_path / "a.csv.gz")
        failures.append("Unexpected end of input stream" in str(failure.value))
    assert failures == [True, True]
    assert not list((tmp_path / "out").glob("charges/*"))


@pytest.mark.thorough
def test_what_is_final_is_kept(run_job: RunJob, tmp_path: Path) -> None:
    cells = {name: _START if values is TIMES else "1" for name, values in FOCUS.items()}
    cells |= {"BillingPeriodEnd": _END, "BillingCurrency": "EUR", "Tags": "{}"}
    cells["x_CostCategories"] = ""
    for name, invoice in (("final", "I-1"), ("open", "")):
        with (tmp_path / f"{name}.csv").open("w", newline="") as out:
            writer = csv.DictWriter(out, [*cells], lineterminator="\n")
            writer.writeheader()
            writer.writerow(cells | {"InvoiceId": invoice})
    run_job(JOB, tmp_path / "final.csv")
    assert by_kernels(tmp_path / "out") == 1
    with pytest.raises(FinalError):
        run_job(JOB, tmp_path / "open.csv")
    run_job(JOB, tmp_path / "open.csv", options=BillingChargesOptions(force=True))
    (file,) = (tmp_path / "out" / "charges").glob("*/*/*.parquet")
    assert pq.read_table(file)["invoice_id"].to_pylist() == [None]
