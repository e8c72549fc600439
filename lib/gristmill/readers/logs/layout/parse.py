"""Lines of a layout to rows of `server_requests`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers.local_time import with_instant
from gristmill.readers.logs import format as log
from gristmill.readers.logs import prefix, values
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.layout.compiled import CLIENT, Layout, clock
from gristmill.readers.logs.layout.tokens import Variable
from gristmill.readers.logs.requested import apart, epoch, finer, http_request, time
from gristmill.readers.logs.server import HTTP, SERVER_REQUESTS, request_rows
from gristmill.readers.text.lines import ORIGIN, RAW

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "partial_line", "wrong_fields", "bad_timestamp", "bad_status"),
    *("bad_bytes", "bad_number", "bad_address"),
)
_NUMBER = r"^[0-9]{1,18}(?:\.[0-9]{1,9})?\z"
_SHAPES = {
    "client": CLIENT,
    "status": "[1-5][0-9]{2}|-1?",
    "bytes": "[0-9]{1,18}|-",
    "int": "[0-9]{1,9}|-",
    "seconds": r"[0-9]{1,18}(?:\.[0-9]{1,9})?|-1?",
}
_MARK = "\ufdd0"  # a noncharacter (Unicode 16, 23.7), in place of an escaped backslash
_SUM = "decimal(27,9)"  # seconds of several servers add up as they are written
_BETWEEN = ", ?| : "


def layout_format(name: str, help_: str, layout: Layout, zone: str = "") -> LogFormat:
    """A layout as a format of logs; `zone` is that of times which do not say theirs."""
    needs_zone = not (layout.has_zone or zone)
    return LogFormat(
        name=name,
        help=help_,
        dataset=SERVER_REQUESTS,
        rejects=REJECTS,
        matches=partial(matches, layout=layout),
        parse=partial(parse, layout=layout, zone=zone),
        http=HTTP,
        kernel=partial(_by_kernel, layout=layout) if _is_plain(layout) else None,
        in_zone=partial(layout_format, name, help_, layout) if needs_zone else None,
    )


_BY_KERNEL = {
    *("text", "list", "sum", "client", "forwarded", "request", "status", "bytes", "int", "seconds"),
    *("clf", "iso"),
}


def _is_plain(layout: Layout) -> bool:
    """Whether kernels know all kinds of values that a layout has."""
    return len(layout.times) == 1 and {one.kind for one in layout.variables} <= _BY_KERNEL


def _by_kernel(lines: Sequence[bytes], _header: Header | None, layout: Layout) -> Any:
    from gristmill.readers.kernels import layout as kernel  # noqa: PLC0415 - polars need not be there

    return kernel.parse(lines, layout)


def matches(line: str, layout: Layout) -> bool:
    """Whether a line has the fields of a layout, with a client, a status and a time that are."""
    grammar = values.python(layout.grammar)
    found = grammar.match(line)
    if found is None and layout.starts_with_client:
        found = grammar.match(prefix.peeled(line))
    if found is None:
        return False
    shapes = {place: _SHAPES.get(one.kind) for place, one in enumerate(layout.variables)}
    shapes |= {place: clock(one.kind) for place, one in layout.times.items()}
    return all(
        not shape or values.python(values.whole(shape)).match(found[place + 1])
        for place, shape in shapes.items()
    )


def parse(lines: DataFrame, _header: Header | None, layout: Layout, zone: str) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `SERVER_REQUESTS`, or a reason why not."""
    count = len(layout.variables)
    pieces = log.with_groups(lines.select(*ORIGIN), "_pieces", F.col(RAW), layout.grammar, count)
    if layout.starts_with_client:
        # What has a sign of a prefix may be a line as it is: only others lose theirs.
        bare = F.when(F.col("_pieces").isNull(), prefix.without(F.col(RAW)))
        again = log.with_groups(pieces, "_again", bare, layout.grammar, count)
        pieces = again.withColumn("_pieces", F.coalesce("_pieces", "_again")).drop("_again")
    rows = _with_time(pieces, layout, zone)
    asked = F.lit(None).cast("string") if layout.request is None else _at(layout.request)
    rows = rows.withColumn("_request", http_request(asked))
    return request_rows(rows, _columns(layout), _reason(layout))


def _columns(layout: Layout) -> dict[str, Column]:
    """What fills the columns of the dataset."""
    found: dict[str, Column] = {}
    target = F.get("_request", F.lit(1))
    if layout.request is not None:
        found["method"] = F.get("_request", F.lit(0))
        found["protocol"] = F.get("_request", F.lit(2))
        found |= _apart(target)
    for place, variable in enumerate(layout.variables):
        column = variable.column
        if column not in {None, "timestamp"} and layout.group(str(column)) == place:
            found |= _filled(str(column), variable, _at(place), found)
    others = layout.others
    if others:
        entries = [
            part for name, place in others.items() for part in (F.lit(name), _text(_at(place)))
        ]
        found["more"] = F.map_filter(F.create_map(*entries), lambda _name, value: value.isNotNull())
    return found


