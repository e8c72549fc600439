"""CloudFront's access logs by polars: the lines of `cloudfront` that are as they should be.

All else, headers among it, is left, and so are files without a date and a time.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import polars as pl

from gristmill.model.job import PLACE
from gristmill.readers.kernels import cells
from gristmill.readers.kernels.text import CLOCK, texts
from gristmill.readers.logs import cloudfront, values
from gristmill.readers.logs.format import Header

_DAY = "[12][0-9]{3}-[01][0-9]-[0-3][0-9]"
_RULES = {
    "sc_status": "[1-5][0-9][0-9]|000",
    "c_ip": values.ADDRESS,
    **{name: rule.replace("++", "+") for name, rule in cloudfront.VALUES.items()},
}
_FIELDS = [field for field in cloudfront.FIELDS if field.name != "date"]
_AGENT = "cs_user_agent"
_BROKEN = re.compile("%(?![0-9a-fA-F]{2})")


def parse(lines: Sequence[bytes], header: Header | None) -> pl.DataFrame:
    """Lines without their ends to rows of `cloudfront.CLOUDFRONT_REQUESTS` without `source_file`,
    as `model.job.ParseLines` has it; `header` are the names of their columns."""
    pieces = _pieces(lines, header)
    written = pl.concat_str("_day", pl.lit(" "), "time")
    pieces = pieces.filter(written.str.contains(f"^{_DAY} {CLOCK}$"))
    when = written.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    pieces = pieces.with_columns(when.dt.replace_time_zone("UTC").alias("timestamp"))
    pieces = pieces.filter(pl.col("timestamp").is_not_null())
    return cells.rows(_with_agents(pieces), _FIELDS, _RULES, "timestamp")


def _pieces(lines: Sequence[bytes], header: Header | None) -> pl.DataFrame:
    """The pieces of lines that have as many as they should, by their columns; the date is `_day`.
    Columns that the lines do not have are null."""
    line = pl.col("line").str.strip_chars_end("\r")
    text = texts(lines).to_frame("line").with_row_index(PLACE).with_columns(line)
    text = text.filter(
        ~pl.col("line").str.contains("\0", literal=True), ~pl.col("line").str.starts_with("#")
    )
    names = header or cloudfront.COLUMNS.without_header
    lengths = [len(header)] if header else cloudfront.COLUMNS.versions
    numbered = [f"p{number}" for number in range(len(names) + 1)]
    split = pl.col("line").str.splitn("\t", len(numbered)).struct.rename_fields(numbered)
    found = text.select(PLACE, split.alias("pieces")).unnest("pieces")
    found = found.filter(
        pl.any_horizontal(
            pl.col(f"p{length - 1}").is_not_null() & pl.col(f"p{length}").is_null()
            for length in lengths
        )
    )
    places = {
        cloudfront.COLUMNS.names[name]: f"p{number}"
        for number, name in enumerate(names)
        if name in cloudfront.COLUMNS.names
    }
    wanted = {"_day": "date", **{field.name: field.name for field in _FIELDS}}
    nothing = pl.lit(None, dtype=pl.String)
    return found.select(
        PLACE,
        *(
            (pl.col(places[column]) if column in places else nothing).alias(name)
            for name, column in wanted.items()
        ),
    )


def _with_agents(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces with user agents decoded, each that occurs once; without those that are odd."""
    each = pieces[_AGENT].unique().drop_nulls()
    decoded = pl.Series(map(_agent, each), dtype=pl.String)
    known = pl.DataFrame({_AGENT: each, "_decoded": decoded})
    joined = pieces.join(known, on=_AGENT, how="left", maintain_order="left")
    kept = joined.filter(pl.col("_decoded").is_not_null() | pl.col(_AGENT).is_null())
    return kept.drop(_AGENT).rename({"_decoded": _AGENT})


def _agent(text: str) -> str | None:
    """A user agent as it was before it was encoded, once or twice; None where that is not sure."""
    if "%" not in text:
        return text
    once = _unescaped(text)
    if once is None or "%20" not in once or " " in once:
        return None if once == "-" else once
    twice = _unescaped(once)
    return None if twice == "-" else twice


def _unescaped(text: str) -> str | None:
    if _BROKEN.search(text):
        return None
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return None
