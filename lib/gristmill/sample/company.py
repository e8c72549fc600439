"""What a cloud charges an invented company for in August and September of 2026.

Account numbers, names and prices are made up. The terms of all commitments are these two months,
so that whatever is paid ahead is also used up, or not used, inside them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from gristmill.sample.draw import Weighted, below, chance, pick

MONTHS = (datetime(2026, 8, 1), datetime(2026, 9, 1), datetime(2026, 10, 1))
"""The starts of the months, and the end of the last."""

PAYER = "000417203311"
ACCOUNTS = {
    PAYER: "Stone Mill",
    "000000730042": "Stone Mill Shop",
    "048215570093": "Stone Mill Data",
    "771230000008": "Stone Mill Lab",
}
_HOURS = int((MONTHS[-1] - MONTHS[0]) / timedelta(hours=1))
_NOTHING = Decimal(0)
_RUNAWAY = tuple(datetime(2026, 9, day) for day in (15, 16, 17))
"""Days on which somebody forgot machines that run."""
_TEAMS = ("flour", "bread", 'the "old" mill', "süß, salzig", "")
_CENTRES = ("0042", "0107", "1E5", "")


class Service(NamedTuple):
    """Something that is sold: `price` is that of a unit, `scale` how many units a line may have."""

    code: str
    name: str
    category: str
    usage_type: str
    operation: str
    unit: str
    price: Decimal
    scale: int


_VM = Service("AmazonEC2", "Amazon Elastic Compute Cloud", "Compute", "EUC1-BoxUsage:m7.large",
              "RunInstances", "Hrs", Decimal("0.1150000000"), 24)  # fmt: skip
_DB = Service("AmazonRDS", "Amazon Relational Database Service", "Databases",
              "EUC1-InstanceUsage:db.r7.large", "CreateDBInstance:0014", "Hrs",
              Decimal("0.2870000000"), 24)  # fmt: skip
_SERVICES = Weighted(
    {
        _VM: 30.0,
        _DB: 10.0,
        Service("AmazonS3", "Amazon Simple Storage Service", "Storage", "EUC1-TimedStorage-ByteHrs",
                "StandardStorage", "GB-Mo", Decimal("0.0245000000"), 3): 25.0,
        Service("AWSQueueService", "Amazon Simple Queue Service", "Integration", "EUC1-Requests",
                "SendMessage", "Requests", Decimal("4E-7"), 900): 20.0,
        Service("AWSLambda", "AWS Lambda", "Compute", "EUC1-Lambda-GB-Second", "Invoke",
                "Lambda-GB-Second", Decimal("0.0000166667"), 60): 15.0,
    }
)  # fmt: skip
_SUPPORT = Service("AWSSupportBusiness", "AWS Support (Business)", "Other", "Dollar", "", "Dollar",
                   Decimal(1), 1)  # fmt: skip


class Commitment(NamedTuple):
    """A savings plan or a reservation: what an hour of it costs, paid ahead and by the month."""

    id: str
    is_plan: bool
    service: Service
    ahead: Decimal
    monthly: Decimal


COMMITMENTS = tuple(
    Commitment(f"arn:aws:{kind}:{name}", kind.startswith("savings"), service, ahead, monthly)
    for kind, name, service, ahead, monthly in (
        ("savingsplans::000417203311", "savingsplan/7c1e", _VM, Decimal("0.30"), Decimal("0.50")),
        ("savingsplans::000417203311", "savingsplan/90ab", _VM, _NOTHING, Decimal("0.25")),
        ("rds:eu-central-1:048215570093", "ri:ri-1", _DB, Decimal("0.10"), Decimal("0.08")),
    )
)


@dataclass(frozen=True)
class Charge:
    """A line of a bill; amounts in dollars.

    `kind` is AWS's kind of line item, `listed` what it costs at list prices. `committed` and `used`
    are those of a savings plan's fee, `unused_ahead` and `unused_monthly` of a reservation's.
    """

    kind: str
    account: str
    service: Service
    start: datetime
    end: datetime
    billed: Decimal
    effective: Decimal
    listed: Decimal
    description: str
    quantity: Decimal = Decimal(1)
    commitment: Commitment | None = None
    committed: Decimal = _NOTHING
    used: Decimal = _NOTHING
    unused_ahead: Decimal = _NOTHING
    unused_monthly: Decimal = _NOTHING
    resource: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    is_correction: bool = False


def charges(seed: int, month: int, usage: int) -> Iterator[Charge]:
    """What is charged in a month, 0 or 1, by day: `usage` lines of usage, and all that goes with
    them. The same arguments give the same charges."""
    rng = Random(f"{seed}/billing/{month}")
    start, end = MONTHS[month : month + 2]
    days = (end - start).days
    if month == 0:
        yield from _paid_ahead(start)
    billed, hours = _NOTHING, dict.fromkeys(COMMITMENTS, 0)
    for day in range(days):
        today = start + timedelta(days=day)
        for _ in range(usage * (day + 1) // days - usage * day // days):
            found = _usage(rng, today)
            billed += found.billed
            yield found
        for commitment in COMMITMENTS:
            used = 12 + below(rng, 13)
            hours[commitment] += used
            yield from _committed(rng, commitment, today, used)
    for commitment in COMMITMENTS:
        if not commitment.is_plan:
            yield _reservation_fee(commitment, start, end, hours[commitment])
    yield from _at_the_end(start, end, billed, corrects=month == 1)


def _usage(rng: Random, day: datetime) -> Charge:
    service = _SERVICES.draw(rng)
    start = day + timedelta(hours=below(rng, 24))
    quantity = (service.scale * Decimal(1 + below(rng, 10**8))).scaleb(-8)
    if service is _VM and day in _RUNAWAY:
        quantity *= 30
    cost = quantity * service.price
    tags = {"Team": pick(rng, _TEAMS), "cost-center": pick(rng, _CENTRES)}
    return Charge(
        kind="Usage",
        account=pick(rng, list(ACCOUNTS)),
        service=service,
        start=start,
        end=start + timedelta(hours=1),
        billed=cost,
        effective=cost,
        listed=cost,
        description=f"${service.price:f} per {service.unit}",
        quantity=quantity,
        resource=f"r-{below(rng, 400):04x}" if chance(rng, 0.9) else "",
        tags={name: value for name, value in tags.items() if value and chance(rng, 0.8)},
    )


def _paid_ahead(start: datetime) -> Iterator[Charge]:
    for found in COMMITMENTS:
        if found.ahead:
            yield Charge(
                kind="SavingsPlanUpfrontFee" if found.is_plan else "Fee",
                account=PAYER,
                service=found.service,
                start=start,
                end=MONTHS[-1],
                billed=found.ahead * _HOURS,
                effective=_NOTHING,
                listed=found.ahead * _HOURS,
                description="Paid ahead",
                commitment=found,
            )


def _committed(rng: Random, found: Commitment, day: datetime, hours: int) -> Iterator[Charge]:
    """A day of a commitment of which so many hours were used."""
    price = found.ahead + found.monthly
    covered = Charge(
        kind="SavingsPlanCoveredUsage" if found.is_plan else "DiscountedUsage",
        account=pick(rng, list(ACCOUNTS)),
        service=found.service,
        start=day,
        end=day + timedelta(days=1),
        billed=hours * price * 2 if found.is_plan else _NOTHING,
        effective=hours * price,
        listed=hours * price * 2,
        description="Covered by a commitment",
        quantity=Decimal(hours),
        commitment=found,
        resource=f"r-{below(rng, 400):04x}",
        tags={"Team": "bread"},
    )
    yield covered
    if found.is_plan:
        negation = replace(covered, kind="SavingsPlanNegation", effective=_NOTHING, tags={})
        yield replace(negation, billed=-covered.billed, listed=-covered.listed, resource="")
        yield replace(
            covered,
            kind="SavingsPlanRecurringFee",
            account=PAYER,
            billed=24 * found.monthly,
            effective=(24 - hours) * price,
            listed=24 * found.monthly,
            description="Fee of the plan",
            quantity=Decimal(24),
            committed=24 * price,
            used=hours * price,
            resource="",
            tags={},
        )


def _reservation_fee(found: Commitment, start: datetime, end: datetime, used: int) -> Charge:
    hours = (end - start).days * 24
    ahead, monthly = (hours - used) * found.ahead, (hours - used) * found.monthly
    return Charge(
        kind="RIFee",
        account=PAYER,
        service=found.service,
        start=start,
        end=end,
        billed=hours * found.monthly,
        effective=ahead + monthly,
        listed=hours * found.monthly,
        description="Fee of the reservation",
        quantity=Decimal(hours),
        commitment=found,
        unused_ahead=ahead,
        unused_monthly=monthly,
    )


def _at_the_end(
    start: datetime, end: datetime, billed: Decimal, *, corrects: bool
) -> Iterator[Charge]:
    """Support, discounts, tax, credits and refunds; and what was wrong the month before."""
    lines = {
        "Fee": (_SUPPORT, Decimal("29.00"), "Support"),
        "EdpDiscount": (_VM, _rounded(billed * Decimal("-0.05")), "Enterprise discount"),
        "BundledDiscount": (_VM, Decimal("-0.0000000250"), "Bundled"),
        "Credit": (_VM, Decimal("-12.50"), "Promotional credit"),
        "Refund": (_DB, Decimal("-3.07"), "Refund"),
        "Tax": (_VM, _rounded(billed * Decimal("0.19")), "VAT 19 %"),
    }
    for kind, (service, cost, text) in lines.items():
        yield Charge(kind, PAYER, service, start, end, cost, cost, cost, text)
    if corrects:
        before, cost = MONTHS[0] + timedelta(days=20), Decimal("-1.2345678901234567")
        until, text = before + timedelta(hours=1), "Correction of August"
        found = Charge("Usage", PAYER, _VM, before, until, cost, cost, cost, text)
        yield replace(found, is_correction=True)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1E-10"))
