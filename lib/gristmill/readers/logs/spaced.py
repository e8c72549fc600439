"""Logs of a fixed order of fields with single spaces between them, of which some are in quotes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.format import Header
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "not_this_format", "wrong_fields", "bad_timestamp"),
    *("bad_number", "bad_address", "bad_value"),
)
_BARE = r'([^\s"]++)'
_EITHER = r'((?:"[^"]*+",?)++|[^\s"]++)'
_ADDRESS = r'(?:\[?([^\s"\[\]]+)\]?:([0-9]++)|-)'


@dataclass(frozen=True)
class Spaced:
    """Fields in their order. Lines `start` as that Java expression says, have the first `least` of
    them, or more, and what stands behind the last is ignored. `time` is the column whose UTC day a
    row is of. `quoted` may be in quotes, or lists of such; `addressed` has, for the first of two
    columns that stand as `address:port`, the second. `values` says what columns can hold."""

    fields: Sequence[Field]
    start: str
    least: int
    time: str
    quoted: frozenset[str] = frozenset()
    addressed: Mapping[str, str] = field(default_factory=dict)
    addresses: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def grammar(self) -> str:
        """A Java expression with a group for each field."""
        parts: list[str] = []
        behind = set(self.addressed.values())
        for place, one in enumerate(self.fields):
            if one.name in behind:
                continue
            part = _EITHER if one.name in self.quoted else _BARE
            part = _ADDRESS if one.name in self.addressed else part
            gap = " " if parts else ""
            parts.append(f"(?:{gap}{part}" if place >= self.least else gap + part)
        optional = sum(part.startswith("(?: (") for part in parts)
        return f"(?s)^{''.join(parts)}{')?+' * optional}(?: .*+)?+\\z"

    def parse(self, lines: DataFrame, _header: Header | None) -> DataFrame:
        """Lines with the columns of `ORIGIN` to rows of the fields, or a reason why not."""
        bare = lines.select(*ORIGIN)
        apart = log.with_groups(bare, "_pieces", F.rtrim(RAW), self.grammar, len(self.fields))
        pieces = {one.name: F.get("_pieces", F.lit(place)) for place, one in enumerate(self.fields)}
        times = {
            one.name: log.utc(pieces[one.name]) for one in self.fields if one.type == "timestamp"
        }
        return apart.withColumns(times).select(
            *ORIGIN,
            self._reason(pieces, times).alias(REASON),
            *(
                F.col(one.name) if one.name in times else self._value(pieces[one.name], one)
                for one in self.fields
            ),
            F.col(SOURCE_FILE).alias("source_file"),
            F.to_date(self.time).alias("date"),
        )

    def _value(self, piece: Column, one: Field) -> Column:
        if one.type != "string":
            return log.number(piece, one.type).alias(one.name)
        if one.name in self.quoted:
            is_one = piece.rlike(r'^"[^"]*"\z')
            inner = F.substr(piece, F.lit(2), F.length(piece) - F.lit(2))
            piece = F.when(is_one, inner).otherwise(piece)
        return log.text(piece).alias(one.name)

    def _reason(self, pieces: Mapping[str, Column], times: Mapping[str, Column]) -> Column:
        broken = F.col("_pieces").isNull()
        bad_times = [
            F.col(name).isNull() & (log.text(pieces[name]).isNotNull() | F.lit(name == self.time))
            for name in times
        ]
        numbers = [
            log.is_bad_number(pieces[one.name], one.type)
            for one in self.fields
            if one.type in {"int", "bigint", "double"}
        ]
        return log.reason(
            REJECTS,
            {
                "not_this_format": ~F.col(RAW).rlike(self.start),
                "wrong_fields": broken,
                "bad_timestamp": log.any_of(bad_times),
                "bad_number": log.any_of(numbers),
                "bad_address": log.is_none_of(
                    pieces, dict.fromkeys(self.addresses, values.ADDRESS)
                ),
                "bad_value": log.is_none_of(pieces, self.values),
            },
        )

    def matches(self, line: str) -> bool:
        """Whether a line starts as one of these does, and has its fields."""
        starts = values.python(self.start).match(line)
        return bool(starts and values.python(self.grammar).match(line.rstrip(" ")))
