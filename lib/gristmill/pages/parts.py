"""What a page is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A number that stands for itself, with its unit; `note` says what it is beside."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table. `numbers` are the places of columns that are numbers; `left_out` how many rows are
    not shown."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    left_out: int = 0
    caption: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart in Vega-Lite's words, less its width, and the same as a table."""

    title: str
    spec: Mapping[str, Any]
    table: Sheet
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page, with a heading: figures, then charts, then tables."""

    id: str
    title: str
    lead: str = ""
    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    sheets: Sequence[Sheet] = field(default_factory=tuple)
