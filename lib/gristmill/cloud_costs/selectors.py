"""Which charges a rule is about: by account, service, tag and more, as a TOML table says."""

from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs.costs import tag_value
from gristmill.errors import InputError

COLUMNS = {
    "export": "export",
    "provider": "provider_name",
    "service": "service_name",
    "billing_account": "billing_account_id",
    "account": "sub_account_id",
    "region": "region_id",
    "category": "charge_category",
    "currency": "billing_currency",
}
"""What charges are chosen by: the column of `charges` that each key of a table looks at."""

MAPS = {"tag": "tags", "cost_category": "x_cost_categories"}
"""And the maps: `tag.team = "mill"`."""

KEYS = (*COLUMNS, *MAPS)


def check(table: Mapping[str, Any], place: str) -> None:
    """Raise `InputError`, naming `place`, where a table chooses by something that there is not."""
    for key, wanted in table.items():
        if key in MAPS:
            if not isinstance(wanted, dict) or not wanted:
                raise InputError(f'{place}: {key} takes names, as {key}.team = "mill"')
            values = list(wanted.values())
        elif key in COLUMNS:
            values = [wanted]
        else:
            raise InputError(f"{place}: {key} is unknown; charges are chosen by {', '.join(KEYS)}")
        for value in values:
            texts = value if isinstance(value, list) else [value]
            if not texts or not all(isinstance(text, str) and text for text in texts):
                raise InputError(f"{place}: {key} takes a text, or a list of them, not {value!r}")


def chosen(table: Mapping[str, Any]) -> Column:
    """Whether a charge is one of those that a table, checked, chooses: all that it says holds."""
    holds = [_is_one_of(F.col(COLUMNS[key]), table[key]) for key in COLUMNS if key in table]
    for key, column in MAPS.items():
        for name, wanted in table.get(key, {}).items():
            holds.append(_is_one_of(tag_value(name, column), wanted))
    return reduce(and_, holds, F.lit(True))


def _is_one_of(value: Column, wanted: str | list[str]) -> Column:
    texts = wanted if isinstance(wanted, list) else [wanted]
    # A star is any value.
    is_one = value.isNotNull() if "*" in texts else value.isin(texts)
    return F.coalesce(is_one, F.lit(False))
