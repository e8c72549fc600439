"""What a run cost: hours that AWS reports, times a table of prices. An estimate, and said so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gristmill.emr.aws import Aws, explained
from gristmill.emr.prices import Prices, vcpus
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.steps import steps
from gristmill.emr.runners.transient import TransientRunner
from gristmill.emr.runs import Record
from gristmill.runs import Handle, Status

_HOUR = Decimal(3600)
# EC2 and EMR bill by the second, and a minute at least
# (https://aws.amazon.com/emr/pricing/).
_MINIMUM = timedelta(minutes=1)


@dataclass(frozen=True)
class Cost:
    """An estimate. `hours` are instance hours or vCPU hours, `spot` is the Spot share of them;
    `vcpu_hours` are all its processors' hours, None where a type's name does not tell its own."""

    amount: Decimal
    currency: str
    hours: Decimal
    unit: str
    spot: Decimal
    basis: str
    unknown: tuple[str, ...] = ()
    vcpu_hours: Decimal | None = None

    def __str__(self) -> str:
        spot = f", {self.spot:.0%} of them Spot" if self.spot else ""
        # Two figures that mean something, and no more of them.
        digits = 2 if self.amount >= Decimal("0.1") or not self.amount else 4
        amount = f"{self.amount:.{digits}f} {self.currency}"
        text = f"about {amount} ({self.hours:.2f} {self.unit} hours{spot}"
        if self.unknown:
            text += f"; without {', '.join(self.unknown)}, which the prices do not have"
        return f"{text}; {self.basis})"


def cost(aws: Aws, record: Record, handle: Handle, status: Status, prices: Prices) -> Cost | None:
    """What a run cost; None where nothing is known of when it ran. Raises `GristmillError`.

    A cluster of its own is paid for from its first instance to its last; on one that it shares, a
    run is given all that the cluster had while it ran.
    """
    if handle.runner == ServerlessRunner.name:
        return _of_serverless(aws, record.architecture, handle, prices)
    instances = _instances(aws, handle.target)
    if handle.runner == TransientRunner.name:
        return of_instances(instances, None, prices)
    if status.started is None:
        return None
    return of_instances(instances, (status.started, status.ended or datetime.now(UTC)), prices)


def _instances(aws: Aws, cluster: str) -> list[dict[str, Any]]:
    with explained(f"list the instances of {cluster}"):
        pages = aws.emr.get_paginator("list_instances").paginate(ClusterId=cluster)
        return [instance for page in pages for instance in page["Instances"]]


def of_instances(
    instances: Iterable[Mapping[str, Any]],
    window: tuple[datetime, datetime] | None,
    prices: Prices,
) -> Cost:
    """What instances cost, as ListInstances gives them; of a `window`, what they did in it."""
    total, hours, spot = Decimal(0), Decimal(0), Decimal(0)
    unknown: set[str] = set()
    processors: Decimal | None = Decimal(0)
    for instance in instances:
        is_spot = instance.get("Market") == "SPOT"
        some = _hours(instance["Status"].get("Timeline", {}), window)
        price = prices.of(instance["InstanceType"], is_spot=is_spot)
        hours += some
        number = vcpus(instance["InstanceType"])
        processors = None if processors is None or number is None else processors + some * number
        spot += some if is_spot else 0
        if price is None:
            unknown.add(instance["InstanceType"])
        else:
            total += some * price
    shared = "" if window is None else "all of the cluster while it ran, "
    basis = f"{shared}list prices of {prices.region}, {prices.asof}"
    if spot:
        basis += f", Spot at {prices.spot_share:.0%} of On-Demand"
    share = spot / hours if hours else Decimal(0)
    without = tuple(sorted(unknown))
    return Cost(total, prices.currency, hours, "instance", share, basis, without, processors)


def _hours(timeline: Mapping[str, datetime], window: tuple[datetime, datetime] | None) -> Decimal:
    start = timeline.get("CreationDateTime")
    if start is None:
        return Decimal(0)
    end = timeline.get("EndDateTime") or datetime.now(UTC)
    if window is None:
        span = max(end - start, _MINIMUM)
    else:
        span = max(min(end, window[1]) - max(start, window[0]), timedelta(0))
    return Decimal(str(span.total_seconds())) / _HOUR


def _of_serverless(aws: Aws, architecture: str, handle: Handle, prices: Prices) -> Cost | None:
    with explained(f"describe {handle.id}"):
        run = aws.serverless.get_job_run(applicationId=handle.target, jobRunId=handle.id)["jobRun"]
    # AWS reports it a little after the end.
    used = run.get("billedResourceUtilization") or run.get("totalResourceUtilization")
    table = prices.serverless.get(architecture)
    if not used or table is None:
        return None
    vcpu, memory, storage = (
        Decimal(str(used.get(key, 0))) for key in ("vCPUHour", "memoryGBHour", "storageGBHour")
    )
    amount = vcpu * table.vcpu + memory * table.memory + storage * table.storage
    basis = f"list prices of {prices.region}, {prices.asof}"
    return Cost(amount, prices.currency, vcpu, "vCPU", Decimal(0), basis, vcpu_hours=vcpu)


def of_cluster(
    aws: Aws, cluster: str, prices: Prices, now: datetime
) -> tuple[Cost, timedelta | None]:
    """What a cluster has cost so far, and for how long no step ran on it since it was ready; None
    where it never was. Raises `GristmillError`."""
    instances = _instances(aws, cluster)
    with explained(f"describe {cluster}"):
        told = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]["Timeline"]
    spans = []
    for step in steps(aws, cluster):
        timeline = step["Status"].get("Timeline", {})
        if "StartDateTime" in timeline:
            spans.append((timeline["StartDateTime"], timeline.get("EndDateTime") or now))
    ready = told.get("ReadyDateTime")
    idle = None if ready is None else idle_time(ready, told.get("EndDateTime") or now, spans)
    return of_instances(instances, None, prices), idle


def idle_time(
    start: datetime, end: datetime, spans: Iterable[tuple[datetime, datetime]]
) -> timedelta:
    """How long of the time between two moments is in none of `spans`, which may overlap."""
    idle, until = timedelta(), start
    for first, last in sorted(spans):
        idle += max(timedelta(), min(first, end) - until)
        until = max(until, min(last, end))
    return idle + max(timedelta(), end - until)
