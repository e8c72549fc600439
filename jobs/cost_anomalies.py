"""Days on which the cost of a service leaves its usual band."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import DataFrame

from gristmill import DatasetReader, Job, Options, main, option
from gristmill.cloud_costs.bands import COST_ANOMALIES, anomalies, bands, daily_usage
from gristmill.cloud_costs.summary import COST_DAILY


@dataclass(frozen=True)
class CostAnomaliesOptions(Options):
    """What is usual, and how much has to be missed of it."""

    window_days: int = option(30, minimum=3, help="how many days before a day say what is usual")
    threshold: float = option(
        3.5, minimum=0, help="how far the band reaches, in MADs times 1.4826 about the median"
    )
    minimum_amount: str = option(
        "1",
        pattern=r"\d{1,18}(\.\d{1,18})?",
        metavar="AMOUNT",
        help="leave out what is less off, in the currency billed",
    )


def with_bands(daily: DataFrame, options: CostAnomaliesOptions) -> DataFrame:
    """Rows of `COST_DAILY` to each service's days with their bands, all of them."""
    return bands(daily_usage(daily), options.window_days, Decimal(str(options.threshold)))


def find(banded: DataFrame, options: CostAnomaliesOptions) -> Mapping[str, DataFrame]:
    """Rows that `with_bands` gives to rows of `COST_ANOMALIES`."""
    return {COST_ANOMALIES.name: anomalies(banded, Decimal(options.minimum_amount))}


JOB = Job(
    name="cost-anomalies",
    help="Find the days on which a service's cost leaves its usual band.",
    options=CostAnomaliesOptions,
    reads=DatasetReader(COST_DAILY),
    writes=(COST_ANOMALIES,),
    transform=find,
    shared=with_bands,
)

if __name__ == "__main__":
    main(JOB)