def _filled(
    column: str, variable: Variable, piece: Column, before: Mapping[str, Column]
) -> dict[str, Column]:
    kind = variable.kind
    if kind == "target":
        return {
            name: F.coalesce(*([before[name]] if name in before else []), value)
            for name, value in _apart(_text(piece)).items()
        }
    if kind == "query":  # Apache writes it with its question mark
        value = F.regexp_replace(_text(piece), r"^\?", "")
        value = F.when(value != "", value)
    elif kind in {"status", "bytes", "int"}:
        value = log.number(piece, "bigint")
    elif kind == "seconds":
        number = F.when(piece.rlike(_NUMBER), piece.try_cast("decimal(27,9)"))
        value = (number * F.lit(variable.scale).cast("decimal(7,6)")).cast("double")
    elif kind == "sum":
        value = _sum(piece)
    else:
        value = _text(piece)
    return {column: F.coalesce(before[column], value) if column in before else value}


def _apart(target: Column) -> dict[str, Column]:
    return dict(zip(("path", "query"), map(_unescaped, apart(target)), strict=True))


def _sum(piece: Column) -> Column:
    """Seconds of several servers, one after the other; null where none took any."""
    numbers = F.filter(F.split(piece, _BETWEEN), lambda one: one.rlike(_NUMBER))
    zero = F.lit(0).cast(_SUM)
    added = F.aggregate(numbers, zero, lambda sum_, one: (sum_ + one.try_cast(_SUM)).cast(_SUM))
    return F.when(F.size(numbers) > 0, added.cast("double"))


def _with_time(pieces: DataFrame, layout: Layout, zone: str) -> DataFrame:
    times = layout.times
    place, whole = next(iter(times.items()))
    piece = _at(place)
    part = {one.kind: _at(at) for at, one in times.items()}
    fraction = part.get("fraction", F.lit("0"))
    kind, _, pattern = whole.kind.partition(" ")
    if kind == "epoch":
        rows = pieces.withColumn("timestamp", finer(epoch(piece, whole.scale), fraction))
    elif pattern:
        if "zone" in part:
            piece, pattern = F.concat(piece, F.lit(" "), part["zone"]), f"{pattern} Z"
        read = F.try_to_timestamp(piece, F.lit(pattern))
        rows = pieces.withColumn("timestamp", finer(read, fraction))
    else:
        rows = pieces.withColumn("timestamp", time(piece, clock(kind) or ""))
    if layout.has_zone:
        return rows
    shown = F.date_format("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    named = rows.withColumn("_shown_at", shown).withColumn("_zone", F.lit(zone))
    judged = with_instant(named, "_shown_at", "_zone")
    return judged.withColumn("timestamp", F.when(F.col("fault").isNull(), F.col("instant")))


def _reason(layout: Layout) -> Column:
    """The code of the first rule that a line breaks, or null."""
    of: dict[str, list[Column]] = {code: [] for code in REJECTS}
    of["wrong_fields"] = [F.col("_pieces").isNull()]
    of["bad_timestamp"] = [F.col("timestamp").isNull()]
    of["partial_line"] = [F.col("_pieces").isNull() & prefix.is_part(F.col(RAW))]
    for place, variable in enumerate(layout.variables):
        piece = _at(place)
        if variable.column is None or layout.group(variable.column) != place:
            continue
        given = log.text(piece).isNotNull()
        if variable.kind == "client":
            of["bad_address"].append(given & ~piece.rlike(values.whole(CLIENT)))
        elif variable.kind == "status":
            of["bad_status"].append((piece != "-1") & ~piece.rlike(values.STATUS))
        elif variable.kind == "bytes":
            of["bad_bytes"].append(~piece.rlike(r"^([0-9]{1,18}|-)\z"))
        elif variable.kind == "int":
            of["bad_number"].append(given & ~piece.rlike(r"^[0-9]{1,9}\z"))
        elif variable.kind == "seconds":
            of["bad_number"].append(given & (piece != "-1") & ~piece.rlike(_NUMBER))
        elif variable.kind == "sum":
            odd = F.filter(
                F.split(piece, _BETWEEN),
                lambda one: ~one.rlike(_NUMBER) & (one != "-"),
            )
            of["bad_number"].append(given & (F.size(odd) > 0))
    rules = {code: log.any_of(conditions) for code, conditions in of.items()}
    known = {code: rule for code, rule in rules.items() if code not in {"empty_line", "nul_byte"}}
    return log.reason(REJECTS, known)


def _at(place: int) -> Column:
    return F.get("_pieces", F.lit(place))


def _text(piece: Column) -> Column:
    found = F.when((piece != "-") & (piece != "") & (piece != '""'), piece)
    return _unescaped(found)


def _unescaped(piece: Column) -> Column:
    hidden = F.replace(piece, F.lit("\\\\"), F.lit(_MARK))
    plain = F.replace(F.replace(hidden, F.lit('\\"'), F.lit('"')), F.lit(_MARK), F.lit("\\"))
    return F.when(F.contains(piece, F.lit("\\")), plain).otherwise(piece)
