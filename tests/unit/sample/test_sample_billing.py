"""The sample cost exports: whole, the same everywhere, and true to the rules of a bill."""

import gzip
import json
import tomllib
from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from gristmill.sample import write_samples
from gristmill.sample.billing import write_billing
from tests.support import reference_billing as reference

Lines = list[dict[str, str]]
AUGUST, SEPTEMBER = "2026-08", "2026-09"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("billing")
    write_billing(folder, seed=7, usage=301)
    return folder


@pytest.fixture(scope="module")
def focus(folder: Path) -> Lines:
    return [row for file in sorted(folder.glob("focus/*")) for row in reference.rows_of(file)]


@pytest.fixture(scope="module")
def cur(folder: Path) -> Lines:
    """The lines of the files that the manifests of the months list."""
    manifests = sorted(folder.glob("cur/*/*/*-Manifest.json"))
    keys = [key for file in manifests for key in json.loads(file.read_text())["reportKeys"]]
    assert len(keys) == 4
    return [row for key in keys for row in reference.rows_of(folder / "cur" / key)]


def total(lines: Lines, name: str, **cells: str) -> Decimal:
    """What a column adds up to over the lines that hold these cells."""
    found = [line for line in lines if all(line[key] == cell for key, cell in cells.items())]
    return sum((Decimal(line[name]) for line in found), Decimal(0))


def test_the_same_seed_gives_the_same_bytes_everywhere(folder: Path, tmp_path: Path) -> None:
    paths = write_billing(tmp_path, seed=7, usage=301)
    assert len(paths) == len(set(paths)) == 18
    assert set(paths) == {path for path in tmp_path.rglob("*") if path.is_file()}
    digest = sha256()
    for path in paths:
        data = path.read_bytes()
        assert data == (folder / path.relative_to(tmp_path)).read_bytes()
        digest.update(gzip.decompress(data) if path.suffix == ".gz" else data)
    assert digest.hexdigest() == "b5eff752ac77e0702cb480279d7462c9f80e9988126026514c212b8f47b058cb"


def test_another_seed_gives_other_lines_and_none_are_written_unasked(tmp_path: Path) -> None:
    paths = write_samples(tmp_path, seed=8, requests=1, words=1, billing=1)
    assert sum(path.is_relative_to(tmp_path / "billing") for path in paths) == 18
    write_samples(tmp_path / "none", requests=1, words=1)
    assert not (tmp_path / "none" / "billing").exists()


def test_the_lines_of_usage_are_as_many_as_asked_for(focus: Lines, cur: Lines) -> None:
    plain = [line for line in cur if line["lineItem/LineItemType"] == "Usage"]
    assert len(plain) == 301 + 1  # a correction
    usage = [line for line in focus if line["ChargeCategory"] == "Usage"]
    assert sum(not line["CommitmentDiscountId"] for line in usage) == 301 + 1 + 4  # discounts


def test_every_kind_of_line_item_and_of_charge_is_there(focus: Lines, cur: Lines) -> None:
    kinds = {line["lineItem/LineItemType"] for line in cur}
    assert kinds == set(reference.CATEGORIES) - {"PrivateRateDiscount"}
    found = {(line["ChargeCategory"], line["CommitmentDiscountStatus"]) for line in focus}
    assert found == {
        *(("Usage", status) for status in ("", "Used", "Unused")),
        *((category, "") for category in ("Purchase", "Tax", "Credit", "Adjustment")),
    }
    assert {line["ChargeFrequency"] for line in focus} == {"Usage-Based", "One-Time", "Recurring"}


def test_what_is_odd_in_real_exports_is_here_too(focus: Lines, cur: Lines) -> None:
    costs = [line["BilledCost"] for line in focus]
    assert any("E-" in cost for cost in costs)
    assert {len(cost.partition(".")[2]) for cost in costs} >= {2, 18}
    assert max(len(line["lineItem/UnblendedCost"].partition(".")[2]) for line in cur) == 18
    assert len({line["SubAccountId"] for line in focus}) == 4
    assert sum(account.startswith("0") for account in {line["SubAccountId"] for line in focus}) == 3
    untagged = [line for line in focus if not line["Tags"]]
    assert len(focus) / 10 < len(untagged) < len(focus)
    assert any(json.loads(line["Tags"] or "{}").get("Team") == 'the "old" mill' for line in focus)
    (correction,) = (line for line in focus if line["ChargeClass"])
    assert correction["ChargePeriodStart"] < correction["BillingPeriodStart"]


