"""Web traffic by the hour and by the day: how much, by whom, and for what."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import ByDay, Job, main, option
from gristmill.readers.logs.http import views
from gristmill.web_traffic import counted, datasets, ranked
from gristmill.web_traffic.requests import (
    AGENTS,
    NONE,
    OfDatasets,
    TrafficOptions,
    asked,
    reach,
)


@dataclass(frozen=True)
class TrafficSummaryOptions(TrafficOptions):
    """Which traffic, and how much of it to keep."""

    top: int = option(100, minimum=1, help="how many paths to keep for each day")
    agents: str = AGENTS


def summarise(requests: DataFrame, options: TrafficSummaryOptions) -> Mapping[str, DataFrame]:
    """Rows of `gristmill.readers.logs.http.views` to rows of the datasets."""
    found = asked(requests, options)
    return {
        datasets.TRAFFIC_HOURLY.name: counted.hourly(found),
        datasets.TRAFFIC_CLIENTS.name: counted.clients(found),
        datasets.TRAFFIC_AGENTS.name: counted.agents(found, listed=options.agents != NONE),
        datasets.TOP_PATHS.name: ranked.top_paths(found, options.top),
    }


JOB = Job(
    name="traffic-summary",
    help="Summarise HTTP requests by hour, by path and by kind of agent.",
    options=TrafficSummaryOptions,
    reads=OfDatasets(tuple(views().values())),
    writes=datasets.SUMMARY,
    transform=summarise,
    by_day=ByDay[TrafficSummaryOptions]("date", source="dataset", reach=reach),
)

if __name__ == "__main__":
    main(JOB)
