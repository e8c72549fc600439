"""Deliveries of a month one after the other: the last one counts, and final ones are kept."""

from decimal import Decimal
from pathlib import Path

import pyarrow.dataset as arrow
import pytest

from gristmill.errors import FinalError
from jobs.billing_charges import JOB, BillingChargesOptions
from tests import reference_billing as reference
from tests.conftest import RunJob
from tests.process import snapshot
from tests.spark.test_billing_charges import CHARGE

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

    def load(self, *lines: dict[str, str], export: str = "aws", force: bool = False) -> None:
        """Load a delivery, from a file of its own as every delivery is."""
        self.loads += 1
        file = self.folder / f"delivery {self.loads}.csv"
        file.write_text(reference.to_csv([CHARGE | line for line in lines], [*CHARGE, "InvoiceId"]))
        options = BillingChargesOptions(export=export, force=force)
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


def test_the_last_delivery_is_all_that_a_month_holds(ledger: Ledger) -> None:
    ledger.load(*PRELIMINARY, OCTOBER)
    others: Costs = {("aws", "2026-10"): [Decimal("1.25")]}
    ledger.load(*OPEN)
    assert ledger.costs() == others | {
        ("aws", "2026-09"): [Decimal("0.25"), Decimal("1.5"), Decimal(2)]
    }
    ledger.load(*LAST)
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
    ledger.load(FINAL | {"BilledCost": "1.8"})
    assert ledger.costs() == others | {("aws", "2026-09"): [Decimal("1.8")]}
    ledger.load(*PRELIMINARY, force=True)
    assert ledger.costs() == others | {("aws", "2026-09"): [Decimal(1), Decimal(2)]}
