"""The instance types that EMR takes, as its list was on a day: instance_types.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Supported:
    """The sizes of each family that `release` took when the list was made, `asof` (ISO 8601)."""

    release: str
    asof: str
    families: Mapping[str, tuple[str, ...]]


@cache
def supported() -> Supported:
    """The list that comes with Gristmill."""
    told = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    families = {name: tuple(sizes) for name, sizes in told["families"].items()}
    return Supported(told["release"], told["asof"], families)
