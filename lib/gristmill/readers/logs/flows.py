"""Flow logs, of VPCs and of transit gateways: records whose columns are chosen, and named by the
first line of each file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset, Field
from gristmill.readers.logs import columns as named
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.columns import Columns
from gristmill.readers.logs.format import SOURCE, Header
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "wrong_fields", "bad_timestamp"),
    *("bad_number", "bad_address", "bad_value"),
)
_BYTE = "(?:-1|[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
VALUES = {
    "version": "-1|[0-9]{1,2}",
    "account_id": "[0-9]{12}|unknown",
    "srcport": values.PORT,
    "dstport": values.PORT,
    "protocol": _BYTE,
    "log_status": "OK|NODATA|SKIPDATA",
    "tcp_flags": _BYTE,
    "type": "IPv4|IPv6|EFA",
    "flow_direction": "ingress|egress",
}
"""What columns can hold that all flow logs have."""

_LAST_SECOND = 253402300799  # of the year 9999
_TIMES = ("start", "end")
# Names are small letters; what a record says of itself has digits, capitals or a dash alone.
_HEADER = "[a-z -]*+"


def dataset(name: str, help_: str, fields: Sequence[Field]) -> Dataset:
    """The dataset of flow logs, by the day of their `start`."""
    date = Field("date", "date", "day of start, or of end, UTC")
    return Dataset(
        name=name,
        help=help_,
        fields=(*fields, SOURCE, date),
        partitioned_by=("date",),
        write_mode="batch",
    )


@dataclass(frozen=True)
class Flows:
    """A kind of flow logs: its fields, how many of them, from the left, a record has by default,
    those that are addresses, and what others can hold, as `values` has it. Some names of those that
    are `of_gateways` begin with `tgw-`, and none of others.
    """

    fields: Sequence[Field]
    default: int
    addresses: Sequence[str]
    values: Mapping[str, str]
    of_gateways: bool = False

    @cached_property
    def columns(self) -> Columns:
        """As headers name them."""
        names = {field.name.replace("_", "-"): field.name for field in self.fields}
        first = tuple(names)[: self.default]
        return Columns(separator=" ", names=names, without_header=first, versions=(self.default,))

    def parse(self, lines: DataFrame, header: Header | None) -> DataFrame:
        """Lines with the columns of `ORIGIN` to rows of the fields, or a reason why not."""
        # Single spaces part the fields, as a rule.
        spaced = F.when(F.contains(RAW, F.lit("  ")), F.regexp_replace(RAW, " ++", " "))
        line = F.trim(F.coalesce(spaced, RAW))
        return self.rows(named.apart(lines, self.columns, header, line), header)

    def rows(self, apart: DataFrame, header: Header | None) -> DataFrame:
        """The same of lines that are taken apart into their `_pieces`."""
        pieces = named.pieces(self.columns, header)
        times = {name: _time(pieces.get(name)) for name in _TIMES}
        return apart.withColumns(times).select(
            *ORIGIN,
            self._reason(pieces, header).alias(REASON),
            *(
                F.col(field.name) if field.name in times else named.value(pieces, field)
                for field in self.fields
            ),
            F.col(SOURCE_FILE).alias("source_file"),
            F.to_date(F.coalesce("start", "end")).alias("date"),
        )

    def _reason(self, pieces: dict[str, Column], header: Header | None) -> Column:
        bad_times = [
            pieces[name].isNotNull() & F.col(name).isNull() for name in _TIMES if name in pieces
        ]
        nowhere = F.col("start").isNull() & F.col("end").isNull()
        known = F.size(F.array_intersect("_pieces", F.array(*map(F.lit, self.columns.names))))
        names = F.size(F.array_distinct("_pieces"))
        is_named = F.col(RAW).rlike(rf"^{_HEADER}\z") & (known > 1) & (2 * known > names)
        is_header = named.is_header(F.col("_pieces"), header)
        return log.reason(
            REJECTS,
            {
                "wrong_fields": named.has_wrong_fields(self.columns, header),
                "bad_timestamp": log.any_of([*bad_times, nowhere]),
                "bad_number": named.has_bad_number(pieces, self.fields),
                "bad_address": log.is_none_of(
                    pieces, dict.fromkeys(self.addresses, values.ADDRESS)
                ),
                "bad_value": log.is_none_of(pieces, self.values),
            },
            skipped=F.when(is_named, is_header).otherwise(F.lit(False)),
        )

    def header_of(self, line: str) -> Header | None:
        """The names of the columns, where a line gives them: more than one known, and most."""
        names = tuple(name for name in line.split(" ") if name)
        known = len(self.columns.names.keys() & set(names))
        is_header = re.fullmatch(_HEADER, line) and known > 1 and 2 * known > len(set(names))
        is_of_gateways = any(name.startswith("tgw-") for name in names)
        return names if is_header and is_of_gateways == self.of_gateways else None

    def header_of_columns(self, names: Sequence[str]) -> Header | None:
        """The same of the columns of a Parquet file, in whose names dashes are underscores."""
        return self.header_of(" ".join(name.replace("_", "-") for name in names))


def _time(piece: Column | None) -> Column:
    if piece is None:
        return F.lit(None).cast("timestamp")
    seconds = log.number(piece, "bigint")
    return F.timestamp_seconds(F.when(seconds <= _LAST_SECOND, seconds))
