"""The cells of an export's row by the names in its header, and what they hold."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs import maps
from gristmill.cloud_costs.charges import MONEY

NOTHING = ("", "NULL", "null", "Null")
NO_AMOUNT = ("none", "n/a", "-")
_SIGN = "[$€£¥]"
# A comma alone may be a decimal one, so only those before a point, or several, are of thousands.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d+(?:\.\d+)?)"
_PRICE = f"{_SIGN}? ?{_NUMBER}(?: ?{_SIGN})?"
_WRITTEN = rf"^(?:-?{_PRICE}|{_SIGN}-{_NUMBER}|\({_PRICE}\)|{_PRICE}-)$"
_OFFSET = r"[T ]\d\d?:?\d\d.*([+-])(\d\d):?(\d\d)?$"
_DATE = r"^\d{4}-\d\d?-\d"
_WITHOUT_SECONDS = r"^(\d{4}-\d\d?-\d\d?[T ]\d\d:\d\d)(Z|[+-].*)$"


def key(name: str) -> str:
    """A column's name without case and marks: `lineItem/UnblendedCost`, `line_item_unblended_cost`.

    AWS writes the same column in both ways, and exports of FOCUS differ in case.
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def has_half(keys: frozenset[str], names: Sequence[str]) -> bool:
    """Whether at least half of some names are among the keys of columns."""
    return 2 * sum(key(name) in keys for name in names) >= len(names)


class Functions(Protocol):
    """What charges take of `pyspark.sql.functions`."""

    def coalesce(self, *columns: Column) -> Column: ...
    def endswith(self, text: Column, end: Column, /) -> Column: ...
    def lit(self, value: Any, /) -> Column: ...
    def lower(self, text: Column, /) -> Column: ...
    def regexp_extract(self, text: Column, expression: str, group: int, /) -> Column: ...
    def startswith(self, text: Column, start: Column, /) -> Column: ...
    def try_add(self, one: Column, other: Column, /) -> Column: ...
    def try_divide(self, one: Column, other: Column, /) -> Column: ...
    def try_multiply(self, one: Column, other: Column, /) -> Column: ...
    def try_subtract(self, one: Column, other: Column, /) -> Column: ...
    def when(self, condition: Column, value: Any, /) -> Column: ...


@dataclass(frozen=True)
class Cells:
    """The cells of a row: the column that holds each, by its name in the header.

    `functions` is what Spark has under that name. What charges are is said by these and by the
    methods here alone, so that `kernels.cells` can stand in for both.
    """

    columns: Mapping[str, Column]
    functions: Functions = F

    @property
    def names(self) -> Collection[str]:
        """The names in the header."""
        return self.columns.keys()

    @property
    def keys(self) -> frozenset[str]:
        """The names in the header, as `key` writes them."""
        return frozenset(map(key, self.columns))

    def text(self, name: str) -> Column:
        """A cell, null where it is empty or a literal `NULL`, or where there is no such column."""
        wanted = key(name)
        for found, column in self.columns.items():
            if key(found) == wanted:
                return known(column)
        return F.lit(None).cast("string")

    def money(self, name: str) -> Column:
        """A cell as a decimal; null where it is none, or says that there is none (`N/A`).

        Scientific notation is one too, and so are `1,234.56`, `(5.00)`, `5.00-` and `$5.00`.
        """
        return _money(self.text(name))

    def time(self, name: str) -> Column:
        """A cell as a timestamp, in UTC where it has no zone. Null where it is none."""
        return _time(self.text(name))

    def tags(self, name: str) -> Column:
        """The map that a cell holds: see `maps.of_text`."""
        return maps.of_text(self.text(name))

    def labels(self, prefixes: tuple[str, ...], whole: str) -> Column:
        """A map of the cells whose names have one of these prefixes, by what follows it.

        Where there are none, of what the cell `whole` holds. Empty cells are left out.
        """
        # Not by `key`: names may differ in case and marks alone.
        named = {
            reduce(str.removeprefix, prefixes, name): known(column)
            for name, column in self.columns.items()
            if name.startswith(prefixes)
        }
        return maps.of_cells(named) if named else self.tags(whole)

    def amounts(self, named: Mapping[str, str], whole: str) -> Column:
        """A map of amounts: see `maps.of_amounts`. `named` are the names of cells by key."""
        cells = {key: self.money(name) for key, name in named.items()}
        return maps.of_amounts(cells, self.text(whole))

    def member(self, name: str, key: str) -> Column:
        """What the JSON object that a cell holds has under a key; null where there is none."""
        return F.from_json(self.text(name), "map<string,string>")[key]

    def month(self, start: str, end: str) -> Column:
        """The month, yyyy-MM, in which the middle of a period lies, in the offset of its start."""
        begins, ends = F.unix_seconds(self.time(start)), F.unix_seconds(self.time(end))
        middle = F.floor((begins + F.coalesce(ends, begins)) / 2)
        text = self.text(start)
        sign = F.when(F.regexp_extract(text, _OFFSET, 1) == "-", F.lit(-1)).otherwise(F.lit(1))
        hours, minutes = (
            F.coalesce(F.regexp_extract(text, _OFFSET, group).try_cast("int"), F.lit(0))
            for group in (2, 3)
        )
        there = F.timestamp_seconds(middle + sign * (hours * 3600 + minutes * 60))
        return F.date_format(there, "yyyy-MM")

    def is_bad_money(self, names: Sequence[str]) -> Column:
        """Whether one of the cells holds something that is no decimal."""
        return self._is_bad(
            names, lambda cell: F.when(_says_nothing(cell), 0).otherwise(_money(cell))
        )

    def is_bad_time(self, names: Sequence[str]) -> Column:
        """Whether one of the cells holds something that is not a time."""
        return self._is_bad(names, _time)

    def _is_bad(self, names: Sequence[str], read: Callable[[Column], Column]) -> Column:
        bad = F.lit(False)
        for name in names:
            if key(name) in self.keys:
                cell = self.text(name)
                bad = bad | (cell.isNotNull() & read(cell).isNull())
        return bad


def known(cell: Column) -> Column:
    """A cell without the blanks around it; null where it is empty or says `NULL`."""
    return F.when(~F.trim(cell).isin(*NOTHING), F.trim(cell))


def _says_nothing(cell: Column) -> Column:
    return F.lower(cell).isin(*NO_AMOUNT)


def _money(cell: Column) -> Column:
    is_less = cell.rlike(r"[-(]")
    digits = F.regexp_replace(cell, r"[^\d.]", "")
    signed = F.concat(F.when(is_less, F.lit("-")).otherwise(F.lit("")), digits)
    written = F.when(cell.rlike(_WRITTEN), signed.try_cast(MONEY))
    return F.coalesce(cell.try_cast(MONEY), written)


def _time(text: Column) -> Column:
    # Azure leaves the seconds out, which Spark takes without a zone alone.
    whole = F.regexp_replace(text, _WITHOUT_SECONDS, "$1:00$2")
    # Of a mere hour Spark makes a time of today.
    return F.when(
        text.rlike(_DATE), F.coalesce(text.try_cast("timestamp"), whole.try_cast("timestamp"))
    )
