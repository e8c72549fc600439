"""How what a command found out is shown: as JSON, or as text with tables that fit the terminal."""

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import singledispatch
from typing import Any, Literal

from gristmill.script.console import render


@dataclass(frozen=True)
class Table:
    """A heading, and rows of as many cells."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]


Block = str | Table

_STYLES = {
    **dict.fromkeys(("ok", "succeeded"), "green"),
    **dict.fromkeys(("warning", "running", "pending"), "yellow"),
    **dict.fromkeys(("failed", "cancelled"), "red"),
}


# A count, a size, a span, a share: "1,234", "107.8 kB", "0.8 s", "43 %"; not "2026-11-30T".
_NUMBER = re.compile(r"-?[\d,]*\.?\d+(?: .*|%)?$")
_LONGEST_WORD, _LEAST, _GAP = 40, 12, 2


@singledispatch
def blocks(value: object) -> Iterable[Block]:
    """A value as text: lines, and tables. Each kind registers its own."""
    raise TypeError(f"nothing says how to show {type(value).__name__}")


@singledispatch
def document(value: Any) -> Any:
    """A value as JSON has it; a dataclass as an object with its fields."""
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {field.name: document(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): document(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [document(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def show(value: object, *, as_json: bool = False) -> None:
    """Print a value to standard output."""
    if as_json:
        print(json.dumps(document(value), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        _show_on_terminal(blocks(value))
    else:
        print("\n".join(lines(value)))


def json_line(value: object) -> str:
    """A value as JSON on one line."""
    return json.dumps(document(value), ensure_ascii=False)


def lines(value: object) -> list[str]:
    """A value as plain lines, as wide as they are."""
    found: list[str] = []
    for block in blocks(value):
        found += [block] if isinstance(block, str) else render(block.heading, block.rows)
    return found


def _show_on_terminal(shown: Iterable[Block]) -> None:
    from rich.console import Console  # noqa: PLC0415  it takes a moment to load
    from rich.table import Table as RichTable  # noqa: PLC0415

    console = Console(highlight=False)
    for block in shown:
        if isinstance(block, str):
            # A path is to be copied, and so not to be broken.
            console.print(block, markup=False, soft_wrap="://" in block)
            continue
        table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        whole = _whole(block, console.width)
        for place, name in enumerate(block.heading):
            is_number = bool(block.rows) and all(_NUMBER.match(row[place]) for row in block.rows)
            side: Literal["right", "left"] = "right" if is_number else "left"
            table.add_column(name, justify=side, overflow="fold", no_wrap=place in whole)
        for row in block.rows:
            table.add_row(*map(_styled, row))
        console.print(table)


def _whole(table: Table, width: int) -> set[int]:
    """The columns that are not to be broken over lines, as their words are to be copied, where the
    others have room beside them."""
    columns = list(zip(table.heading, *table.rows, strict=True))
    longest = [max(map(len, cells)) for cells in columns]
    found = {
        place
        for place, cells in enumerate(columns)
        if not any(" " in cell for cell in cells) and longest[place] <= _LONGEST_WORD
    }
    least = (most if place in found else min(most, _LEAST) for place, most in enumerate(longest))
    return found if sum(least) + _GAP * len(columns) <= width else set()


def _styled(text: str) -> str:
    if text in _STYLES:
        return f"[{_STYLES[text]}]{text}[/]"
    return text.replace("[", r"\[")  # rich takes [bold] for a command
