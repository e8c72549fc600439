r"""Access logs of Apache httpd and nginx: the common and the combined format.

    client ident user [day/Mon/year:hh:mm:ss ±hhmm] "request" status bytes
    … "referer" "user agent"
    … "referer" "user agent" "forwarded for"

https://httpd.apache.org/docs/2.4/logs.html#accesslog,
https://nginx.org/en/docs/http/ngx_http_log_module.html. What real files add: a user with spaces,
an empty or a non-HTTP request, lines that are wrapped in quotes as a whole (their own quotes
doubled, escaped or left alone), white space at the end.

A line is taken apart at its unescaped quotes, and then each piece by itself. So a quote that is
never closed spoils its own line and no other. `\"` and `\\` are unescaped; `\xHH` stays as
written, since the log does not say which character set its bytes are in.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.job import Reading
from gristmill.quality import REASON
from gristmill.text.lines import ORIGIN, RAW, SOURCE_FILE, text_files

FORMATS = ("auto", "common", "combined")

REJECTS = {
    "empty_line": "nothing but white space",
    "nul_byte": "holds NUL bytes, as a log does that was truncated while it was written",
    "not_this_format": "does not start with: client ident user [time]",
    "unclosed_quote": "a quote is opened and never closed",
    "missing_fields": "a common line where combined was expected, or a line cut off",
    "extra_fields": "more fields than the format has",
    "bad_timestamp": "the time is not dd/Mon/yyyy:hh:mm:ss ±hhmm, or no such time exists",
    "bad_status": "the status is neither three digits nor -",
    "bad_bytes": "the size is neither a number nor -",
}
"""Why a line can be rejected: stable codes, in the order in which they are looked for."""

_TIME = "dd/MMM/yyyy:HH:mm:ss Z"
_TIME_LENGTH = 26
# Noncharacters (Unicode 16, 23.7), free for private use while a line is being taken apart.
_QUOTE, _BACKSLASH = "\ufdd0", "\ufdd1"
# RFC 9110, 5.6.2: what a method is made of.
_METHOD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_REQUEST = rf"(?s)^({_METHOD}) (.+) (HTTP/[0-9.]++)\z"


@dataclass(frozen=True)
class AccessLogs:
    """A reader that gives a row for each request: the columns that `parse` describes.

    The job's options need a `format`, one of `FORMATS`.
    """

    help: str = "Apache and nginx access logs, common or combined, plain or .gz"
    rejects: Mapping[str, str] = field(default_factory=lambda: REJECTS)

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """Parse the lines of `inputs`. Raises `InputError` where auto cannot tell the format."""
        found = text_files(spark, inputs)
        if options.format != "auto":
            return Reading(parse(found.lines, options.format), files=found.files)
        chosen = recognise(found.heads)
        notes = (f"format: {chosen} (recognised)",)
        return Reading(parse(found.lines, chosen), notes, found.files)


def parse(lines: DataFrame, line_format: str) -> DataFrame:
    """Lines with the columns of `ORIGIN` to typed rows, with `_reason` where one did not parse.

    Adds timestamp, client, ident, user, method, path, query, protocol, status, bytes, referer,
    user_agent, forwarded_for and source_file. A `-` is null. Where the request is not
    `METHOD target HTTP/x.y`, method, path, query and protocol are null.
    """
    pieces = _pieces(lines)
    target = F.when(F.size("_request") == 3, F.get("_request", F.lit(1)))
    mark = F.instr(target, "?")
    timestamp = F.try_to_timestamp(F.substring("_time", 1, _TIME_LENGTH), F.lit(_TIME))
    return pieces.withColumn("timestamp", timestamp).select(
        *ORIGIN,
        _reason(line_format).alias(REASON),
        "timestamp",
        _unescaped(_value("_who", 0)).alias("client"),
        _unescaped(_value("_who", 1)).alias("ident"),
        _unescaped(_value("_who", 2)).alias("user"),
        F.when(target.isNotNull(), F.get("_request", F.lit(0))).alias("method"),
        _unescaped(
            F.when(mark == 0, target).otherwise(F.substr(target, F.lit(1), mark - F.lit(1)))
        ).alias("path"),
        _unescaped(F.when(mark > 0, F.substr(target, mark + F.lit(1)))).alias("query"),
        F.when(target.isNotNull(), F.get("_request", F.lit(2))).alias("protocol"),
        F.get("_sizes", F.lit(1)).try_cast("int").alias("status"),
        F.get("_sizes", F.lit(2)).try_cast("bigint").alias("bytes"),
        _unescaped(_value("_pieces", 3)).alias("referer"),
        _unescaped(_value("_pieces", 5)).alias("user_agent"),
        _unescaped(_value("_pieces", 7)).alias("forwarded_for"),
        F.col(SOURCE_FILE).alias("source_file"),
    )


def _pieces(lines: DataFrame) -> DataFrame:
    """What stands between a line's quotes, and the pieces of those pieces."""
    whole = lines.select(*ORIGIN, _unwrapped(F.col(RAW)).alias("_line"))
    whole = whole.withColumn("_escaped", F.contains("_line", F.lit("\\")))
    hidden = F.replace("_line", F.lit(r"\\"), F.lit(_BACKSLASH))
    hidden = F.replace(hidden, F.lit(r"\""), F.lit(_QUOTE))
    line = F.when(F.col("_escaped"), hidden).otherwise(F.col("_line"))
    apart = whole.select(*ORIGIN, "_escaped", F.split(line, '"').alias("_pieces"))

    head, request, sizes = (F.get("_pieces", F.lit(number)) for number in range(3))
    time = F.substring_index(head, " [", -1)
    who = F.substr(head, F.lit(1), F.length(head) - F.length(time) - F.lit(2))
    return apart.select(
        *ORIGIN,
        "_escaped",
        "_pieces",
        F.split(who, " ", 3).alias("_who"),
        time.alias("_time"),
        F.split(F.regexp_replace(request, _REQUEST, "$1\0$2\0$3"), "\0").alias("_request"),
        F.split(sizes, " ").alias("_sizes"),
    )


