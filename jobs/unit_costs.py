"""What a unit costs by day: costs by a measure of any dataset, such as requests or bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill import Dataset, DatasetReader, Field, Job, Options, main, option
from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.measures import PERIOD
from gristmill.cloud_costs.summary import COST_DAILY
from gristmill.errors import InputError, UsageError
from gristmill.model.job import Reading
from gristmill.readers.published import published_rows

UNIT_COSTS = Dataset(
    name="unit_costs",
    help="What a unit costs by day: costs by a measure of another dataset.",
    fields=(
        Field("date", "date", "the day, UTC"),
        Field("billing_currency", "string", "currency of the costs, ISO 4217"),
        Field("effective_cost", MONEY, "effective cost of the day; null where it has none"),
        Field("quantity", "double", "the measure of the day; null where it has none"),
        Field("unit_cost", "double", "the one by the other; null where one is missing, or 0 units"),
        Field("name", "string", "what it is called: --name, or the measure"),
        Field("export", "string", "which export"),
        Field("billing_period", "string", "month of the day: yyyy-MM"),
    ),
    partitioned_by=("name", *PERIOD),
    write_mode="partition",
    key=("name", *PERIOD, "date", "billing_currency"),
    sorted_by=("date", "billing_currency"),
)


@dataclass(frozen=True)
class UnitCostsOptions(Options):
    """Which costs are divided by what."""

    per: str = option(
        "",
        metavar="DATASET.COLUMN",
        pattern=r"(\w+\.\w+)?",
        help="what to divide by: a column of numbers of a dataset with a column `date`",
    )
    name: str = option("", metavar="NAME", pattern=r"[\w. -]*", help="what to call it")
    divide_by: float = option(
        1.0, minimum=0, help="how much of the measure a unit is: 1e9 makes gigabytes of bytes"
    )
    provider: tuple[str, ...] = option(
        (), metavar="NAME", help="whose costs count; all by default; repeatable"
    )
    service: tuple[str, ...] = option(
        (), metavar="NAME", help="which services' costs count; all by default; repeatable"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.per:
            raise UsageError("--per is missing: what to divide by, as traffic_hourly.requests")
        if not self.divide_by:
            raise UsageError("--divide-by takes a number above 0")


class CostsAndMeasureReader(DatasetReader):
    """A reader of `COST_DAILY`, and of the measure of each day beside it."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """Rows of costs, and rows of quantities. Raises `InputError` where there are none."""
        reading = super().read(spark, inputs, options)
        name, _, column = options.per.partition(".")
        frames = [published_rows(spark, name, uri) for uri in inputs]
        costs = reading.rows.select(*_COSTS, F.lit(None).cast("double").alias("quantity"))
        nothing = [F.lit(None).cast(costs.schema[one].dataType).alias(one) for one in _COSTS[1:]]
        for frame in frames:
            missing = [one for one in ("date", column) if one not in frame.columns]
            if missing:
                raise InputError(
                    f"{name} has no column {' nor '.join(missing)}: {', '.join(frame.columns)}"
                )
            kind = dict(frame.dtypes)[column]
            if kind.partition("(")[0] not in _NUMBERS:
                raise InputError(f"{name}.{column} is no number to divide by, but {kind}")
            by_day = frame.groupBy("date").agg(F.sum(column).cast("double").alias("quantity"))
            costs = costs.unionByName(by_day.select("date", *nothing, "quantity"))
        return Reading(costs, reading.notes)


_COSTS = (
    *("date", "export", "billing_currency", "provider_name", "service_name"),
    "effective_cost",
)
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


def divide(rows: DataFrame, options: UnitCostsOptions) -> Mapping[str, DataFrame]:
    """Rows of the reader to rows of `UNIT_COSTS`."""
    costs = rows.where(F.col("export").isNotNull() & F.col("date").isNotNull())
    for column, wanted in (("provider_name", options.provider), ("service_name", options.service)):
        if wanted:
            costs = costs.where(F.col(column).isin(list(wanted)))
    quantity = F.sum("quantity") / F.lit(options.divide_by)
    quantities = (
        rows.where(F.col("quantity").isNotNull()).groupBy("date").agg(quantity.alias("quantity"))
    )
    daily = costs.groupBy("export", "billing_currency", "date").agg(
        F.sum("effective_cost").cast(MONEY).alias("effective_cost")
    )
    series = daily.select("export", "billing_currency").distinct()
    found = series.crossJoin(quantities).join(daily, ["export", "billing_currency", "date"], "full")
    return {
        UNIT_COSTS.name: found.withColumns(
            {
                # A ratio, not an amount: units may be tiny, or very many.
                "unit_cost": F.try_divide(F.col("effective_cost").cast("double"), "quantity"),
                "name": F.lit(options.name or options.per),
                "billing_period": F.date_format("date", "yyyy-MM"),
            }
        )
    }


JOB = Job(
    name="unit-costs",
    help="Divide costs by requests, bytes or any measure of a dataset, by day.",
    options=UnitCostsOptions,
    reads=CostsAndMeasureReader(COST_DAILY),
    writes=(UNIT_COSTS,),
    transform=divide,
    scope=lambda options: {"name": options.name or options.per},
)

if __name__ == "__main__":
    main(JOB)
