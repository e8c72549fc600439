"""Web traffic by the day in detail: who asked most, from where, what failed, and what was slow."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import ByDay, DatasetsReader, Job, main, option
from gristmill.readers.logs.http import views
from gristmill.web_traffic import datasets, ranked
from gristmill.web_traffic.requests import TrafficOptions, asked, reach


@dataclass(frozen=True)
class TrafficDetailsOptions(TrafficOptions):
    """Which traffic, and how much of it to keep."""

    top: int = option(100, minimum=1, help="how many paths, clients and pages to keep for each day")
    timed: int = option(
        1, minimum=1, help="how many requests with a time the slowest paths have at the least"
    )


def detail(requests: DataFrame, options: TrafficDetailsOptions) -> Mapping[str, DataFrame]:
    """Rows of `gristmill.readers.logs.http.views` to rows of the datasets."""
    found, top = asked(requests, options), options.top
    return {
        datasets.TOP_CLIENTS.name: ranked.top_clients(found, top),
        datasets.TOP_REFERERS.name: ranked.top_referers(found, top),
        datasets.ERRORS_BY_PATH.name: ranked.errors_by_path(found, top),
        datasets.SLOWEST_PATHS.name: ranked.slowest_paths(found, top, options.timed),
    }


JOB = Job(
    name="traffic-details",
    help="Find who asks most, where requests come from, what fails and what is slow.",
    options=TrafficDetailsOptions,
    reads=DatasetsReader(tuple(views().values())),
    writes=datasets.DETAILS,
    transform=detail,
    by_day=ByDay[TrafficDetailsOptions]("date", source="dataset", reach=reach),
)

if __name__ == "__main__":
    main(JOB)
