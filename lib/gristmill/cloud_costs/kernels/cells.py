"""The cells of an export's lines for polars, and which lines hold what is surely read alike."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial, reduce
from typing import Any

import polars as pl

from gristmill.cloud_costs.cells import NO_AMOUNT, NOTHING, Cells, key
from gristmill.cloud_costs.kernels.columns import AMOUNT, AMOUNTS, TYPES, Column, Functions

_PLAIN = r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?"
# So many digits as 18 places behind the point can hold.
_SCIENTIFIC = "|".join(
    rf"-?[0-9](?:\.[0-9]{{1,{18 - power}}})?E-0?{power}" for power in range(1, 13)
)
_AMOUNT = f"^(?:{_PLAIN}|{_SCIENTIFIC})$"
_DAY, _CLOCK = "[12][0-9]{3}-[01][0-9]-[0-3][0-9]", "[0-2][0-9]:[0-5][0-9]"
_TIME = rf"^{_DAY}[T ]{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?Z?$"
_WITHOUT_SECONDS = "^(.{10}T.{5})$"
_MAP = TYPES["map<string,string>"]
_WRITTEN = re.compile(_AMOUNT)
_UNSURE = object()


class FrameCells(Cells):
    """Cells in the columns `p0` … of a frame of polars.

    What is asked of them is what `values` then has to make: a rule asks first, and is computed
    after.
    """

    def __init__(self, names: Sequence[str]) -> None:
        # Of those that are named alike, the last counts, and of those with one key the first.
        self._named = {name: place for place, name in enumerate(names)}
        self._places = {key(name): place for name, place in reversed(self._named.items())}
        self._count = len(names)
        columns: Any = {name: _column(f"p{place}") for name, place in self._named.items()}
        functions: Any = Functions()
        super().__init__(columns, functions)
        self._maps: list[Mapping[str, str]] = []
        self._made: dict[str, tuple[str, Callable[[pl.Series], pl.DataFrame]]] = {}

    def text(self, name: str) -> Any:
        """A cell, null where nothing is known."""
        place = self._places.get(key(name))
        return self.functions.lit(None).cast("string") if place is None else _column(f"p{place}")

    def money(self, name: str) -> Any:
        """A cell as an amount."""
        return self._asked("m", name, _amounts, "decimal(38,18)")

    def time(self, name: str) -> Any:
        """A cell as a time."""
        return self._asked("t", name, _times, "timestamp")

    def tags(self, name: str) -> Any:
        """The map that a cell holds."""
        return self._asked("j", name, _maps, "map<string,string>")

    def member(self, name: str, key: str) -> Any:
        """What the map that a cell holds has under a key."""
        return self._asked(f"{key} of ", name, partial(_members, member=key), "string")

    def labels(self, prefixes: tuple[str, ...], whole: str) -> Any:
        """A map of the cells whose names have one of these prefixes."""
        named = {
            reduce(str.removeprefix, prefixes, name): f"p{place}"
            for name, place in self._named.items()
            if name.startswith(prefixes)
        }
        return self._grouped(named) if named else self.tags(whole)

    def amounts(self, named: Mapping[str, str], whole: str) -> Any:
        """A map of amounts, out of a cell for each; of one for all, where there is no other."""
        if not named:
            return self._asked("a", whole, _amounts_by_name, "map<string,decimal(38,18)>")
        # Both at once occur in no report; a line that had both would be left.
        self._asked("n", whole, _none, "string")
        for name in named.values():
            self.money(name)
        return self._grouped(
            {short: f"m{self._places[key(name)]}" for short, name in named.items()}
        )

    def month(self, start: str, end: str) -> Any:
        """The month in which the middle of a period lies."""
        begins = self.time(start).expr.dt.epoch("s")
        ends = self.time(end).expr.dt.epoch("s")
        middle = (begins + pl.coalesce(ends, begins)).floordiv(2)
        return Column(pl.from_epoch(middle, "s").dt.strftime("%Y-%m"))

    def values(self, pieces: pl.DataFrame) -> pl.DataFrame:
        """Pieces of lines as cells, with what was asked for; without lines that are not sure."""
        found = pieces.with_columns(
            _known(pl.col(f"p{place}")).alias(f"p{place}") for place in range(self._count)
        )
        made = [
            read(found[piece]).rename({"value": name}) for name, (piece, read) in self._made.items()
        ]
        sure = [frame["is_sure"] for frame in made]
        columns = [frame.drop("is_sure") for frame in made]
        whole = pl.concat([found, *columns], how="horizontal")
        whole = whole.filter(reduce(pl.Series.__and__, sure)) if sure else whole
        maps = [_map(whole, named).alias(f"g{at}") for at, named in enumerate(self._maps)]
        return whole.with_columns(maps)

    def _grouped(self, named: Mapping[str, str]) -> Any:
        self._maps.append(named)
        return _column(f"g{len(self._maps) - 1}")

    def _asked(
        self, kind: str, name: str, read: Callable[[pl.Series], pl.DataFrame], type_: str
    ) -> Any:
        place = self._places.get(key(name))
        if place is None:
            return self.functions.lit(None).cast(type_)
        self._made[f"{kind}{place}"] = (f"p{place}", read)
        return _column(f"{kind}{place}")


def _column(name: str) -> Any:
    return Column(pl.col(name))


def _known(piece: pl.Expr) -> pl.Expr:
    bare = piece.str.strip_chars(" ")
    return pl.when(~bare.is_in(NOTHING)).then(bare)


def _map(frame: pl.DataFrame, named: Mapping[str, str]) -> pl.Series:
    """Columns as a map in each row, by their keys, without those that are null; null where all
    are."""
    rows = frame.select(pl.int_range(pl.len()).alias("row"))
    entries = pl.concat(
        frame.select(
            rows["row"], pl.lit(short, dtype=pl.String).alias("key"), pl.col(column).alias("value")
        ).drop_nulls("value")
        for short, column in named.items()
    )
    lists = entries.group_by("row").agg(pl.struct("key", "value").alias("entries"))
    return rows.join(lists, on="row", how="left", maintain_order="left")["entries"]


def _read(value: pl.Series, is_sure: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"value": value, "is_sure": is_sure})


def _amounts(cells: pl.Series) -> pl.DataFrame:
    says_nothing = cells.str.to_lowercase().is_in(NO_AMOUNT)
    is_sure = cells.is_null() | says_nothing | cells.str.contains(_AMOUNT)
    return _read(cells.cast(AMOUNT, strict=False), is_sure.fill_null(value=True))


def _times(cells: pl.Series) -> pl.DataFrame:
    bare = cells.str.strip_chars_end("Z").str.replace(" ", "T", literal=True)
    # Azure and Oracle leave them out.
    bare = bare.str.replace(_WITHOUT_SECONDS, "${1}:00")
    read = bare.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    is_sure = cells.is_null() | (cells.str.contains(_TIME) & read.is_not_null())
    return _read(read.dt.replace_time_zone("UTC"), is_sure.fill_null(value=True))


def _none(cells: pl.Series) -> pl.DataFrame:
    return _read(cells, cells.is_null())


def _maps(cells: pl.Series) -> pl.DataFrame:
    return _by_text(cells, _entries, _MAP)


def _members(cells: pl.Series, member: str) -> pl.DataFrame:
    return _by_text(cells, lambda found: found.get(member), pl.String())


def _amounts_by_name(cells: pl.Series) -> pl.DataFrame:
    return _by_text(cells, _as_amounts, AMOUNTS)


def _by_text(
    cells: pl.Series, made: Callable[[Mapping[str, str]], Any], type_: Any
) -> pl.DataFrame:
    """What is made of the JSON objects that cells hold, of each that occurs once."""
    each = cells.unique().drop_nulls()
    held = [_object(text) for text in each]
    found = [_UNSURE if one is None else made(one) for one in held]
    known = pl.DataFrame(
        {
            "cell": each,
            "value": pl.Series([None if one is _UNSURE else one for one in found], dtype=type_),
            "is_sure": pl.Series([one is not _UNSURE for one in found], dtype=pl.Boolean()),
        },
        schema_overrides={"cell": pl.String()},
    )
    asked = cells.alias("cell").to_frame()
    joined = asked.join(known, on="cell", how="left", maintain_order="left")
    return joined.select("value", pl.col("is_sure") | pl.col("cell").is_null())


def _object(text: str) -> Mapping[str, str] | None:
    """A JSON object of strings, each key there once; None for all else."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except ValueError:
        return None
    is_object = text.startswith("{") and all(isinstance(value, str) for _, value in pairs)
    found = dict(pairs) if is_object else {}
    whole = is_object and len(found) == len(pairs)
    is_text = whole and all(part.isprintable() for pair in pairs for part in pair)
    return found if is_text else None


def _entries(found: Mapping[str, Any]) -> Any:
    return [{"key": name, "value": value} for name, value in found.items()]


def _as_amounts(found: Mapping[str, str]) -> Any:
    if not all(_WRITTEN.match(value) for value in found.values()):
        return _UNSURE
    return _entries({name: Decimal(value) for name, value in found.items()})
