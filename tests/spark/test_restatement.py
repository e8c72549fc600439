"""Deliveries of a month one after the other: the last one counts, and final ones are kept."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest

from gristmill.errors import FinalError, InputError, ShrinkError
from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from tests.conftest import RunJob
from tests.spark.test_billing_charges import CHARGE
from tests.support import reference_billing as reference
from tests.support.process import snapshot

SEPTEMBER = {"InvoiceId": ""}
FINAL = {"InvoiceId": "INV-9"}
OCTOBER = {
    "InvoiceId": "",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
}
# Later deliveries have more lines or fewer, other ids and other amounts.
PRELIMINARY = [SEPTEMBER | {"BilledCost": cost} for cost in ("1", "2")]
OPEN = [SEPTEMBER | {"BilledCost": cost} for cost in ("1.5", "2", "0.25")]
# What costs nothing may never be invoiced.
LAST = [FINAL | {"BilledCost": "1.75"}, SEPTEMBER | {"BilledCost": "0.00"}]

Costs = dict[tuple[str, str], list[Decimal]]


class Ledger:
    """Loads into one output."""

    def __init__(self, run_job: RunJob, folder: Path) -> None:
        self.run, self.folder, self.loads = run_job, folder, 0

    def load(
        self,
        *lines: dict[str, str],
        export: str = "aws",
        force: bool = False,
        scope: str = "period",
    ) -> None:
        """Load a delivery, from a file of its own as every delivery is."""
        self.loads += 1
        file = self.folder / f"delivery {self.loads}.csv"
        file.write_text(reference.to_csv([CHARGE | line for line in lines], [*CHARGE, "InvoiceId"]))
        options = BillingChargesOptions(export=export, force=force, scope=scope)
        self.run(JOB, file, options=options, output=self.folder / "out")

    def costs(self) -> Costs:
        """Billed costs by export and period, sorted."""
        read = arrow.dataset(self.folder / "out" / "charges", partitioning="hive")
        found: Costs = {}
        for row in read.to_table(columns=["export", "billing_period", "billed_cost"]).to_pylist():
            found.setdefault((row["export"], row["billing_period"]), []).append(row["billed_cost"])
        return {key: sorted(costs) for key, costs in found.items()}


@pytest.fixture
def ledger(run_job: RunJob, tmp_path: Path) -> Ledger:
    return Ledger(run_job, tmp_path)


@pytest.mark.thorough
def test_the_last_delivery_is_all_that_a_month_holds(ledger: Ledger) -> None:
    ledger.load(*PRELIMINARY, OCTOBER)
    others: Costs = {("aws", "2026-10"): [Decimal("1.25")]}
    ledger.load(*OPEN)
    assert ledger.costs() == others | {
        ("aws", "2026-09"): [Decimal("0.25"), Decimal("1.5"), Decimal(2)]
    }
    with pytest.raises(
        ShrinkError, match=r"EUR: rows 3, now 2; EUR: billed cost 3\.75, now 1\.75;"
    ):
        ledger.load(*LAST)
    ledger.load(*LAST, force=True)
    final: Costs = {("aws", "2026-09"): [Decimal(0), Decimal("1.75")]}
    assert ledger.costs() == others | final

    # What is not final, in part or altogether, does not take the place of what is.
    before = snapshot(ledger.folder / "out")
    for lines in ([*LAST, SEPTEMBER], [OCTOBER, *OPEN]):
        with pytest.raises(FinalError, match=r"export=aws/billing_period=2026-09 is final"):
            ledger.load(*lines)
        assert snapshot(ledger.folder / "out") == before
    # But for another export, and where it is a correction that is final too.
    ledger.load(*PRELIMINARY, export="a b/c")
    others["a b/c", "2026-09"] = [Decimal(1), Decimal(2)]
    ledger.load(FINAL | {"BilledCost": "1.8"}, SEPTEMBER | {"BilledCost": "0.00"})
    assert ledger.costs() == others | {("aws", "2026-09"): [Decimal(0), Decimal("1.8")]}
    ledger.load(*PRELIMINARY, force=True)
    assert ledger.costs() == others | {("aws", "2026-09"): [Decimal(1), Decimal(2)]}


def charge(day: int = 5, account: str = "a", cost: str = "5", **more: str) -> dict[str, str]:
    """A charge of a day of September, of a sub-account."""
    start, end = (f"2026-09-{number:02}T00:00:00Z" for number in (day, day + 1))
    times = {"ChargePeriodStart": start, "ChargePeriodEnd": end}
    return SEPTEMBER | times | {"SubAccountId": account, "BilledCost": cost} | more


HELD = [charge(5, "a"), charge(6, "b", "7"), charge(6, "b", "2", BillingCurrency="USD")]
LESS: list[tuple[str, list[dict[str, str]]]] = [
    ("EUR: 2026-09-06 of 2 days would go", [charge(5, "a"), charge(5, "b", "7"), HELD[2]]),
    ("EUR: b of 2 sub-accounts would go", [charge(5, "a"), charge(6, "a", "7"), HELD[2]]),
    ("EUR: billed cost 12, now 11.99", [charge(5, "a"), charge(6, "b", "6.99"), HELD[2]]),
    (
        "USD: 2026-09-06 of 1 days would go; USD: b of 1 sub-accounts would go; "
        "USD: rows 1, now 0; USD: billed cost 2, now 0",
        [charge(5, "a"), charge(6, "b", "9")],
    ),
    ("EUR: rows 2, now 1", [charge(5, "a", "99"), HELD[2]]),
]


@pytest.mark.thorough
def test_no_month_is_replaced_by_less_of_it(ledger: Ledger) -> None:
    ledger.load(*HELD, OCTOBER)
    before = snapshot(ledger.folder / "out")
    for told, lines in LESS:
        with pytest.raises(ShrinkError) as raised:
            ledger.load(*lines)
        assert told in str(raised.value)
        assert "charges/export=aws/billing_period=2026-09 would shrink: " in str(raised.value)
        assert "--force" in str(raised.value)
        assert snapshot(ledger.folder / "out") == before
    # As much, and more, of a month is a delivery as any other; and of another month, none at all.
    ledger.load(*HELD)
    ledger.load(*HELD, charge(7, "c", "0"))
    ledger.load(*LESS[0][1], force=True)
    assert ledger.costs()["aws", "2026-10"] == [Decimal("1.25")]
    assert ledger.costs()["aws", "2026-09"] == [Decimal(2), Decimal(5), Decimal(7)]


@pytest.mark.thorough
def test_loads_of_a_part_of_a_month_add_up(ledger: Ledger) -> None:
    nobody = charge(8, "", "3")
    ledger.load(charge(5, "a", "1"), charge(6, "a", "2"), nobody, OCTOBER)
    ledger.load(charge(6, "b", "4"), charge(7, "b", "8"), scope="account")
    found = ledger.costs()
    assert found["aws", "2026-09"] == [Decimal(cost) for cost in (1, 2, 3, 4, 8)]
    assert found["aws", "2026-10"] == [Decimal("1.25")]
    # A part that comes again takes its own place alone, that of no account too.
    with pytest.raises(ShrinkError):
        ledger.load(charge(6, "b", "5"), scope="account")
    ledger.load(
        charge(6, "b", "5"), charge(7, "b", "9"), nobody | {"BilledCost": "6"}, scope="account"
    )
    assert ledger.costs()["aws", "2026-09"] == [Decimal(cost) for cost in (1, 2, 5, 6, 9)]
    ledger.load(charge(6, "a", "20"), charge(6, "b", "50"), scope="day")
    ledger.load(charge(9, "b", "7"), scope="day")
    assert ledger.costs()["aws", "2026-09"] == [Decimal(cost) for cost in (1, 6, 7, 9, 20, 50)]


def manifest_of(folder: Path, run: str, lines: list[dict[str, str]]) -> None:
    """A delivery as Azure leaves it, https://learn.microsoft.com/azure/cost-management-billing/."""
    place = folder / "20260901-20260930" / "202609100000" / run
    place.mkdir(parents=True)
    text = reference.to_csv([CHARGE | line for line in lines], [*CHARGE, "InvoiceId"])
    (place / "part_0_0001.csv").write_text(text)
    blob = f"{folder.name}/{place.relative_to(folder)}/part_0_0001.csv"
    (place / "manifest.json").write_text(json.dumps({"blobs": [{"blobName": blob}]}))


