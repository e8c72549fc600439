"""Events in which the cost of a service was not what it was expected to be."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import DatasetReader, Job, Options, main, option
from gristmill.cloud_costs.anomalies.events import Limits
from gristmill.cloud_costs.anomalies.table import COST_ANOMALIES, anomalies, daily_usage
from gristmill.cloud_costs.charges import CHARGES


@dataclass(frozen=True)
class CostAnomaliesOptions(Options):
    """How far a day has to be off to be told of."""

    threshold: float = option(
        6.0, minimum=0, help="leave out what is less off than so many times the usual"
    )
    minimum_share: float = option(
        0.15, minimum=0, help="leave out what is less off than this share of the usual cost"
    )
    minimum_amount: str = option(
        "1",
        pattern=r"\d{1,15}(\.\d{1,18})?",
        metavar="AMOUNT",
        help="leave out what is less off, in the currency billed",
    )
    tag: tuple[str, ...] = option(
        (), pattern=r".*\S.*", metavar="KEY", help="a tag to tell who made an event by; repeatable"
    )


def usage(charges: DataFrame, options: CostAnomaliesOptions) -> DataFrame:
    """Rows of `CHARGES` to what usage costs a day."""
    return daily_usage(charges, tuple(dict.fromkeys(options.tag)))


def find(daily: DataFrame, options: CostAnomaliesOptions) -> Mapping[str, DataFrame]:
    """Rows that `usage` gives to rows of `COST_ANOMALIES`."""
    limits = Limits(options.threshold, options.minimum_share, float(options.minimum_amount))
    return {COST_ANOMALIES.name: anomalies(daily, limits)}


JOB = Job(
    name="cost-anomalies",
    help="Find spikes, steps, growth, starts and ends in what services cost.",
    options=CostAnomaliesOptions,
    reads=DatasetReader(CHARGES),
    writes=(COST_ANOMALIES,),
    transform=find,
    shared=usage,
)

if __name__ == "__main__":
    main(JOB)
