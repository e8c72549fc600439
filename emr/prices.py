"""What machines cost by the hour: a table, and where it comes from."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from gristmill.emr.files import PRICES
from gristmill.emr.specs.fields import InstanceType, Table
from gristmill.errors import UsageError

_SIZES = {"medium": Decimal("0.25"), "large": Decimal("0.5"), "xlarge": Decimal(1)}
_VCPUS = 4  # of an xlarge, in the families that EMR takes

Price = Annotated[Decimal, Field(ge=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class ServerlessPrices(Table):
    """Prices of an hour of a vCPU, of a GB of memory, of a GB of disk."""

    vcpu: Price
    memory: Price
    storage: Price


class TypePrices(Table):
    """Prices of an hour of one instance type, On-Demand: EC2's, and what EMR adds."""

    ec2: Price
    emr: Price


class Prices(Table):
    """Prices by the hour, On-Demand: of an `xlarge` of each family, and of `types` as AWS has them,
    which go first.

    Of a family EMR adds a share of EC2's price, and of some no more than `emr_cap` an instance.
    """

    currency: str
    region: str
    asof: str
    emr_share: Share
    spot_share: Share
    instances: Annotated[dict[str, Price], Field(default_factory=dict)]
    emr_cap: Annotated[dict[str, Price], Field(default_factory=dict)]
    types: Annotated[dict[InstanceType, TypePrices], Field(default_factory=dict)]
    serverless: dict[str, ServerlessPrices]

    def of(self, instance_type: str, *, is_spot: bool) -> Decimal | None:
        """The price of an instance with EMR on it; None where the table does not have it."""
        found = self.types.get(instance_type) or self._of_family(instance_type)
        if found is None:
            return None
        # What EMR adds is the same for Spot.
        return found.ec2 * (self.spot_share if is_spot else 1) + found.emr

    def _of_family(self, instance_type: str) -> TypePrices | None:
        family, _, size = instance_type.partition(".")
        price, units = self.instances.get(family), units_of(size)
        if price is None or units is None:
            return None
        added = units * price * self.emr_share
        return TypePrices(ec2=units * price, emr=min(added, self.emr_cap.get(family, added)))


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


def units_of(size: str) -> Decimal | None:
    """How many `xlarge` a size is."""
    if size in _SIZES:
        return _SIZES[size]
    found = re.fullmatch(r"(\d+)xlarge", size)
    return Decimal(found[1]) if found else None


def vcpus(instance_type: str) -> int | None:
    """How many vCPUs an instance has, by its size; None where that does not say it."""
    units = units_of(instance_type.partition(".")[2])
    return None if units is None else int(units * _VCPUS)