@pytest.mark.thorough
def test_two_manifests_of_one_month_are_parts_of_it_or_refused(
    run_job: RunJob, tmp_path: Path
) -> None:
    exports = tmp_path / "exports"
    manifest_of(exports / "one", "x", [charge(5, "a", "1")])
    manifest_of(exports / "two", "y", [charge(5, "b", "2"), charge(6, "b", "4")])

    def load(*inputs: Path, scope: str) -> list[Any]:
        run_job(JOB, *inputs, options=BillingChargesOptions(scope=scope))
        table = arrow.dataset(tmp_path / "out" / "charges").to_table(columns=["billed_cost"])
        return sorted(row["billed_cost"] for row in table.to_pylist())

    with pytest.raises(InputError, match=r"list other files .* --scope account"):
        load(exports, scope="period")
    with pytest.raises(InputError, match=r"both have charges of 2026-09-05 in 2026-09"):
        load(exports, scope="day")
    assert load(exports, scope="account") == [1, 2, 4]
    # One by one, in any order, they come to the same.
    assert load(exports / "two", scope="account") == [1, 2, 4]
    assert load(exports / "one", scope="account") == [1, 2, 4]
    with pytest.raises(ShrinkError, match="a of 2 sub-accounts would go"):
        load(exports / "two", scope="period")
    manifest_of(exports / "again", "z", [charge(6, "b", "9")])
    with pytest.raises(InputError, match=r"both have charges of b in 2026-09"):
        load(exports, scope="account")


