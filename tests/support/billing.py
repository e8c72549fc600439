"""Cost exports made for tests, and what plain Python makes of the charges in them."""

import csv
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

Charge = dict[str, Any]
"""A charge by the names of its columns; what is absent is null."""

MEASURES = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
PLAN = "arn:aws:savingsplans::111122223333:savingsplan/a"
RESERVATION = "arn:aws:ec2:eu-west-1:111122223333:reserved-instances/b"

_CUR = (
    *("bill/PayerAccountId", "bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate"),
    *("lineItem/UsageAccountId", "lineItem/LineItemType", "lineItem/UsageStartDate"),
    *("lineItem/UsageEndDate", "lineItem/ProductCode", "lineItem/CurrencyCode"),
    *("lineItem/UnblendedCost", "pricing/publicOnDemandCost", "reservation/ReservationARN"),
    *("reservation/EffectiveCost", "reservation/UnusedRecurringFee"),
    *("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", "savingsPlan/SavingsPlanARN"),
    *("savingsPlan/SavingsPlanEffectiveCost", "savingsPlan/TotalCommitmentToDate"),
    *("savingsPlan/UsedCommitment", "savingsPlan/EndTime", "reservation/EndTime"),
    "resourceTags/user:team",
)
_PLANNED = {
    "savingsPlan/SavingsPlanARN": PLAN,
    "savingsPlan/EndTime": "2027-03-01T00:00:00.000Z",
}
_RESERVED = {"reservation/ReservationARN": RESERVATION, "reservation/EndTime": "never"}

LINE_ITEMS: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    ("Usage", "10.000000000000000001", "Usage", "10.000000000000000001", {}),
    ("Usage", "1E-9", "Usage", "0.000000001", {"resourceTags/user:team": "a"}),
    ("Fee", "3", "Purchase", "3", {}),
    ("Fee", "120", "Purchase", "0", _RESERVED),
    (
        *("RIFee", "31", "Purchase", "7.5"),
        _RESERVED
        | {
            "reservation/UnusedRecurringFee": "5",
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "2.5",
        },
    ),
    (
        *("DiscountedUsage", "0", "Usage", "22.5"),
        _RESERVED | {"reservation/EffectiveCost": "22.5", "pricing/publicOnDemandCost": "40"},
    ),
    ("SavingsPlanUpfrontFee", "500", "Purchase", "0", _PLANNED),
    (
        *("SavingsPlanRecurringFee", "8", "Purchase", "2"),
        _PLANNED | {"savingsPlan/TotalCommitmentToDate": "8", "savingsPlan/UsedCommitment": "6"},
    ),
    (
        *("SavingsPlanCoveredUsage", "9", "Usage", "6"),
        _PLANNED | {"savingsPlan/SavingsPlanEffectiveCost": "6", "pricing/publicOnDemandCost": "9"},
    ),
    ("SavingsPlanNegation", "-9", "Usage", "0", _PLANNED),
    ("EdpDiscount", "-1.25", "Usage", "-1.25", {}),
    ("BundledDiscount", "-0.5", "Usage", "-0.5", {}),
    ("PrivateRateDiscount", "-0.25", "Usage", "-0.25", {}),
    ("Tax", "4.2", "Tax", "4.2", {}),
    ("Credit", "-2", "Credit", "-2", {}),
    ("Refund", "-1", "Adjustment", "-1", {}),
)
"""Every kind of line item of AWS: kind, unblended cost, category, amortized cost, other cells."""


