r"""Access logs of Apache httpd and nginx: the common and the combined format.

    client ident user [day/Mon/year:hh:mm:ss ±hhmm] "request" status bytes
    … "referer" "user agent"
    … "referer" "user agent" "forwarded for"

https://httpd.apache.org/docs/2.4/logs.html#accesslog,
https://nginx.org/en/docs/http/ngx_http_log_module.html. What real files add: a logger's prefix
(prefix.py), several addresses in the place of the client, as where X-Forwarded-For is logged for
it, an empty user (Apache writes `""`), an empty or a non-HTTP request, lines that are wrapped in
quotes as a whole (their own quotes doubled, escaped or left alone), more than one space after the
time, white space at the end.

A line is taken apart at its unescaped quotes, and then each piece by itself. So a quote that is
never closed spoils its own line and no other. `\"` and `\\` are unescaped; `\xHH` stays as
written, since the log does not say which character set its bytes are in.

Neither server escapes spaces: a user that has some cannot be told from a user and one more field,
as where a host is logged behind it. Nor can a quoted field behind the user agent, which is read
where it holds addresses.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import clf, prefix, values
from gristmill.readers.logs.format import Header, Http, LogFormat, reason, reasons, requests
from gristmill.readers.logs.requested import apart, http_request
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

REJECTS = reasons(
    *("empty_line", "nul_byte", "partial_line", "not_this_format", "unclosed_quote"),
    *("missing_fields", "extra_fields", "bad_timestamp", "bad_status", "bad_bytes"),
)

WEB_REQUESTS = requests(
    name="web_requests",
    help_="One row for each request that a web server logged.",
    fields=(
        Field("timestamp", "timestamp", "when it came in, UTC"),
        Field("client", "string", "address or host name of the client"),
        Field("ident", "string", "RFC 1413 identity of the client"),
        Field("user", "string", "authenticated user"),
        Field("method", "string", "HTTP method; null where the request was not HTTP"),
        Field("path", "string", "target of the request up to the first ?"),
        Field("query", "string", "target of the request after the first ?"),
        Field("protocol", "string", "such as HTTP/1.1"),
        Field("status", "int", "HTTP status that was answered"),
        Field("bytes", "bigint", "size of the answer"),
        Field("referer", "string", "Referer header"),
        Field("user_agent", "string", "User-Agent header"),
        Field(
            "forwarded_for",
            "string",
            "X-Forwarded-For header, where it is logged; without its first address where that is "
            "the client",
        ),
    ),
    time="timestamp",
)

# Noncharacters (Unicode 16, 23.7), free for private use while a line is being taken apart.
_QUOTE, _BACKSLASH = "\ufdd0", "\ufdd1"
# One piece more than a line can have has all the others: a broken line of 50 MB may have millions.
_MOST = 10

# nginx has `unix:` for the client of a socket.
_CLIENT = f"{values.ADDRESS}|{values.HOST}|unix:|-"
_LIST = rf"({values.ADDRESS})((?:, ?{values.FORWARDED})++)"
# An ident or a user; not an address or a time, nor what ends as a logger's tag does.
_NAME = (
    rf"(?!\[)(?!{values.ADDRESS}(?:[,: ]|\z))(?![0-9]{{1,2}}:[0-9]{{2}})"
    r'[^\s"]++(?<![,:])'
)
_WHO = rf"^(?:({_CLIENT})|{_LIST}) ({_NAME}) ({_NAME})\z"
_MORE = rf"^(?:{_CLIENT}|{_LIST}) [^ ]++ [^ ]++ "
_NO_USER = r'^((?:[^\s",]++, ?)*+[^\s"]++ [^\s"]++) "" \['
# What looks so has no prefix.
_PLAIN = r'^"?(?:[^\s",]++, ?)*+[^\s"]++ [^\s"]++ [^\s"]++ \['


def parse(lines: DataFrame, _header: Header | None, line_format: str) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `WEB_REQUESTS`, or a reason why not.

    `line_format` is the name of one of `FORMATS`. A `-` is null. Where the request is not
    `METHOD target HTTP/x.y`, method, path, query and protocol are null.
    """
    pieces = _pieces(lines)
    target = F.get("_request", F.lit(1))
    path, query = apart(target)
    timestamp = clf.time(F.substring("_time", 1, clf.LENGTH))
    others = F.ltrim(F.get("_who", F.lit(1)), F.lit(", "))
    forwarded = _value("_pieces", 7)
    return pieces.withColumn("timestamp", timestamp).select(
        *ORIGIN,
        _reason(line_format).alias(REASON),
        "timestamp",
        _value("_who", 0).alias("client"),
        _unescaped(_value("_who", 2)).alias("ident"),
        _unescaped(_value("_who", 3)).alias("user"),
        F.when(target.isNotNull(), F.get("_request", F.lit(0))).alias("method"),
        _unescaped(path).alias("path"),
        _unescaped(query).alias("query"),
        F.when(target.isNotNull(), F.get("_request", F.lit(2))).alias("protocol"),
        F.get("_sizes", F.lit(1)).try_cast("int").alias("status"),
        F.get("_sizes", F.lit(2)).try_cast("bigint").alias("bytes"),
        _unescaped(_value("_pieces", 3)).alias("referer"),
        _unescaped(_value("_pieces", 5)).alias("user_agent"),
        F.coalesce(F.nullif(forwarded, F.lit("")), F.nullif(others, F.lit(""))).alias(
            "forwarded_for"
        ),
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("timestamp").alias("date"),
    )


