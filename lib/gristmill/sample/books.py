"""What the company's bookkeeping has beside its charges: invoices, rates, owners, budgets,
contracts."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal
from pathlib import Path
from random import Random

from gristmill.sample.company import COMMITMENTS, MONTHS, PAYER

Cells = Mapping[str, str]

_CENT, _TENS = Decimal("0.01"), Decimal(10)
_ISSUED = MONTHS[1].date() + timedelta(days=2)
_SATURDAY = 5
_OWNERS = f"""\
# Whose the costs are: gristmill run cost-allocation --rules owners.toml

[[shared]]
name = "support"
service = "AWS Support (Business)"
split = "in_proportion"

[[rule]]
name = "by team"
owner_from = "tag.Team"

[[rule]]
name = "what the payer itself uses"
account = "{PAYER}"
owner = "the mill"
"""
_BUDGETS = """\
# What costs may come to in a month: gristmill run budgets --budgets budgets.toml

[[budget]]
name = "everything"
currency = "USD"
amount = {everything}

[[budget]]
name = "flour"
currency = "USD"
amount = {flour}
measure = "effective"
tag.Team = "flour"
"""


def write_books(folder: Path, *, seed: int, final: Iterable[Cells]) -> list[Path]:
    """Write them to `folder`; return the paths in order.

    `final` are the charges of the first month, in FOCUS. Invoices are what these sum to; a budget
    is what its month came to, and up to ten dollars more.
    """
    invoices: dict[str, Decimal] = defaultdict(Decimal)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for row in final:
        invoices[row["InvoiceId"]] += Decimal(row["BilledCost"])
        effective, tags = Decimal(row["EffectiveCost"]), json.loads(row["Tags"] or "{}")
        spent["everything"] += effective
        spent["flour"] += effective if tags.get("Team") == "flour" else 0
    amounts = {name: (spent[name] / _TENS).quantize(Decimal(1), ROUND_UP) * 10 for name in spent}
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "owners.toml": _OWNERS,
        "budgets.toml": _BUDGETS.format(**amounts),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    listed = [
        (name, total.quantize(_CENT, ROUND_HALF_UP), "USD", _ISSUED)
        for name, total in sorted(invoices.items())
    ]
    contracts = [
        ("mill-2026", one.id, "Savings Plan" if one.is_plan else "Reserved", *_term(), "USD", "AWS")
        for one in COMMITMENTS
    ]
    return [
        *(folder / name for name in texts),
        _table(folder / "invoices.csv", ("id", "total", "currency", "date"), listed),
        _table(folder / "rates.csv", ("date", "from", "to", "rate"), _rates(seed)),
        _table(folder / "contracts.csv", _CONTRACT, contracts),
    ]


_CONTRACT = (
    *("ContractId", "ContractCommitmentId", "ContractCommitmentType"),
    *("ContractCommitmentPeriodStart", "ContractCommitmentPeriodEnd"),
    *("BillingCurrency", "InvoiceIssuerName"),
)
"""Columns of FOCUS's dataset Contract Commitment."""


def _term() -> tuple[str, str]:
    return f"{MONTHS[0]:%Y-%m-%dT%H:%M:%SZ}", f"{MONTHS[-1]:%Y-%m-%dT%H:%M:%SZ}"


def _rates(seed: int) -> Iterable[Sequence[object]]:
    """Rates of working days, as a bank publishes them, from the last one before the months on."""
    rng, rate = Random(f"{seed}/rates"), 8800
    day = MONTHS[0].date() - timedelta(days=1)
    while day < MONTHS[-1].date():
        rate += rng.randrange(-40, 41)
        if date.weekday(day) < _SATURDAY:
            yield day, "USD", "EUR", f"0.{rate}"
        day += timedelta(days=1)


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
