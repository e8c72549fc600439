"""Logs of Microsoft IIS: the W3C extended format, by its `#Fields`.

https://www.w3.org/TR/WD-logfile.html,
https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging.

Times are UTC, the time taken is in milliseconds, and a space in a value is a `+`: one that was a
plus cannot be told from it, and stays as it is but in the user agent. A directive that names other
columns half-way fails the run by name.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers.logs import columns as named
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.columns import Columns
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.server import HTTP, SERVER_REQUESTS, request_rows
from gristmill.readers.text.lines import RAW

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "not_this_format", "wrong_fields", "bad_timestamp", "bad_status"),
    *("bad_number", "bad_address", "bad_value"),
)
_HEADER = "#Fields:"
_COLUMNS = {
    "c-ip": "client",
    "cs-username": "user",
    "cs-method": "method",
    "cs-uri-stem": "path",
    "cs-uri-query": "query",
    "cs-version": "protocol",
    "sc-status": "status",
    "sc-bytes": "bytes",
    "cs(Referer)": "referer",
    "cs(User-Agent)": "user_agent",
    "X-Forwarded-For": "forwarded_for",
    "cs-host": "vhost",
    "s-port": "port",
    "time-taken": "seconds",
}
# What IIS writes where nobody has chosen columns.
_DEFAULT = (
    *("date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "cs-username"),
    *("c-ip", "cs(User-Agent)", "cs(Referer)", "sc-status", "sc-substatus", "sc-win32-status"),
    "time-taken",
)
_WHOLE = {"status": "int", "bytes": "bigint", "port": "int"}
VALUES = {"method": values.METHOD, "protocol": values.PROTOCOL, "port": values.PORT}


def parse(lines: DataFrame, header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `SERVER_REQUESTS`, or a reason why not."""
    names = header or _DEFAULT
    columns = Columns(" ", dict(zip(names, names, strict=False)), _DEFAULT, (len(_DEFAULT),))
    pieces = named.pieces(columns, header)
    when = log.utc(F.concat(_piece(pieces, "date"), F.lit(" "), _piece(pieces, "time")))
    rows = named.apart(lines, columns, header).withColumn("timestamp", when)
    mine = {column: pieces[name] for name, column in _COLUMNS.items() if name in pieces}
    found: dict[str, Column] = {**mine}
    for name, type_ in _WHOLE.items():
        if name in mine:
            found[name] = log.number(mine[name], type_)
    if "seconds" in mine:
        found["seconds"] = log.number(mine["seconds"], "bigint") / F.lit(1000.0)
    if "user_agent" in mine:
        found["user_agent"] = F.replace(mine["user_agent"], F.lit("+"), F.lit(" "))
    entries = [
        part
        for name, piece in pieces.items()
        if name not in _COLUMNS and name not in {"date", "time"}
        for part in (F.lit(name), piece)
    ]
    if entries:
        some = F.create_map(*entries)
        found["more"] = F.map_filter(some, lambda _name, value: value.isNotNull())
    return request_rows(rows, found, _reason(mine, columns, header))


def _piece(pieces: dict[str, Column], name: str) -> Column:
    return pieces.get(name, F.lit(None).cast("string"))


def _reason(mine: dict[str, Column], columns: Columns, header: Header | None) -> Column:
    names = F.split(F.trim(F.substr(RAW, F.lit(len(_HEADER) + 1))), " +")
    is_header = named.is_header(names, header)
    numbers = ("bytes", "port", "seconds")
    return log.reason(
        REJECTS,
        {
            "not_this_format": F.size("_pieces") == 1,
            "wrong_fields": named.has_wrong_fields(columns, header),
            "bad_timestamp": F.col("timestamp").isNull(),
            "bad_status": ~_piece(mine, "status").rlike(values.STATUS),
            "bad_number": log.any_of(
                log.is_bad_number(mine[name], "bigint") for name in numbers if name in mine
            ),
            "bad_address": log.is_none_of(mine, {"client": values.ADDRESS}),
            "bad_value": log.is_none_of(mine, VALUES),
        },
        skipped=F.when(F.startswith(RAW, F.lit(_HEADER)), is_header).otherwise(
            F.startswith(RAW, F.lit("#"))
        ),
    )


def header_of(line: str) -> Header | None:
    """The names of the columns that follow, where a line gives them."""
    return tuple(line.removeprefix(_HEADER).split()) if line.startswith(_HEADER) else None


def matches(line: str) -> bool:
    """Whether a line names IIS's columns: without them nobody knows what a line has."""
    names = set(header_of(line) or ())
    return {"cs-method", "sc-status"} <= names and any(one.startswith("cs-uri") for one in names)


FORMATS = (
    LogFormat(
        name="iis",
        help="Microsoft IIS: W3C extended, by its #Fields",
        dataset=SERVER_REQUESTS,
        rejects=REJECTS,
        matches=lambda line: (
            matches(line) and not any(name.startswith("x-edge-") for name in header_of(line) or ())
        ),
        parse=parse,
        header=header_of,
        comment="#",
        http=HTTP,
    ),
)
