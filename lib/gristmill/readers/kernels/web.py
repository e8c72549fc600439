"""Access logs of web servers by polars: the lines of `web` that are as they should be.

What a line of these formats means is said by the expressions in `web`. Here are read those that
need no second look, which are nearly all: client, two names and a time, a quoted request, a status,
a size, and quoted fields behind them. All others, those that are no rows among them, are left.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.model.job import PLACE
from gristmill.readers.kernels.text import CLF_TIME, clf_time, request_parts, requested, texts
from gristmill.readers.logs import values, web

_TIME = rf" \[{CLF_TIME}\] $"
_BEHIND_WHO, _BEHIND_CLOCK, _CLOCK_LENGTH = 30, 28, 26
_SIZES = "^ [1-5][0-9]{2} (?:[0-9]{1,18}|-)"
_QUOTE, _BACKSLASH = "\ufdd0", "\ufdd1"
_ESCAPED = ("ident", "user", "path", "query", "referer", "user_agent")
_MOST = 10  # pieces, of which the last would have all the others


def parse(lines: Sequence[bytes], line_format: str) -> pl.DataFrame:
    """Lines without their ends to rows of `web.WEB_REQUESTS` without `source_file`, as
    `model.job.ParseLines` has it. `line_format` is as for `web.parse`."""
    frame = texts(lines).to_frame("line").with_row_index(PLACE)
    frame = frame.with_columns(pl.col("line").str.strip_chars_end("\r"))
    frame = frame.filter(~pl.col("line").str.contains("\0", literal=True))
    backslash = pl.col("line").str.contains("\\", literal=True)
    nothing_hidden = frame.filter(~backslash)
    hidden = frame.filter(backslash).with_columns(
        pl.col("line")
        .str.replace_all("\\\\", _BACKSLASH, literal=True)
        .str.replace_all('\\"', _QUOTE, literal=True)
    )
    plain = _rows(nothing_hidden, line_format)
    escaped = _rows(hidden, line_format).with_columns(
        pl.col(name)
        .str.replace_all(_QUOTE, '"', literal=True)
        .str.replace_all(_BACKSLASH, "\\", literal=True)
        for name in _ESCAPED
    )
    return pl.concat([plain, escaped]).sort(PLACE) if escaped.height else plain


def _rows(lines: pl.DataFrame, line_format: str) -> pl.DataFrame:
    """The rows that are sure."""
    pieces = lines.select(
        PLACE, pl.col("line").str.splitn('"', _MOST).struct.rename_fields(_names(_MOST)).alias("p")
    ).unnest("p")
    pieces = pieces.filter(_fits(line_format))
    who = _who(pieces["p0"].str.head(-_BEHIND_WHO).alias("who"))
    rows = pl.concat([pieces, who], how="horizontal")
    rows = rows.with_columns(
        clf_time(pl.col("p0").str.slice(-_BEHIND_CLOCK, _CLOCK_LENGTH)).alias("timestamp"),
        *request_parts(pl.col("p1")),
    )
    forwarded = _forwarded(rows["p7"])
    rows = rows.with_columns(forwarded)
    sure = (
        pl.col("is_who")
        & pl.col("is_forwarded")
        & pl.col("timestamp").is_not_null()
        # More spaces may stand in the target.
        & pl.col("r3").is_null()
        & ((pl.col("others") == "") | (pl.col("forwarded_for").is_null()))
    )
    return rows.filter(sure).select(
        PLACE,
        "timestamp",
        "client",
        "ident",
        "user",
        *(part.alias(name) for name, part in requested().items()),
        pl.col("p2").str.slice(1, 3).cast(pl.Int32).alias("status"),
        _present(pl.col("p2").str.slice(5).str.strip_chars_end(" ")).cast(pl.Int64).alias("bytes"),
        _present(pl.col("p3")).alias("referer"),
        _present(pl.col("p5")).alias("user_agent"),
        pl.coalesce("forwarded_for", _given(pl.col("others"))).alias("forwarded_for"),
        pl.col("timestamp").dt.date().alias("date"),
    )


def _names(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


def _fits(line_format: str) -> pl.Expr:
    """Whether the pieces between a line's quotes are those of a line of the format."""
    head = pl.col("p0").str.contains(_TIME)
    ends = pl.col("p2").str.contains(rf"{_SIZES} $") & (pl.col("p4") == " ")
    plain = (pl.col("p6") == "") & pl.col("p7").is_null()
    forwarded = (pl.col("p6") == " ") & (pl.col("p8") == "") & pl.col("p9").is_null()
    combined = head & ends & (plain | forwarded)
    common = head & pl.col("p3").is_null() & pl.col("p2").str.contains(rf"{_SIZES}$")
    return {"combined": combined, "common": common, "web": combined | common}[line_format]


def _present(piece: pl.Expr) -> pl.Expr:
    return pl.when(piece != "-").then(piece)


def _given(piece: pl.Expr) -> pl.Expr:
    return pl.when(piece != "").then(piece)


def _who(who: pl.Series) -> pl.DataFrame:
    """Client, other addresses, ident and user; `is_who` says whether it is that at all.

    Each that occurs is taken apart once, by the very expression of `web`.
    """
    each = who.unique()
    found = [web.who(text) for text in each]
    names = ("client", "others", "ident", "user")
    apart = pl.DataFrame(
        {
            "who": each,
            "is_who": [one is not None for one in found],
            **{
                name: pl.Series([one[at] if one else None for one in found], dtype=pl.String)
                for at, name in enumerate(names)
            },
        }
    )
    joined = who.to_frame().join(apart, on="who", how="left", maintain_order="left")
    return joined.drop("who")


def _forwarded(given: pl.Series) -> pl.DataFrame:
    """The addresses behind the user agent, where there are some."""
    each = given.unique().drop_nulls()
    whole = values.python(values.whole(values.FORWARDED))
    apart = pl.DataFrame(
        {
            "given": each,
            "is_forwarded": [text in ("-", "") or bool(whole.match(text)) for text in each],
            "forwarded_for": pl.Series(
                [None if text in ("-", "") else text for text in each], dtype=pl.String
            ),
        }
    )
    joined = (
        given.alias("given").to_frame().join(apart, on="given", how="left", maintain_order="left")
    )
    return joined.select(pl.col("is_forwarded").fill_null(value=True), "forwarded_for")
