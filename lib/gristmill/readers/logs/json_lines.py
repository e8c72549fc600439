"""Access logs as JSON, an object a line: each logger has its keys (`json_loggers`)."""

import json
from collections.abc import Sequence
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers.logs import format as log
from gristmill.readers.logs import prefix, values
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.json_loggers import (
    CADDY,
    ENVOY,
    PLAIN,
    TRAEFIK,
    UNITS,
    WAF,
    Logger,
)
from gristmill.readers.logs.json_text import STRICT
from gristmill.readers.logs.requested import any_time, apart, http_request
from gristmill.readers.logs.server import HTTP, SERVER_REQUESTS, request_rows
from gristmill.readers.text.lines import ORIGIN, RAW

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "bad_json", "not_this_format", "bad_timestamp", "bad_status"),
    *("bad_bytes", "bad_number", "bad_address"),
)
_NUMBER = r"^[0-9]{1,18}(?:\.[0-9]{1,17})?(?:[eE]-?[0-9]{1,2})?\z"
_ADDRESS = rf"(?:{values.ADDRESS}|{values.HOST}|unix:|@)"
_WITH_PORT = rf"^\[?({values.IPV6}|{values.IPV4})\]?:[0-9]{{1,5}}\z"


def parse(lines: DataFrame, _header: Header | None, logger: Logger) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `SERVER_REQUESTS`, or a reason why not."""
    text = prefix.without(F.col(RAW))
    rows = lines.select(*ORIGIN, F.from_json(text, "map<string,string>", STRICT).alias("_all"))
    found = {name: _value(keys) for name, keys in logger.keys.items()}
    rows = rows.select(*ORIGIN, "_all", *(value.alias(f"_{name}") for name, value in found.items()))
    rows = rows.withColumn("timestamp", any_time(F.col("_timestamp"), logger.epoch))
    if "request" in found:
        rows = rows.withColumn("_asked", http_request(F.col("_request")))
    return request_rows(rows, _columns(logger), _reason(logger))


def _value(keys: Sequence[str]) -> Column:
    """What stands under the first of some keys that is there, as text."""
    found = []
    for key in keys:
        first, _, rest = key.partition(".")
        whole = F.col("_all")[first]
        if rest:
            parts = "".join(f"['{part}']" for part in rest.removesuffix("[0]").split("."))
            whole = F.get_json_object(whole, f"${parts}{'[0]' if rest.endswith('[0]') else ''}")
        found.append(log.text(whole))
    return F.coalesce(*found)


def _columns(logger: Logger) -> dict[str, Column]:
    keys = logger.keys
    found = {
        name: F.col(f"_{name}")
        for name in keys
        if name not in {"timestamp", "target", "request", "seconds", "upstream_seconds"}
    }
    found["client"] = _client()
    path, query = apart(F.col("_target"))
    if "query" in keys:
        query = F.coalesce(F.col("_query"), query)
    asked = {"path": path, "query": query, **{one: found[one] for one in ("method", "protocol")}}
    if "request" in keys:
        line = apart(F.get("_asked", F.lit(1)))
        of_line = (*line, F.get("_asked", F.lit(0)), F.get("_asked", F.lit(2)))
        for name, value in zip(("path", "query", "method", "protocol"), of_line, strict=True):
            asked[name] = F.coalesce(value, asked[name])
    scale = F.lit(UNITS[logger.unit]).cast("decimal(10,9)")
    for name in ("seconds", "upstream_seconds"):
        if name in keys:
            number = F.col(f"_{name}").try_cast("decimal(28,10)")
            found[name] = (number * scale).cast("double")
    used = {key.partition(".")[0] for some in keys.values() for key in some}
    more = F.map_filter(
        F.col("_all"),
        lambda key, value: ~key.isin(*sorted(used)) & log.text(value).isNotNull(),
    )
    return {**found, **asked, "more": more}


def _client() -> Column:
    """The address, without a port behind it."""
    bare = F.regexp_extract("_client", _WITH_PORT, 1)
    return F.when(bare != "", bare).otherwise(F.col("_client"))


def _reason(logger: Logger) -> Column:
    """The code of the first rule that a line breaks, or null."""
    keys = F.map_keys("_all")
    is_double = F.size(F.array_distinct(keys)) < F.size(keys)
    broken = {
        "bad_json": F.col("_all").isNull() | is_double,
        "not_this_format": ~F.array_contains(keys, _mark(logger)),
        "bad_timestamp": F.col("timestamp").isNull(),
        "bad_status": F.col("_status").isNotNull() & ~F.col("_status").rlike(values.STATUS),
        "bad_number": log.any_of(
            F.col(f"_{name}").isNotNull() & ~F.col(f"_{name}").rlike(shape)
            for name, shape in (
                *(("seconds", _NUMBER), ("upstream_seconds", _NUMBER)),
                ("port", r"^[0-9]{1,5}\z"),
            )
            if name in logger.keys
        ),
        "bad_bytes": log.any_of(
            F.col(f"_{name}").isNotNull() & ~F.col(f"_{name}").rlike(r"^[0-9]{1,18}\z")
            for name in ("bytes",)
            if name in logger.keys
        ),
        "bad_address": F.col("_client").isNotNull() & ~_client().rlike(values.whole(_ADDRESS)),
    }
    return log.reason(REJECTS, broken)


def _mark(logger: Logger) -> str:
    """The key that says of an object that it is of a request at all."""
    return logger.marks[-1] if logger.name != PLAIN.name else logger.keys["status"][0]


def matches(line: str, logger: Logger) -> bool:
    """Whether a line is an object with the keys of a logger, and a time."""
    plain = prefix.peeled(line) or line
    if not plain.startswith("{"):
        return False
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        return False
    has = [
        any(found.get(key.partition(".")[0]) for key in logger.keys[name]) for name in logger.has
    ]
    return all(has) and all(mark in found for mark in logger.marks)


def json_format(logger: Logger) -> LogFormat:
    """A logger as a format of logs."""
    return LogFormat(
        name=logger.name,
        help=logger.help,
        dataset=SERVER_REQUESTS,
        rejects=REJECTS,
        matches=partial(matches, logger=logger),
        parse=partial(parse, logger=logger),
        http=HTTP,
    )


FORMATS = tuple(map(json_format, (CADDY, TRAEFIK, ENVOY, WAF, PLAIN)))
