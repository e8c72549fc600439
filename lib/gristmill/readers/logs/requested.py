"""Times, requests and targets, as every server writes them."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.readers.logs import clf, values

REQUEST = rf"(?s)^({values.METHOD}) (.+) ({values.PROTOCOL})\z"
"""For Java: method, target and protocol of a request."""

_FRACTION = r"[.,]([0-9]{1,9})(?=Z| ?[+-])"
_ISO = r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
ISO = f"{_ISO}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})"
"""For Java and Python: a time of ISO 8601 that says its zone."""

CLOCK = f"(?:{clf.SHAPE.replace(' [+-]', r'(?:[.,][0-9]{1,9})? [+-]')}|{ISO})"
"""For Java and Python: a time as in the common format, with a fraction or not, or of ISO 8601."""

EPOCH = r"[0-9]{1,16}(?:\.[0-9]{1,17})?(?:[eE][0-9]{1,2})?"
"""For Java and Python: seconds since 1970, also as Java writes a double."""


def time(piece: Column, shape: str = CLOCK) -> Column:
    """A text of that shape as a timestamp, null where it is none or no such time exists."""
    fraction = F.regexp_extract(piece, _FRACTION, 1)
    bare = F.regexp_replace(piece, _FRACTION, "")
    iso = F.regexp_replace(bare, r"([+-][0-9]{2})([0-9]{2})\z", "$1:$2")
    read = F.when(bare.rlike(rf"^{clf.SHAPE}\z"), clf.time(bare)).otherwise(
        F.when(bare.rlike(rf"^{ISO}\z"), iso.try_cast("timestamp"))
    )
    return F.when(piece.rlike(rf"^{shape}\z"), finer(read, fraction))


def epoch(piece: Column, scale: str = "1") -> Column:
    """Seconds since 1970, or as many of `scale`, as a timestamp; null where it is no number."""
    micros = piece.try_cast("decimal(28,9)") * F.lit(scale).cast("decimal(7,6)") * 10**6
    return F.when(piece.rlike(rf"^{EPOCH}\z"), F.timestamp_micros(micros.cast("bigint")))


def any_time(piece: Column, scale: str = "1") -> Column:
    """A time, or seconds since 1970, or as many of `scale`, as a timestamp."""
    return F.coalesce(epoch(piece, scale), time(piece))


def finer(time: Column, digits: Column) -> Column:
    """A time with a fraction of a second, as digits behind the point."""
    micros = F.rpad(F.substring(digits, 1, 6), 6, "0").try_cast("bigint")
    return F.timestamp_micros(F.unix_micros(time) + F.coalesce(micros, F.lit(0)))


def http_request(piece: Column) -> Column:
    """Method, target and protocol of a request, null where it is no `METHOD target HTTP/x.y`."""
    parts = F.split(F.regexp_replace(piece, REQUEST, "$1\0$2\0$3"), "\0", 4)
    return F.when(F.size(parts) == 3, parts)


def apart(target: Column) -> tuple[Column, Column]:
    """Path and query of what was asked for."""
    mark = F.instr(target, "?")
    path = F.when(mark == 0, target).otherwise(F.substr(target, F.lit(1), mark - F.lit(1)))
    return path, F.when(mark > 0, F.substr(target, mark + F.lit(1)))
