"""Labels and amounts by name: maps, out of cells that hold JSON, or out of a cell for each name."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY

_PAIR = ("key", "value", "x_inherited")
"""What a tag in a list has; Google writes them in other cases."""


def of_text(text: Column) -> Column:
    """Tags as a map, from a JSON object or an array of objects that have a `key` and a `value`.

    What is neither stays as the value of the key `unparsed`.
    """
    # Azure leaves the braces out: "env": "prod","team": "a".
    bare = F.startswith(text, F.lit('"')) & text.rlike(r'^"[^"]*"\s*:')
    whole = F.when(bare, F.concat(F.lit("{"), text, F.lit("}"))).otherwise(text)
    parsed = _last_of_each(F.map_entries(F.from_json(whole, "map<string,string>")))
    is_list = F.startswith(text, F.lit("["))
    found = F.from_json(
        _named(F.when(is_list, text)), "array<struct<key:string,value:string,x_inherited:boolean>>"
    )
    # Google writes a label that is inherited beside the resource's own, which wins.
    ranked = F.concat(
        F.filter(found, lambda pair: F.coalesce(pair["x_inherited"], F.lit(False))),
        F.filter(found, lambda pair: ~F.coalesce(pair["x_inherited"], F.lit(False))),
    )
    pairs = F.transform(ranked, lambda pair: F.struct(pair["key"], pair["value"]))
    keys = F.transform(pairs, lambda pair: pair["key"])
    paired = F.when(~F.exists(keys, F.isnull), _last_of_each(pairs))
    unparsed = F.when(text.isNotNull(), F.create_map(F.lit("unparsed"), text))
    return F.coalesce(parsed, paired, unparsed)


def _named(listed: Column) -> Column:
    """The objects of a list with the names of `_PAIR`, in whichever case they are written."""
    for name in _PAIR:
        listed = F.regexp_replace(listed, rf'(?i)"{name}"\s*:', f'"{name}":')
    return listed


def of_cells(named: Mapping[str, Column]) -> Column:
    """A map of cells by name, without those that are null; null where there is none."""
    found = _given(named)
    return F.when(F.size(found) > 0, F.map_from_entries(found))


def of_amounts(named: Mapping[str, Column], text: Column) -> Column:
    """Amounts by name, out of a cell for each and of one that holds JSON; null is one that cannot
    be read."""
    listed = _last_of_each(F.map_entries(F.from_json(text, "map<string,string>")))
    amounts = F.transform_values(listed, lambda _, cell: cell.try_cast(MONEY))
    if not named:
        return amounts
    others = F.map_filter(F.coalesce(amounts, F.create_map()), lambda name, _: ~name.isin(*named))
    whole = F.map_concat(others, F.map_from_entries(_given(named)))
    return F.when(F.size(whole) > 0, whole)


def _given(named: Mapping[str, Column]) -> Column:
    entries = F.array(*(F.struct(F.lit(name), value) for name, value in named.items()))
    return F.filter(entries, lambda entry: entry["col2"].isNotNull())


def _last_of_each(entries: Column) -> Column:
    """A map of entries, of which the last counts where a key is there twice."""
    names = F.transform(entries, lambda entry: entry.getField("key"))
    last = F.filter(
        entries,
        lambda entry, place: (
            ~F.array_contains(
                F.slice(names, place + 2, F.greatest(F.size(names) - place - 1, F.lit(0))),
                entry.getField("key"),
            )
        ),
    )
    return F.map_from_entries(last)
