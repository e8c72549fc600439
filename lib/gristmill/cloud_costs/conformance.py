"""Whether an export does what FOCUS says: the rules that its rows and columns break.

https://focus.finops.org/focus-specification/: what a column may hold stands in `specification`; the
rules between columns are those of the sections that their names lead to. A value is looked at as it
is written: what `charges` would read all the same (a time without its zone) is told of here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs import specification
from gristmill.cloud_costs.cells import Cells, key

_UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_CURRENCY = "^[A-Z]{3}$"
_OBJECT = r"^\s*\{"
_NUMBER = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"

MEANINGS = {
    "missing": "an export has the column",
    "null": "a row has a value",
    "not_a_number": "a value is a number: digits, maybe a point or an exponent, and no currency",
    "negative": "a unit price is not below 0, unless the row corrects another",
    "not_utc": "a time is written as 2026-09-01T00:00:00Z",
    "not_a_currency": "a currency is written as three capital letters, as ISO 4217 has it",
    "not_an_object": "a value is a JSON object",
    "not_allowed": "a value is one of those that FOCUS lists",
    "not_after_start": "a period ends after it starts",
    "not_null_without_id": "a name, type or status needs the id of what it tells of",
    "null_with_id": "what has a commitment discount has its category and type",
    "null_of_usage": "usage of a commitment discount has its status",
    "not_null_of_tax": "a tax has none",
    "not_null_of_others": "only usage, or what corrects it, has a consumed quantity",
    "null_with_quantity": "a quantity has a unit",
    "not_price_times_quantity": "the cost is the unit price times the pricing quantity",
}
"""What each rule asks for, by the second half of its name."""


def meaning(rule: str) -> str:
    """What a rule asks for."""
    return MEANINGS[rule.rpartition(".")[2]]


@dataclass(frozen=True)
class _Row:
    """The cells of a row as text, and as figures."""

    cells: Cells

    def has(self, name: str) -> Column:
        """Whether there is a value."""
        return self.cells.text(name).isNotNull()

    def lacks(self, name: str) -> Column:
        """Whether there is none."""
        return self.cells.text(name).isNull()

    def is_a(self, *categories: str) -> Column:
        """Whether the charge is of one of these categories."""
        return self.cells.text("ChargeCategory").isin(*categories)

    @property
    def is_correction(self) -> Column:
        """Whether the charge corrects another."""
        return F.coalesce(self.cells.text("ChargeClass") == "Correction", F.lit(False))


def missing(cells: Cells, version: str) -> list[str]:
    """The columns that an export of a version must have, and does not."""
    return [
        column.name
        for column in specification.columns_of(version)
        if column.is_required and key(column.name) not in cells.keys
    ]


def rule_names(cells: Cells, version: str) -> list[str]:
    """The rules that an export of a version is held against."""
    required = [column.name for column in specification.columns_of(version) if column.is_required]
    return [*(f"{name}.missing" for name in required), *rules(cells, version)]


def rules(cells: Cells, version: str) -> Mapping[str, Column]:
    """Whether a row breaks a rule, by the rule's name."""
    found: dict[str, Column] = {}
    for column in specification.columns_of(version):
        if key(column.name) in cells.keys:
            found |= {f"{column.name}.{rule}": is_so for rule, is_so in _of(column, cells).items()}
    between = {
        name: is_so
        for name, (others, is_so) in _between(_Row(cells)).items()
        if {key(name.partition(".")[0]), *map(key, others)} <= cells.keys
    }
    return found | between


def _of(column: specification.Column, cells: Cells) -> Mapping[str, Column]:
    value = cells.text(column.name)
    row = _Row(cells)
    found = {} if column.is_nullable else {"null": value.isNull()}
    if column.values:
        found["not_allowed"] = ~value.isin(*column.values)
    if column.kind in (specification.NUMBER, specification.PRICE):
        found["not_a_number"] = ~value.rlike(_NUMBER)
    if column.kind == specification.PRICE:
        found["negative"] = (cells.money(column.name) < 0) & ~row.is_correction
    if column.kind == specification.TIME:
        found["not_utc"] = ~value.rlike(_UTC)
    if column.kind == specification.CURRENCY:
        found["not_a_currency"] = ~value.rlike(_CURRENCY)
    if column.kind == specification.JSON:
        read = F.from_json(value, "map<string,string>")
        found["not_an_object"] = ~value.rlike(_OBJECT) | (value.isNotNull() & read.isNull())
    return found


def _between(row: _Row) -> Mapping[str, tuple[tuple[str, ...], Column]]:
    """Rules between columns: the others that they are about, and whether a row breaks it."""
    discount = "CommitmentDiscountId"
    found: dict[str, tuple[tuple[str, ...], Column]] = {
        f"{kind}PeriodEnd.not_after_start": (
            (f"{kind}PeriodStart",),
            row.cells.time(f"{kind}PeriodEnd") <= row.cells.time(f"{kind}PeriodStart"),
        )
        for kind in ("Billing", "Charge")
    }
    named = {
        discount: ("Category", "Name", "Status", "Type", "Quantity", "Unit"),
        "ResourceId": ("Name", "Type"),
        "RegionId": ("Name",),
        "SubAccountId": ("Name", "Type"),
        "CapacityReservationId": ("Status",),
    }
    for name, others in named.items():
        for other in others:
            told = f"{name.removesuffix('Id')}{other}"
            found[f"{told}.not_null_without_id"] = (name,), row.has(told) & row.lacks(name)
    for told in ("CommitmentDiscountCategory", "CommitmentDiscountType"):
        found[f"{told}.null_with_id"] = (discount,), row.lacks(told) & row.has(discount)
    is_usage = row.is_a("Usage")
    found["CommitmentDiscountStatus.null_of_usage"] = (
        (discount, "ChargeCategory"),
        row.lacks("CommitmentDiscountStatus") & row.has(discount) & is_usage,
    )
    for name in ("PricingQuantity", "PricingUnit", "SkuId", "SkuPriceId", "ListUnitPrice"):
        found[f"{name}.not_null_of_tax"] = ("ChargeCategory",), row.has(name) & row.is_a("Tax")
    found["ConsumedQuantity.not_null_of_others"] = (
        ("ChargeCategory",),
        row.has("ConsumedQuantity") & ~is_usage & ~row.is_correction,
    )
    for kind in ("Consumed", "Pricing"):
        quantity, unit = f"{kind}Quantity", f"{kind}Unit"
        found[f"{unit}.null_with_quantity"] = (quantity,), row.has(quantity) & row.lacks(unit)
    for kind in ("List", "Contracted"):
        others = f"{kind}UnitPrice", "PricingQuantity"
        found[f"{kind}Cost.not_price_times_quantity"] = others, _is_off(row, kind)
    return found


_CENT = 0.01


def _is_off(row: _Row, kind: str) -> Column:
    """Whether a cost is more than a cent off its price times its quantity, where nothing corrects.

    Doubles, as figures of any length have to be multiplied, and a cent forgives them.
    """
    cost, price, quantity = (
        row.cells.money(name).cast("double")
        for name in (f"{kind}Cost", f"{kind}UnitPrice", "PricingQuantity")
    )
    return (F.abs(cost - price * quantity) > _CENT) & ~row.is_correction
