"""What every summary of charges has in common: its measures, and what they may be summed over."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.model.dataset import Dataset, Field

MEASURES = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
"""The costs of FOCUS, which every summary holds side by side."""

REPORTED = tuple(f"report_{name}" for name in MEASURES)
"""The same in the reporting currency."""

SUMMED = (*MEASURES, *REPORTED, "charges")

PERIOD = ("export", "billing_period")
"""The partition of every summary."""

TOTAL = (*PERIOD, "billing_currency")
"""What costs are never summed across."""

_HELP = {
    "billed_cost": "what is invoiced",
    "effective_cost": "amortized: commitments by their use, and not as they are paid",
    "list_cost": "at list prices",
    "contracted_cost": "at contracted prices, before commitment discounts",
}


def table(name: str, text: str, by: Sequence[Field], *others: Field) -> Dataset:
    """The dataset of a summary: costs of a period and currency `by` some columns, then `others`."""
    return Dataset(
        name=name,
        help=text,
        fields=(
            *by,
            Field("billing_currency", "string", "currency of the costs, ISO 4217"),
            *(
                Field(name, MONEY, f"{text}; an unknown cost adds 0")
                for name, text in _HELP.items()
            ),
            Field("charges", "bigint", "how many charges"),
            *others,
            Field("report_currency", "string", "currency of report_…; null without --rates"),
            *(
                Field(f"report_{name}", MONEY, f"{name} in the reporting currency")
                for name in MEASURES
            ),
            Field("export", "string", "which export"),
            Field("billing_period", "string", "month of the billing period: yyyy-MM"),
        ),
        partitioned_by=PERIOD,
        write_mode="partition",
        key=(*TOTAL, *(field.name for field in by)),
        sorted_by=("billing_currency", *(field.name for field in by)),
    )


def label(name: str, text: str) -> Field:
    """A column that says more of those that a summary is by, and does not part its rows."""
    return Field(name, "string", f"{text}; the last in the alphabet, where it has several")


def summed(
    costs: DataFrame, by: Sequence[str], labels: Sequence[str] = (), *others: Column
) -> DataFrame:
    """`costs`, which have the columns of `SUMMED`, summed `by` columns in each period and currency,
    with `others`, aggregates too.

    Null adds 0, but a reporting currency that is not asked for stays null.
    """
    return costs.groupBy(*TOTAL, "report_currency", *by).agg(
        *(sum_of(name) for name in MEASURES),
        *(F.sum(name).alias(name) for name in (*REPORTED, "charges")),
        *(F.max(name).alias(name) for name in labels),
        *others,
    )


def sum_where(holds: Column, cost: str, name: str) -> Column:
    """The sum of a cost where something holds; null adds 0."""
    return F.coalesce(F.sum(F.when(holds, F.col(cost))), F.lit(0)).cast(MONEY).alias(name)


def sum_of(name: str) -> Column:
    """The sum of a cost; null adds 0."""
    return F.coalesce(F.sum(name), F.lit(0)).cast(MONEY).alias(name)
