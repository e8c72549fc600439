"""Charges gathered into costs, the one thing that all summaries of them are made of."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.invoices import INVOICE_TOTAL
from gristmill.cloud_costs.measures import REPORTED, summed
from gristmill.cloud_costs.rates import converted

_BY = (
    *("provider_name", "service_name", "x_product_code"),
    *("billing_account_id", "sub_account_id", "region_id"),
    *("charge_category", "charge_class", "x_line_item_type", "date"),
    *("commitment_discount_id", "commitment_discount_status", "tag_values"),
)
_LABELS = (
    *("sub_account_name", "region_name"),
    *("commitment_discount_name", "commitment_discount_category", "commitment_discount_type"),
    *("x_commitment_end", INVOICE_TOTAL),
)

UNCONTRACTED = "_uncontracted"
"""How many of the charges have a contracted cost that is unknown, which adds 0."""


def measured(charges: DataFrame, currency: str) -> DataFrame:
    """`charges` with the columns of `measures.SUMMED`, a row each.

    Where the reporting currency is empty, its columns are null; else charges have a `rates.RATE`.
    """
    nothing = {name: F.lit(None).cast(MONEY) for name in (*REPORTED, INVOICE_TOTAL)}
    known = converted() if currency else {}
    if INVOICE_TOTAL in charges.columns:
        known[INVOICE_TOTAL] = F.col(INVOICE_TOTAL)
    return charges.withColumns(
        nothing
        | known
        | {
            "charges": F.lit(1).cast("bigint"),
            "report_currency": F.lit(currency or None).cast("string"),
        }
    )


def totals(charges: DataFrame, currency: str) -> DataFrame:
    """What `charges` sum to in each period and currency."""
    return summed(measured(charges, currency), ())


def costs(
    charges: DataFrame,
    tag_keys: Sequence[str],
    currency: str,
    others: Sequence[str] = (),
    *,
    any_case: bool = False,
) -> DataFrame:
    """`charges` summed by all that any summary is by, and by `others` of their columns.

    `tag_values` has a value for each key, null where it is empty or there is no such tag. With
    `any_case` a tag whose name differs from the key in case alone is one as well, after that of
    the key's own spelling, and in the order of their names.
    """
    values = [tag_value(key, any_case=any_case) for key in tag_keys]
    found = summed(
        measured(charges, currency).withColumns(
            {
                "date": F.to_date("charge_period_start"),
                "tag_values": F.array(*values).cast("array<string>"),
            }
        ),
        (*_BY, *others),
        _LABELS,
        F.count_if(F.col("contracted_cost").isNull()).alias(UNCONTRACTED),
    )
    return found.withColumn("service_name", _service())


def tag_value(key: str, column: str = "tags", *, any_case: bool = False) -> Column:
    """The value of a tag, null where it is blank or there is none; see `costs` for `any_case`."""
    exact = F.try_element_at(column, F.lit(key))
    value = F.when(F.trim(exact) != "", exact)
    if not any_case:
        return value
    others = F.filter(
        F.map_entries(column),
        lambda tag: (F.lower(tag["key"]) == F.lower(F.lit(key))) & (F.trim(tag["value"]) != ""),
    )
    return F.coalesce(value, F.try_element_at(F.array_sort(others), F.lit(1))["value"])


def _service() -> Column:
    """The service, also where a line has but the code of its product for a name."""
    name, code = F.col("service_name"), F.col("x_product_code")
    same = Window.partitionBy("export", "provider_name", "x_product_code")
    named = F.max(F.when(name != code, name)).over(same)
    return F.when(name == code, F.coalesce(named, name)).otherwise(name)
