"""The datasets of summaries of traffic."""

from gristmill.model.dataset import Dataset, Field
from gristmill.readers.logs.agents import KINDS

DATASET = Field("dataset", "string", "where the requests come from, such as web_requests")
DATE = Field("date", "date", "day, UTC or of --zone")
PERCENTILES = (50, 95, 99)

_REQUESTS = Field("requests", "bigint", "how many requests")
_BYTES = Field("bytes", "bigint", "sum of the sizes of their answers; an unknown size counts 0")
_CLIENT_ERRORS = Field("client_errors", "bigint", "how many were answered with 4xx")
_SERVER_ERRORS = Field("server_errors", "bigint", "how many were answered with 5xx")
_RANK = "1 for the {} with the most {}; ties by {}"
_LEAST = "the least time that {} % of the requests with a time took no longer than"
_DAY = ("dataset", "date")


def _summary(name: str, help_: str, fields: tuple[Field, ...], by: tuple[str, ...]) -> Dataset:
    return Dataset(
        name=name,
        help=help_,
        fields=(*fields, DATASET, DATE),
        partitioned_by=_DAY,
        key=(*_DAY, *by),
        sorted_by=by,
        write_mode="partition",
    )


TRAFFIC_HOURLY = _summary(
    "traffic_hourly",
    "Requests by hour, class of status and method.",
    (
        Field("hour", "int", "hour of the day, 0 to 23, UTC or of --zone"),
        Field("status_class", "string", "2xx, 3xx, 4xx …; null where no status was logged"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        _REQUESTS,
        _BYTES,
        Field("clients", "bigint", "how many different clients; no sum: see traffic_clients"),
        *(
            Field(f"seconds_p{percent}", "double", _LEAST.format(percent))
            for percent in PERCENTILES
        ),
    ),
    by=("hour", "status_class", "method"),
)

TRAFFIC_CLIENTS = _summary(
    "traffic_clients",
    "How many different clients there were, in each hour and on each day.",
    (
        Field("hour", "int", "hour of the day, 0 to 23, as in traffic_hourly; null for the day"),
        Field(
            "clients",
            "bigint",
            "how many different clients, exactly; those of hours, which may "
            "be the same ones, cannot be added up",
        ),
    ),
    by=("hour",),
)

TRAFFIC_AGENTS = _summary(
    "traffic_agents",
    "Requests of people, bots, health checks and scanners on each day.",
    (
        Field("agent_kind", "string", f"who asked, by the user agent: {', '.join(KINDS)}"),
        _REQUESTS,
        _BYTES,
        Field("clients", "bigint", "how many different clients"),
        _CLIENT_ERRORS,
        _SERVER_ERRORS,
    ),
    by=("agent_kind",),
)

TOP_PATHS = _summary(
    "top_paths",
    "The paths that were asked for most on each day.",
    (
        Field("rank", "int", _RANK.format("path", "requests", "path")),
        Field("path", "string", "target of the request up to the first ?"),
        _REQUESTS,
        _BYTES,
    ),
    by=("rank",),
)

TOP_CLIENTS = _summary(
    "top_clients",
    "The clients that asked most on each day.",
    (
        Field("rank", "int", _RANK.format("client", "requests", "client")),
        Field("client", "string", "address or host name of the client"),
        _REQUESTS,
        _BYTES,
        _CLIENT_ERRORS,
        _SERVER_ERRORS,
    ),
    by=("rank",),
)

TOP_REFERERS = _summary(
    "top_referers",
    "The pages that most requests came from on each day.",
    (
        Field("rank", "int", _RANK.format("page", "requests", "referer")),
        Field("referer", "string", "Referer header up to the first ? or #"),
        _REQUESTS,
    ),
    by=("rank",),
)

ERRORS_BY_PATH = _summary(
    "errors_by_path",
    "The paths with the most errors on each day.",
    (
        Field("rank", "int", _RANK.format("path", "answers of 4xx and 5xx", "path")),
        Field("path", "string", "target of the request up to the first ?"),
        _REQUESTS,
        _CLIENT_ERRORS,
        _SERVER_ERRORS,
    ),
    by=("rank",),
)

SLOWEST_PATHS = _summary(
    "slowest_paths",
    "The paths that took longest on each day.",
    (
        Field("rank", "int", "1 for the path with the largest seconds_p95; ties by path"),
        Field("path", "string", "target of the request up to the first ?"),
        Field("requests", "bigint", "how many requests with a time: --timed at the least"),
        Field("seconds_p50", "double", _LEAST.format(50)),
        Field("seconds_p95", "double", _LEAST.format(95)),
        Field("seconds_max", "double", "the longest"),
        Field("seconds_total", "double", "what all of them took"),
    ),
    by=("rank",),
)

SUMMARY = (TRAFFIC_HOURLY, TRAFFIC_CLIENTS, TRAFFIC_AGENTS, TOP_PATHS)
DETAILS = (TOP_CLIENTS, TOP_REFERERS, ERRORS_BY_PATH, SLOWEST_PATHS)