def _unwrapped(line: Column) -> Column:
    trimmed = F.when(F.endswith(line, F.lit(" ")), F.rtrim(line)).otherwise(line)
    inner = F.substr(trimmed, F.lit(2), F.length(trimmed) - F.lit(2))
    plain = (
        F.when(F.contains(inner, F.lit(r"] \"")), F.replace(inner, F.lit(r"\""), F.lit('"')))
        .when(inner.rlike(r'\] ""[^ ]'), F.replace(inner, F.lit('""'), F.lit('"')))
        .otherwise(inner)
    )
    wrapped = F.startswith(trimmed, F.lit('"')) & F.endswith(trimmed, F.lit('"'))
    return F.when(wrapped, plain).otherwise(trimmed)


def _value(pieces: str, number: int) -> Column:
    piece = F.get(pieces, F.lit(number))
    return F.when(piece != "-", piece)


def _unescaped(piece: Column) -> Column:
    plain = F.translate(piece, _QUOTE + _BACKSLASH, '"\\')
    return F.when(F.col("_escaped"), plain).otherwise(piece)


def _reason(line_format: str) -> Column:
    """The code of the first rule that a line breaks, or null."""
    count, sizes = F.size("_pieces"), F.size("_sizes")

    def piece(number: int) -> Column:
        return F.get("_pieces", F.lit(number))

    # Outside its quotes, but for status and size, a line has single spaces and nothing else.
    starts = F.get("_sizes", F.lit(0)) == ""
    if line_format == "common":
        pieces_needed, sizes_needed = 3, 3
        fits = (count == F.lit(3)) & (sizes == F.lit(3)) & starts
    else:
        pieces_needed, sizes_needed = 7, 4
        plain = (count == F.lit(7)) & (piece(6) == "")
        forwarded = (count == F.lit(9)) & (piece(6) == " ") & (piece(8) == "")
        ends = (sizes == F.lit(4)) & (F.get("_sizes", F.lit(3)) == "")
        fits = starts & ends & (piece(4) == " ") & (plain | forwarded)

    client, ident, user = (F.get("_who", F.lit(number)) for number in range(3))
    # A user that starts with "- " is what follows when a virtual host stands before the client.
    named = (client != "") & (ident != "") & ~user.rlike(r"^(\z|-? )")
    broken = {
        "empty_line": F.trim(RAW) == "",
        "nul_byte": F.contains(RAW, F.lit("\0")),
        "not_this_format": ~F.coalesce(named, F.lit(False)),
        "unclosed_quote": count % 2 == 0,
        "missing_fields": (count < pieces_needed) | (sizes < sizes_needed),
        "extra_fields": ~fits,
        "bad_timestamp": F.col("timestamp").isNull()
        | (F.substr("_time", F.lit(_TIME_LENGTH + 1)) != "] "),
        "bad_status": ~F.get("_sizes", F.lit(1)).rlike(r"^([0-9]{3}|-)\z"),
        "bad_bytes": ~F.get("_sizes", F.lit(2)).rlike(r"^([0-9]{1,18}|-)\z"),
    }
    reason = F.lit(None).cast("string")
    for code in reversed(REJECTS):
        reason = F.when(broken[code], F.lit(code)).otherwise(reason)
    return reason


def recognise(heads: Mapping[str, str]) -> str:
    """The one format of all files, from the first lines of each.

    Raises `InputError` where a file is of neither format, or files are of different ones.
    """
    formats: dict[str, str] = {}
    for file, text in heads.items():
        lines = [line for line in text.split("\n")[:_SAMPLED] if line.strip(" \t\r\0")]
        known = Counter(found for line in lines if (found := _format_of(line)))
        if known:
            formats[file] = known.most_common(1)[0][0]
        elif lines:
            raise InputError(
                f"{file} is not an access log in common or combined format; "
                "if it is one all the same, say which with --format"
            )
    chosen = sorted(set(formats.values()))
    if len(chosen) > 1:
        examples = {name: file for file, name in formats.items()}
        found = ", ".join(f"{examples[name]} is {name}" for name in chosen)
        raise InputError(f"the input mixes formats ({found}): run each by itself, with --format")
    return chosen[0] if chosen else "combined"


def _format_of(line: str) -> str | None:
    head = _HEAD.match(plain := _bare(line.rstrip()))
    if head is None:
        return None
    return "common" if len(_QUOTED.findall(plain[head.end() :])) == 1 else "combined"


def _bare(line: str) -> str:
    """What `_unwrapped` is for columns."""
    if len(line) < 2 or not (line.startswith('"') and line.endswith('"')):
        return line
    inner = line[1:-1]
    if r"] \"" in inner:
        return inner.replace(r"\"", '"')
    return inner.replace('""', '"') if re.search(r'\] ""[^ ]', inner) else inner


_SAMPLED = 200
_HEAD = re.compile(r'\S+ \S+ .+? \[[^\]]+\] (?=")')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