PERIODS: Mapping[tuple[str, str], str] = {
    ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"): "2026-09",
    ("2026-09-01T00:00+08:00", "2026-10-01T00:00+08:00"): "2026-09",
    ("2026-09-01T00:00:00-07:00", "2026-10-01T00:00:00-07:00"): "2026-09",
    ("2026-09-01T00:00:00.000+0530", "2026-10-01T00:00:00.000+0530"): "2026-09",
    ("2026-08-31T16:00:00Z", "2026-09-30T16:00:00Z"): "2026-09",
    ("2026-09-01", "2026-10-01"): "2026-09",
    ("2026-09-01", ""): "2026-09",
    ("2026-09-01 00:00:00", "2026-09-30 23:59:59"): "2026-09",
    # A day of its own: 2026-10-01 in UTC, but not where the bill is written.
    ("2026-09-30T20:00:00-05:00", "2026-10-01T00:00:00-05:00"): "2026-09",
    ("2026-10-01T00:00:00+08:00", "2026-10-02T00:00:00+08:00"): "2026-10",
    ("2026-12-01T00:00+13:00", "2027-01-01T00:00+13:00"): "2026-12",
}


def test_the_month_of_a_charge_is_that_of_the_middle_of_its_period(
    run_job: RunJob, tmp_path: Path
) -> None:
    lines = [
        CHARGE | {"BillingPeriodStart": start, "BillingPeriodEnd": end, "ResourceId": start + end}
        for start, end in PERIODS
    ]
    (tmp_path / "a.csv").write_text(reference.to_csv(lines, [*CHARGE, "ResourceId"]))
    run_job(JOB, tmp_path / "a.csv")
    read = arrow.dataset(tmp_path / "out" / "charges", partitioning="hive")
    found = read.to_table(columns=["resource_id", "billing_period"]).to_pylist()
    wanted = {start + end: month for (start, end), month in PERIODS.items()}
    assert {row["resource_id"]: row["billing_period"] for row in found} == wanted