def _pieces(lines: DataFrame) -> DataFrame:
    """What stands between a line's quotes, and the pieces of those pieces."""
    bare = F.when(F.col(RAW).rlike(_PLAIN), F.col(RAW)).otherwise(prefix.without(F.col(RAW)))
    whole = lines.select(*ORIGIN, bare.alias("_line"))
    whole = whole.select(*ORIGIN, _unwrapped(F.col("_line")).alias("_line"))
    named = F.regexp_replace("_line", _NO_USER, "$1 - [")
    has_no_user = F.contains("_line", F.lit(' "" ['))
    whole = whole.withColumn("_line", F.when(has_no_user, named).otherwise(F.col("_line")))
    whole = whole.withColumn("_escaped", F.contains("_line", F.lit("\\")))
    hidden = F.replace("_line", F.lit(r"\\"), F.lit(_BACKSLASH))
    hidden = F.replace(hidden, F.lit(r"\""), F.lit(_QUOTE))
    line = F.when(F.col("_escaped"), hidden).otherwise(F.col("_line"))
    apart = whole.select(*ORIGIN, "_escaped", F.split(line, '"', _MOST).alias("_pieces"))

    head, request, sizes = (F.get("_pieces", F.lit(number)) for number in range(3))
    time = F.substring_index(head, " [", -1)
    who = F.substr(head, F.lit(1), F.length(head) - F.length(time) - F.lit(2))
    return apart.select(
        *ORIGIN,
        "_escaped",
        "_pieces",
        who.alias("_head"),
        F.split(F.regexp_replace(who, _WHO, "$1$2\0$3\0$4\0$5"), "\0", 4).alias("_who"),
        time.alias("_time"),
        http_request(request).alias("_request"),
        F.split(sizes, " ", 5).alias("_sizes"),
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
    ends = (sizes == F.lit(4)) & (F.get("_sizes", F.lit(3)) == "")
    given = piece(7)
    # Not where the client's place has told it already.
    is_told = (F.get("_who", F.lit(1)) == "") & given.rlike(values.whole(values.FORWARDED))
    is_forwarded = is_told | given.isin("-", "")
    plain = (count == F.lit(7)) & (piece(6) == "")
    forwarded = (count == F.lit(9)) & (piece(6) == " ") & (piece(8) == "") & is_forwarded
    fits_common = (count == F.lit(3)) & (sizes == F.lit(3)) & starts
    fits_combined = starts & ends & (piece(4) == " ") & (plain | forwarded)
    short, long = (count < 3) | (sizes < 3), (count < 7) | (sizes < 4)
    missing, fits = {
        "common": (short, fits_common),
        "combined": (long, fits_combined),
        "web": (F.when(count > 3, long).otherwise(short), fits_common | fits_combined),
    }[line_format]

    head, named = F.col("_head"), F.coalesce(F.size("_who") == 4, F.lit(False))
    broken = {
        "partial_line": (F.startswith(RAW, F.lit("{")) | ~named) & prefix.is_part(F.col(RAW)),
        "not_this_format": ~(named | F.coalesce(head.rlike(_MORE), F.lit(False))),
        "unclosed_quote": (count + F.coalesce(_quotes(piece(_MOST - 1)), F.lit(0))) % 2 == 0,
        "missing_fields": missing,
        "extra_fields": ~(fits & named),
        "bad_timestamp": F.col("timestamp").isNull()
        | ~F.substr("_time", F.lit(clf.LENGTH + 1)).rlike(r"^\] +\z"),
        "bad_status": ~F.get("_sizes", F.lit(1)).rlike(values.STATUS),
        "bad_bytes": ~F.get("_sizes", F.lit(2)).rlike(r"^([0-9]{1,18}|-)\z"),
    }
    return reason(REJECTS, broken)


def _quotes(piece: Column) -> Column:
    return F.length(piece) - F.length(F.replace(piece, F.lit('"'), F.lit("")))


def matches(line: str, line_format: str) -> bool:
    """Whether a line is in that of the two formats, and would be a row."""
    plain = line if values.python(_PLAIN).match(line) else prefix.peeled(line)
    plain = values.python(_NO_USER).sub(r"\1 - [", _bare(plain.rstrip()))
    who, found, rest = plain.partition(" [")
    parts = values.python(_AFTER_WHO).fullmatch(rest)
    if not (found and values.python(_WHO).match(who) and parts):
        return False
    agent, forwarded = parts.groups()
    is_read = forwarded in (None, "", "-") or values.python(values.FORWARDED).fullmatch(forwarded)
    return bool(is_read) and (agent is None) == (line_format == "common")


def who(head: str) -> tuple[str | None, str, str | None, str | None] | None:
    """Client, other addresses, ident and user of the start of a line that has no prefix, before its
    time; None where it is no such start."""
    found = values.python(_WHO).match(head)
    if not (found and values.python(_PLAIN).match(f"{head} [")):
        return None
    alone, first, others, *names = found.groups()
    client, ident, user = (None if text == "-" else text for text in (alone or first, *names))
    return client, (others or "").lstrip(", "), ident, user


_QUOTED = r'"(?:[^"\\]|\\.)*"'
_AFTER_WHO = (
    rf"{clf.SHAPE}\] +{_QUOTED} (?:[1-5][0-9]{{2}}|-) (?:[0-9]{{1,18}}|-)"
    rf'( {_QUOTED} {_QUOTED}(?: "([^"]*)")?)?'
)


def _bare(line: str) -> str:
    """What `_unwrapped` is for columns."""
    if len(line) < 2 or not (line.startswith('"') and line.endswith('"')):
        return line
    inner = line[1:-1]
    if r"] \"" in inner:
        return inner.replace(r"\"", '"')
    return inner.replace('""', '"') if re.search(r'\] ""[^ ]', inner) else inner


_HTTP = Http(
    *("timestamp", "client", "method", "path", "status", "bytes"),
    forwarded_for="forwarded_for",
    referer="referer",
    user_agent="user_agent",
)


def _format(name: str, help_: str, covers: tuple[str, ...] = ()) -> LogFormat:
    return LogFormat(
        name=name,
        help=help_,
        dataset=WEB_REQUESTS,
        rejects=REJECTS,
        matches=lambda line: any(matches(line, one) for one in covers or (name,)),
        parse=partial(parse, line_format=name),
        http=_HTTP,
        covers=covers,
        kernel=partial(_by_kernel, line_format=name),
    )


def _by_kernel(lines: Sequence[bytes], _header: Header | None, line_format: str) -> Any:
    from gristmill.readers.kernels import web  # noqa: PLC0415 - polars need not be there

    return web.parse(lines, line_format)


FORMATS = (
    _format("combined", "Apache and nginx: common with referer and user agent"),
    _format("common", "Apache and nginx: client, user, time, request, status, size"),
    _format("web", "Apache and nginx: each line common or combined", ("combined", "common")),
)
