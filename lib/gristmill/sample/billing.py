"""Exports of what the company is charged: FOCUS 1.2, and a legacy CUR as AWS keeps it in a bucket.

August is final and has its invoices. September is open; of its report the delivery of a few days
earlier is still there, which only the manifest tells from the one that counts.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from random import Random

from gristmill.sample.books import write_books
from gristmill.sample.company import ACCOUNTS, MONTHS, PAYER, Charge, charges
from gristmill.sample.draw import hexes
from gristmill.sample.logs import open_text

_REPORT = "mill-costs"
_TAGS = ("Team", "cost-center")
_PURCHASES = ("Fee", "RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee")
_OTHERS = {"Tax": "Tax", "Credit": "Credit", "Refund": "Adjustment"}
_EARLIER = timedelta(days=20)

Cells = Mapping[str, str]


def write_billing(folder: Path, *, seed: int, usage: int) -> list[Path]:
    """Write both exports to `folder`, `usage` lines of usage in each, and what bookkeeping has
    beside them; return the paths in order."""
    paths = []
    for month in range(len(MONTHS) - 1):
        lines = usage // 2 + usage % 2 * (month == 0)
        path = folder / "focus" / f"focus-{MONTHS[month]:%Y-%m}.csv.gz"
        _write(path, chain.from_iterable(_focus(charge) for charge in charges(seed, month, lines)))
        paths += [path, *_report(folder / "cur" / _REPORT, seed, month, lines)]
    final = charges(seed, 0, usage // 2 + usage % 2)
    rows = chain.from_iterable(map(_focus, final))
    return [*paths, *write_books(folder / "books", seed=seed, final=rows)]


def _report(folder: Path, seed: int, month: int, usage: int) -> Iterator[Path]:
    """The deliveries of a month and their manifests, the one that counts last."""
    start, end = MONTHS[month : month + 2]
    period = folder / f"{start:%Y%m%d}-{end:%Y%m%d}"
    rng = Random(f"{seed}/assembly/{month}")
    limits = [end] if _invoice(start) else [start + _EARLIER, end]
    for limit in limits:
        assembly = "-".join(hexes(rng, digits) for digits in (8, 4, 4, 4, 12))
        files = [period / assembly / f"{_REPORT}-{part}.csv.gz" for part in (1, 2)]
        for part, file in enumerate(files):
            found = (charge for charge in charges(seed, month, usage) if charge.start < limit)
            half = (charge for number, charge in enumerate(found) if number % 2 == part)
            _write(file, (_line(charge, start, end) for charge in half))
            yield file
        keys = [str(file.relative_to(folder.parent)) for file in files]
        manifest = json.dumps({"assemblyId": assembly, "reportKeys": keys}, indent=2) + "\n"
        for place in (period / assembly, period):
            path = place / f"{_REPORT}-Manifest.json"
            path.write_text(manifest, encoding="utf-8")
            if place != period or limit == end:
                yield path


def _invoice(period: datetime, kind: str = "Usage") -> str:
    """The invoice of a line: there is one for usage and one for fees; none of an open month."""
    if period != MONTHS[0]:
        return ""
    return f"{20260800 + (2 if kind in _PURCHASES else 1)}"


def _focus(charge: Charge) -> Iterator[Cells]:
    """A charge as FOCUS has it: fees and what was not used of them are lines of their own."""
    is_fee, commitment = charge.kind in _PURCHASES, charge.commitment
    if charge.kind == "SavingsPlanNegation":
        return
    if commitment is None:
        category = "Purchase" if is_fee else _OTHERS.get(charge.kind, "Usage")
        yield _row(charge, category, charge.billed, charge.effective, "")
    elif not is_fee:
        yield _row(charge, "Usage", Decimal(0), charge.effective, "Used")
    else:
        yield _row(charge, "Purchase", charge.billed, Decimal(0), "")
        if charge.effective:
            yield _row(charge, "Usage", Decimal(0), charge.effective, "Unused")


def _row(
    charge: Charge, category: str, billed: Decimal, effective: Decimal, status: str
) -> dict[str, str]:
    start, end = _period(charge)
    is_usage, commitment = category == "Usage", charge.commitment
    is_priced = category != "Tax"
    once = charge.kind in {"Fee", "SavingsPlanUpfrontFee", "Credit", "Refund"}
    return {
        "AvailabilityZone": "",
        "BilledCost": _text(billed),
        "BillingAccountId": PAYER,
        "BillingAccountName": ACCOUNTS[PAYER],
        "BillingAccountType": "Payer",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _focus_time(end),
        "BillingPeriodStart": _focus_time(start),
        "ChargeCategory": category,
        "ChargeClass": "Correction" if charge.is_correction else "",
        "ChargeDescription": charge.description,
        "ChargeFrequency": "Usage-Based" if is_usage else "One-Time" if once else "Recurring",
        "ChargePeriodEnd": _focus_time(charge.end),
        "ChargePeriodStart": _focus_time(charge.start),
        "CommitmentDiscountCategory": ("Spend" if commitment.is_plan else "Usage")
        if commitment
        else "",
        "CommitmentDiscountId": commitment.id if commitment else "",
        "CommitmentDiscountStatus": status,
        "CommitmentDiscountType": ("Savings Plan" if commitment.is_plan else "Reserved")
        if commitment
        else "",
        "ConsumedQuantity": _text(charge.quantity) if is_usage and status != "Unused" else "",
        "ConsumedUnit": charge.service.unit if is_usage and status != "Unused" else "",
        "ContractedCost": _text(Decimal(0) if status == "Unused" else charge.listed),
        "EffectiveCost": _text(effective),
        "InvoiceId": _invoice(start, charge.kind),
        "InvoiceIssuerName": "AWS",
        "ListCost": _text(Decimal(0) if status == "Unused" else charge.listed),
        "PricingCategory": "Committed" if status else "Standard" if is_usage else "",
        "PricingQuantity": _text(charge.quantity) if is_priced else "",
        "PricingUnit": charge.service.unit if is_priced else "",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "RegionId": "eu-central-1",
        "RegionName": "EU (Frankfurt)",
        "ResourceId": charge.resource,
        "ServiceCategory": charge.service.category,
        "ServiceName": charge.service.name,
        "SkuId": charge.service.usage_type if is_priced else "",
        "SubAccountId": charge.account,
        "SubAccountName": ACCOUNTS[charge.account],
        "Tags": json.dumps(charge.tags, ensure_ascii=False) if charge.tags else "",
        "x_ServiceCode": charge.service.code,
    }


def _line(charge: Charge, start: datetime, end: datetime) -> dict[str, str]:
    """A charge as a legacy report has it."""
    commitment = charge.commitment
    plan = commitment if commitment and commitment.is_plan else None
    reservation = commitment if commitment and not commitment.is_plan else None
    return {
        "bill/InvoiceId": _invoice(start, charge.kind),
        "bill/BillingEntity": "AWS",
        "bill/BillType": "Refund" if charge.kind == "Refund" else "Anniversary",
        "bill/PayerAccountId": PAYER,
        "bill/BillingPeriodStartDate": _cur_time(start),
        "bill/BillingPeriodEndDate": _cur_time(end),
        "lineItem/UsageAccountId": charge.account,
        "lineItem/LineItemType": charge.kind,
        "lineItem/UsageStartDate": _cur_time(charge.start),
        "lineItem/UsageEndDate": _cur_time(charge.end),
        "lineItem/ProductCode": charge.service.code,
        "lineItem/UsageType": charge.service.usage_type,
        "lineItem/Operation": charge.service.operation,
        "lineItem/ResourceId": charge.resource,
        "lineItem/UsageAmount": _text(charge.quantity),
        "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedCost": _text(charge.billed),
        "lineItem/BlendedCost": "" if "Discount" in charge.kind else _text(charge.billed),
        "lineItem/LineItemDescription": charge.description,
        "product/ProductName": charge.service.name,
        "product/region": "eu-central-1",
        "pricing/publicOnDemandCost": _text(charge.listed),
        "pricing/unit": charge.service.unit,
        "reservation/EffectiveCost": _text(charge.effective)
        if charge.kind == "DiscountedUsage"
        else "",
        "reservation/ReservationARN": reservation.id if reservation else "",
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": _text(charge.unused_ahead),
        "reservation/UnusedRecurringFee": _text(charge.unused_monthly),
        "savingsPlan/SavingsPlanARN": plan.id if plan else "",
        "savingsPlan/SavingsPlanEffectiveCost": _text(charge.effective)
        if charge.kind == "SavingsPlanCoveredUsage"
        else "",
        "savingsPlan/TotalCommitmentToDate": _text(charge.committed),
        "savingsPlan/UsedCommitment": _text(charge.used),
        **{f"resourceTags/user:{name}": charge.tags.get(name, "") for name in _TAGS},
    }


def _period(charge: Charge) -> tuple[datetime, datetime]:
    month = 1 if charge.is_correction or charge.start >= MONTHS[1] else 0
    return MONTHS[month], MONTHS[month + 1]


def _focus_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _cur_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _text(amount: Decimal) -> str:
    """An amount; those that are close to nothing are in scientific notation, as AWS writes them."""
    return f"{amount:E}" if 0 < abs(amount) < Decimal("1E-4") else f"{amount:f}"


def _write(path: Path, rows: Iterable[Cells]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = iter(rows)
    first = next(found)
    with open_text(path) as out:
        writer = csv.DictWriter(out, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(found)
