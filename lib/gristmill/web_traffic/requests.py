"""Which requests jobs sum up, and by what: the options that they share, and their readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill.model.job import Days
from gristmill.model.options import Options, option
from gristmill.readers.local_time import check_zone
from gristmill.readers.logs.agents import LIST, installed_list
from gristmill.readers.logs.http import views
from gristmill.readers.logs.proxies import TRUSTED_PROXY, behind_proxies, ranges
from gristmill.readers.published import ALL, DatasetReader, DatasetsReader
from gristmill.web_traffic.local_days import UTC, in_zone, reached

AUTO, NONE = "auto", "none"
AGENTS: str = option(
    AUTO,
    metavar="LIST",
    pattern=rf"{AUTO}|{NONE}|{LIST}.*",
    help=f"the list that tells bots from people: {NONE}, or {LIST} where that is installed",
)
"""The option of such jobs. A run writes down which list it went by: where another one is there
later, all is made again."""


class _AgentsApart:
    """For readers of jobs that have the option `agents`."""

    def resolve(
        self, _spark: SparkSession, _inputs: Sequence[str], options: Any
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The list of bots that is here."""
        if options.agents == NONE:
            return {}, ()
        found = installed_list()
        note = f"bots: {LIST} is not installed, so few are told from people (gristmill[agents])"
        return {"agents": found or NONE}, () if found else (note,)


class OfOneDataset(_AgentsApart, DatasetReader):
    """As `DatasetReader`."""


class OfDatasets(_AgentsApart, DatasetsReader):
    """As `DatasetsReader`."""


@dataclass(frozen=True)
class TrafficOptions(Options):
    """Which requests are summed up, and how they are looked at."""

    dataset: str = option(ALL, choices=(ALL, *views()), help="which requests to summarise")
    zone: str = option(UTC, metavar="NAME", help="zone of days and hours, such as Europe/Berlin")
    trusted_proxy: tuple[str, ...] = TRUSTED_PROXY

    def __post_init__(self) -> None:
        super().__post_init__()
        ranges(self.trusted_proxy)
        check_zone(self.zone)


def asked(requests: DataFrame, options: TrafficOptions) -> DataFrame:
    """Rows of `readers.logs.http.views` with their real clients, and the `date` and `hour` of the
    zone."""
    return in_zone(behind_proxies(requests, options.trusted_proxy), options.zone)


def reach(
    _published: Mapping[str, DataFrame], days: Days, options: TrafficOptions
) -> tuple[Days, Days]:
    """The days to make again where requests of `days`, UTC, have changed, and those to read."""
    return reached(days, options.zone)
