"""Rules of whose a cost is, as a TOML file has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gristmill.cloud_costs import selectors
from gristmill.cloud_costs.rule_files import check_names, is_number, tables
from gristmill.errors import InputError

EVENLY, BY_WEIGHT, IN_PROPORTION = "evenly", "by_weight", "in_proportion"
WAYS = (EVENLY, BY_WEIGHT, IN_PROPORTION)

ACCOUNT = "account"
_MOST = 10**7


@dataclass(frozen=True)
class Rule:
    """Which charges are whose: those that `when` chooses are an `owner`'s, or that of a tag, a cost
    category or an account (`owner_from`: a map and a key in it); or they are shared in a `way`
    among owners, with their weights, which are empty where all owners take part."""

    name: str
    when: Mapping[str, Any]
    owner: str | None = None
    owner_from: tuple[str, str] | None = None
    way: str | None = None
    weights: Mapping[str, Decimal] | None = None


def parse(text: str, file: str) -> tuple[Rule, ...]:
    """The rules of a TOML file: all `[[shared]]`, then all `[[rule]]`, in their order.

    Raises `InputError`, naming the rule, for what is none.
    """
    read = {"shared": _shared, "rule": _owned}
    rules = [read[kind](one, place) for kind, one, place in tables(text, file, tuple(read))]
    check_names([rule.name for rule in rules], file, "rules")
    return tuple(rules)


def _owned(one: dict[str, Any], place: str) -> Rule:
    name = str(one.pop("name", place.rpartition(", ")[2]))
    owner, source = one.pop("owner", None), one.pop("owner_from", None)
    if (owner is None) == (source is None):
        raise InputError(f'{place}: it takes one of owner = "mill" and owner_from = "tag.team"')
    selectors.check(one, place)
    if source is None:
        return Rule(name, one, owner=str(owner))
    kind, _, key = str(source).partition(".")
    if source != ACCOUNT and not (kind in selectors.MAPS and key):
        raise InputError(f'{place}: owner_from is "account", "tag.KEY" or "cost_category.KEY"')
    return Rule(name, one, owner_from=(kind, key))


def _shared(one: dict[str, Any], place: str) -> Rule:
    name = str(one.pop("name", place.rpartition(", ")[2]))
    way, owners = one.pop("split", None), one.pop("among", None)
    if way not in WAYS:
        raise InputError(f"{place}: split is one of {', '.join(WAYS)}, not {way!r}")
    selectors.check(one, place)
    if not one:
        raise InputError(f"{place}: it says of no charges that they are shared")
    if way == BY_WEIGHT:
        return Rule(name, one, way=way, weights=_weights(owners, place))
    if way == IN_PROPORTION and owners is None:
        return Rule(name, one, way=way, weights={})
    if not isinstance(owners, list) or not owners or not all(isinstance(to, str) for to in owners):
        raise InputError(f'{place}: among whom? among = ["mill", "shop"]')
    return Rule(name, one, way=way, weights=dict.fromkeys(owners, Decimal(1)))


def _weights(owners: Any, place: str) -> Mapping[str, Decimal]:
    if not isinstance(owners, dict) or not owners:
        raise InputError(f"{place}: with which weights? among = {{ mill = 3, shop = 1 }}")
    for owner, weight in owners.items():
        if not is_number(weight) or not 0 < weight < _MOST:
            raise InputError(
                f"{place}: the weight of {owner} is a number above 0 and below {_MOST:,}, "
                f"not {weight}"
            )
    return {owner: Decimal(weight) for owner, weight in owners.items()}