def write_cur(path: Path) -> None:
    """Write `LINE_ITEMS` as a legacy Cost and Usage Report of January 2026."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, _CUR)
        lines.writeheader()
        for number, (kind, cost, _category, _effective, cells) in enumerate(LINE_ITEMS):
            lines.writerow(
                {
                    "bill/PayerAccountId": "000011112222",
                    "bill/BillingPeriodStartDate": "2026-01-01T00:00:00Z",
                    "bill/BillingPeriodEndDate": "2026-02-01T00:00:00Z",
                    "lineItem/UsageAccountId": f"00000000000{number % 3}",
                    "lineItem/LineItemType": kind,
                    "lineItem/UsageStartDate": f"2026-01-{1 + number:02d}T10:00:00Z",
                    "lineItem/UsageEndDate": f"2026-01-{1 + number:02d}T11:00:00Z",
                    "lineItem/ProductCode": ("AmazonEC2", "AmazonS3")[number % 2],
                    "lineItem/CurrencyCode": "USD",
                    "lineItem/UnblendedCost": cost,
                    **cells,
                }
            )


_FOCUS = (
    *MEASURES,
    *("billing_account_id", "billing_currency", "billing_period_start", "billing_period_end"),
    *("charge_period_start", "charge_period_end", "charge_category", "charge_class"),
    *("provider_name", "service_name", "sub_account_id", "sub_account_name"),
    *("region_id", "region_name", "invoice_id", "tags"),
)


def made_charges(seed: int, months: Sequence[int], count: int = 120) -> list[Charge]:
    """So many charges of each of some months of 2026, in two currencies, some without a cost."""
    chance = random.Random(seed)
    found = []
    for month in months:
        start = datetime(2026, month, 1, tzinfo=UTC)
        end = datetime(2026, month + 1, 1, tzinfo=UTC)
        for _ in range(count):
            day = start + timedelta(hours=chance.randrange(24 * 28))
            account = chance.randrange(4)
            region = chance.choice(["eu-west-1", "us-east-1", None])
            found.append(
                {
                    "billing_account_id": "000012345678",
                    "billing_currency": chance.choice(["USD", "USD", "EUR"]),
                    "billing_period_start": start,
                    "billing_period_end": end,
                    "charge_period_start": day,
                    "charge_period_end": day + timedelta(hours=1),
                    "charge_category": chance.choice(
                        ["Usage"] * 5 + ["Purchase", "Tax", "Credit", "Adjustment"]
                    ),
                    "charge_class": chance.choice([None] * 9 + ["Correction"]),
                    "provider_name": chance.choice(["AWS", "Microsoft"]),
                    # Some services are there in some months only.
                    "service_name": f"service {chance.randrange(month, month + 4)}",
                    "sub_account_id": f"00000000000{account}",
                    "sub_account_name": f"account {account}",
                    "region_id": region,
                    "region_name": region and region.upper(),
                    "invoice_id": f"invoice {month}",
                    "tags": chance.choice([None, {"team": "a"}, {"team": "b"}, {"team": " "}]),
                    **{
                        name: chance.choice([None] + [_amount(chance) for _ in range(9)])
                        for name in MEASURES
                    },
                }
            )
    return found


def _amount(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(-(10**20), 10**21)).scaleb(-chance.randrange(16, 19))


def focus_cells(charge: Charge) -> dict[str, str]:
    """A charge as the cells of a line in FOCUS."""
    return {name.title().replace("_", ""): _cell(charge.get(name)) for name in _FOCUS}


def write_focus(path: Path, charges: Iterable[Charge]) -> None:
    """Write charges as an export in FOCUS."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(focus_cells({})))
        lines.writeheader()
        lines.writerows(map(focus_cells, charges))


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return json.dumps(value)
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else value


def period(charge: Charge) -> str:
    return f"{charge['billing_period_start']:%Y-%m}"


def day(charge: Charge) -> Any:
    return charge["charge_period_start"].date()


def team(charge: Charge) -> str | None:
    return ((charge.get("tags") or {}).get("team") or "").strip() or None


def sums(
    charges: Iterable[Charge], *by: str | Callable[[Charge], Any]
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The measures and the number of charges by period, currency and more."""
    found: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [Decimal(0)] * 4 + [0])
    with localcontext() as context:
        context.prec = 60
        for charge in charges:
            values = [key(charge) if callable(key) else charge.get(key) for key in by]
            total = found[period(charge), charge["billing_currency"], *values]
            for place, name in enumerate(MEASURES):
                total[place] += charge[name] or 0
            total[-1] += 1
    return {key: tuple(total) for key, total in found.items()}


def to_18_places(amount: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return amount.quantize(Decimal("1e-18"), ROUND_HALF_UP)
