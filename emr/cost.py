"""What a run cost: hours that AWS reports, times a table of prices. An estimate, and said so."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from gristmill.emr.aws import Aws, explained
from gristmill.emr.files import PRICES
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.transient import TransientRunner
from gristmill.emr.runs import Record
from gristmill.emr.specs.fields import Table
from gristmill.errors import UsageError
from gristmill.runs import Handle, Status

_HOUR = Decimal(3600)
# EC2 and EMR bill by the second, and a minute at least
# (https://aws.amazon.com/emr/pricing/).
_MINIMUM = timedelta(minutes=1)
_SIZES = {"medium": Decimal("0.25"), "large": Decimal("0.5"), "xlarge": Decimal(1)}

Price = Annotated[Decimal, Field(ge=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class ServerlessPrices(Table):
    """Prices of an hour of a vCPU, of a GB of memory, of a GB of disk."""

    vcpu: Price
    memory: Price
    storage: Price


class Prices(Table):
    """Prices by the hour: of an `xlarge` of each family, On-Demand."""

    currency: str
    region: str
    asof: str
    emr_share: Share
    spot_share: Share
    instances: dict[str, Price]
    serverless: dict[str, ServerlessPrices]

    def of(self, instance_type: str, *, is_spot: bool) -> Decimal | None:
        """The price of an instance with EMR on it; None where the table does not have it."""
        family, _, size = instance_type.partition(".")
        price, units = self.instances.get(family), _units(size)
        if price is None or units is None:
            return None
        # What EMR adds is the same for Spot.
        return units * price * ((self.spot_share if is_spot else 1) + self.emr_share)


@dataclass(frozen=True)
class Cost:
    """An estimate. `hours` are instance hours or vCPU hours, `spot` is the Spot share of them."""

    amount: Decimal
    currency: str
    hours: Decimal
    unit: str
    spot: Decimal
    basis: str
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        spot = f", {self.spot:.0%} of them Spot" if self.spot else ""
        # Two figures that mean something, and no more of them.
        digits = 2 if self.amount >= Decimal("0.1") or not self.amount else 4
        amount = f"{self.amount:.{digits}f} {self.currency}"
        text = f"about {amount} ({self.hours:.2f} {self.unit} hours{spot}"
        if self.unknown:
            text += f"; without {', '.join(self.unknown)}, which the prices do not have"
        return f"{text}; {self.basis})"


def read_prices(path: Path = PRICES) -> Prices:
    """A table of prices. Raises `UsageError`."""
    try:
        text = path.read_text(encoding="utf-8")
        return Prices.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (OSError, ValueError) as error:
        said = error
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            said = ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        raise UsageError(f"no prices in {path}: {said}; emr/prices.toml shows the form") from error


def cost(aws: Aws, record: Record, handle: Handle, status: Status, prices: Prices) -> Cost | None:
    """What a run cost; None where nothing is known of when it ran. Raises `GristmillError`.

    A cluster of its own is paid for from its first instance to its last; on one that it shares, a
    run is given all that the cluster had while it ran.
    """
    if handle.runner == ServerlessRunner.name:
        return _of_serverless(aws, record.architecture, handle, prices)
    with explained(f"list the instances of {handle.target}"):
        pages = aws.emr.get_paginator("list_instances").paginate(ClusterId=handle.target)
        instances = [instance for page in pages for instance in page["Instances"]]
    if handle.runner == TransientRunner.name:
        return of_instances(instances, None, prices)
    if status.started is None:
        return None
    return of_instances(instances, (status.started, status.ended or datetime.now(UTC)), prices)


def of_instances(
    instances: Iterable[Mapping[str, Any]],
    window: tuple[datetime, datetime] | None,
    prices: Prices,
) -> Cost:
    """What instances cost, as ListInstances gives them; of a `window`, what they did in it."""
    total, hours, spot = Decimal(0), Decimal(0), Decimal(0)
    unknown: set[str] = set()
    for instance in instances:
        is_spot = instance.get("Market") == "SPOT"
        some = _hours(instance["Status"].get("Timeline", {}), window)
        price = prices.of(instance["InstanceType"], is_spot=is_spot)
        hours += some
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
    return Cost(total, prices.currency, hours, "instance", share, basis, tuple(sorted(unknown)))


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
    return Cost(amount, prices.currency, vcpu, "vCPU", Decimal(0), basis)


def _units(size: str) -> Decimal | None:
    """How many `xlarge` a size is."""
    if size in _SIZES:
        return _SIZES[size]
    found = re.fullmatch(r"(\d+)xlarge", size)
    return Decimal(found[1]) if found else None
