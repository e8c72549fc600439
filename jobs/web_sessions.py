"""Visits to a web server: the requests of a client until it has been silent for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill import ByDay, Dataset, Field, Job, Options, main, option
from gristmill.model.job import Days
from gristmill.readers.logs.agents import KINDS, with_agent_kind
from gristmill.readers.logs.proxies import TRUSTED_PROXY, behind_proxies, ranges
from gristmill.readers.logs.web import WEB_REQUESTS
from gristmill.web_traffic.requests import AGENTS, NONE, OfOneDataset

_DAY = timedelta(days=1)

WEB_SESSIONS = Dataset(
    name="web_sessions",
    help="Sessions: requests of one client and user agent without a long silence between them.",
    fields=(
        Field("client", "string", "address or host name of the client"),
        Field("user_agent", "string", "User-Agent header"),
        Field("start", "timestamp", "first request, UTC"),
        Field("end", "timestamp", "last request, UTC"),
        Field("requests", "bigint", "how many requests"),
        Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0"),
        Field("entry_path", "string", "path of the first request that has one"),
        Field("exit_path", "string", "path of the last request that has one"),
        Field(
            "agent_kind",
            "string",
            f"who asked, by the user agent: {', '.join(KINDS)}; who reads /robots.txt is a bot",
        ),
        Field("date", "date", "day on which it started, UTC"),
    ),
    partitioned_by=("date",),
    key=("date", "client", "user_agent", "start"),
    sorted_by=("start", "client", "user_agent"),
    write_mode="partition",
)


@dataclass(frozen=True)
class WebSessionsOptions(Options):
    """What parts one session from the next."""

    gap_minutes: int = option(
        30, minimum=1, help="minutes of silence after which a request starts another session"
    )
    agents: str = AGENTS
    trusted_proxy: tuple[str, ...] = TRUSTED_PROXY

    def __post_init__(self) -> None:
        super().__post_init__()
        ranges(self.trusted_proxy)


def sessions(requests: DataFrame, options: WebSessionsOptions) -> Mapping[str, DataFrame]:
    """Rows of `WEB_REQUESTS` to rows of `WEB_SESSIONS`."""
    requests = behind_proxies(requests, options.trusted_proxy)
    client = ("client", "user_agent")
    order = Window.partitionBy(*client).orderBy("timestamp")
    silence = F.unix_seconds("timestamp") - F.unix_seconds(F.lag("timestamp").over(order))
    starts = F.when(silence > options.gap_minutes * 60, 1).otherwise(0)
    numbered = requests.withColumn("_starts", starts)
    numbered = numbered.withColumn("_session", F.sum("_starts").over(order))

    # Of requests in the same second, by their paths: a rerun gives the same.
    moment = F.when(F.col("path").isNotNull(), F.struct("timestamp", "path"))
    found = numbered.groupBy(*client, "_session").agg(
        F.min("timestamp").alias("start"),
        F.max("timestamp").alias("end"),
        F.count(F.lit(1)).alias("requests"),
        F.coalesce(F.sum("bytes"), F.lit(0)).alias("bytes"),
        F.min(moment)["path"].alias("entry_path"),
        F.max(moment)["path"].alias("exit_path"),
        F.coalesce(F.bool_or(F.col("path") == "/robots.txt"), F.lit(False)).alias("_obeys"),
    )
    told = with_agent_kind(found, listed=options.agents != NONE)
    anybody = F.col("_obeys") & F.col("agent_kind").isin("human", "unknown")
    kind = F.when(anybody, "bot").otherwise(F.col("agent_kind"))
    told = told.withColumns({"agent_kind": kind, "date": F.to_date("start")})
    return {WEB_SESSIONS.name: told}


def reach(
    published: Mapping[str, DataFrame], days: Days, options: WebSessionsOptions
) -> tuple[Days, Days] | None:
    """The days whose sessions are others where requests of `days` are, and the days to read.

    A session belongs to the day on which it starts, and may go on for many more. Where no gap is
    as long as a day, requests of days that have not changed follow each other in the same session
    as before. So what begins anew, or is joined to a day that has changed, began no earlier than
    the session that was there on the day before; and it goes on no longer than the sessions did
    that reached beyond the day after.
    """
    if options.gap_minutes >= 24 * 60:
        return None
    spans = published[WEB_SESSIONS.name].select(
        F.col("date").alias("first"), F.to_date("end").alias("last")
    )
    runs = _runs(days)
    edges = []
    for number, (begin, end) in enumerate(runs):
        before, beyond = begin - _DAY, end + 2 * _DAY
        joins = (F.col("first") <= F.lit(end)) & (F.col("last") >= F.lit(before))
        goes_on = (F.col("first") < F.lit(beyond)) & (F.col("last") >= F.lit(beyond))
        edges += [
            F.min(F.when(joins, F.col("first"))).alias(f"first_{number}"),
            F.max(F.when(goes_on, F.col("last"))).alias(f"last_{number}"),
        ]
    found = spans.agg(*edges).collect()[0]
    targets: set[date] = set()
    reads: set[date] = set()
    for number, (begin, end) in enumerate(runs):
        first = min(found[f"first_{number}"] or begin, begin - _DAY)
        last = max(found[f"last_{number}"] or end, end + _DAY)
        targets |= _days(first, end + _DAY)
        reads |= _days(first - _DAY, last)
    return targets, reads


def _runs(days: Days) -> list[tuple[date, date]]:
    """Runs of days, first and last; two that have no three days between them are one."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] <= 4 * _DAY:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _days(first: date, last: date) -> set[date]:
    return {first + number * _DAY for number in range((last - first).days + 1)}


JOB = Job(
    name="web-sessions",
    help="Find the sessions in web requests.",
    options=WebSessionsOptions,
    reads=OfOneDataset(WEB_REQUESTS),
    writes=(WEB_SESSIONS,),
    transform=sessions,
    by_day=ByDay("date", reach=reach),
)

if __name__ == "__main__":
    main(JOB)