def test_what_was_bought_is_used_or_not_and_nothing_else(focus: Lines) -> None:
    bought: defaultdict[str, Decimal] = defaultdict(Decimal)
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in focus:
        if commitment := line["CommitmentDiscountId"]:
            assert 0 in {Decimal(line["BilledCost"]), Decimal(line["EffectiveCost"])}
            bought[commitment] += Decimal(line["BilledCost"])
            spent[commitment] += Decimal(line["EffectiveCost"])
    assert len(bought) == 3
    assert bought == spent
    assert all(bought.values())


@pytest.mark.parametrize("month", [AUGUST, SEPTEMBER])
def test_both_exports_tell_of_the_same_bill(focus: Lines, cur: Lines, month: str) -> None:
    start = {"bill/BillingPeriodStartDate": f"{month}-01T00:00:00.000Z"}
    theirs = {"BillingPeriodStart": f"{month}-01T00:00:00Z"}
    billed = total(cur, "lineItem/UnblendedCost", **start)
    assert billed == total(focus, "BilledCost", **theirs) != 0
    lines = [line for line in cur if line.items() >= start.items()]
    effective = sum(reference.amortized(line) or 0 for line in lines)
    assert effective == total(focus, "EffectiveCost", **theirs) != 0
    for kind, category in (("Tax", "Tax"), ("Credit", "Credit"), ("Refund", "Adjustment")):
        amount = total(cur, "lineItem/UnblendedCost", **start, **{"lineItem/LineItemType": kind})
        assert amount == total(focus, "BilledCost", **theirs, ChargeCategory=category) != 0


def test_a_final_month_has_its_invoices_and_an_open_one_none(focus: Lines, cur: Lines) -> None:
    for lines, period, invoice in (
        (focus, "BillingPeriodStart", "InvoiceId"),
        (cur, "bill/BillingPeriodStartDate", "bill/InvoiceId"),
    ):
        found = {(line[period][:7], line[invoice]) for line in lines}
        assert found == {(AUGUST, "20260801"), (AUGUST, "20260802"), (SEPTEMBER, "")}


def test_an_older_delivery_lies_beside_the_one_that_counts(folder: Path, cur: Lines) -> None:
    period = folder / "cur" / "mill-costs" / "20260901-20261001"
    top = json.loads((period / "mill-costs-Manifest.json").read_text())
    older = [path for path in period.iterdir() if path.is_dir() and path.name != top["assemblyId"]]
    assert len(older) == 1
    lines = [row for file in older[0].glob("*.gz") for row in reference.rows_of(file)]
    starts = {datetime.fromisoformat(line["lineItem/UsageStartDate"]).day for line in lines}
    assert 0 < len(lines) < len(cur) / 2
    assert max(starts) < 30


def test_the_books_say_what_the_charges_come_to(folder: Path, focus: Lines) -> None:
    invoices = reference.rows_of(folder / "books" / "invoices.csv")
    assert {one["id"] for one in invoices} == {row["InvoiceId"] for row in focus} - {""}
    for one in invoices:
        wanted = total(focus, "BilledCost", InvoiceId=one["id"])
        assert Decimal(one["total"]) == wanted.quantize(Decimal("0.01"), ROUND_HALF_UP)
    rates = reference.rows_of(folder / "books" / "rates.csv")
    assert all(date.fromisoformat(one["date"]).weekday() < 5 for one in rates)
    assert (rates[0]["date"], rates[-1]["date"]) == ("2026-07-31", "2026-09-30")
    assert all(Decimal("0.7") < Decimal(one["rate"]) < Decimal("1.1") for one in rates)
    budgets = tomllib.loads((folder / "books" / "budgets.toml").read_text())["budget"]
    for budget in budgets:
        named = "Team" in budget.get("tag", {})
        spent = sum(
            Decimal(row["EffectiveCost"])
            for row in focus
            if row["BillingPeriodStart"].startswith(AUGUST)
            and (not named or json.loads(row["Tags"] or "{}").get("Team") == budget["tag"]["Team"])
        )
        assert 0 <= budget["amount"] - spent <= 10
