"""TOML files of rules: tables under known names, each with a name of its own."""

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gristmill.errors import InputError


def tables(text: str, file: str, kinds: Sequence[str]) -> list[tuple[str, dict[str, Any], str]]:
    """The tables of a TOML file: the kind of each, in the order of `kinds`, it, and its place.

    Raises `InputError` for what is no TOML, and for anything but `[[kind]]`.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is no TOML: {error}") from None
    wanted = " and ".join(f"[[{kind}]]" for kind in kinds)
    unknown = [name for name in document if name not in kinds]
    if unknown or not document:
        raise InputError(f"{file} has {wanted}, not {', '.join(unknown) or 'none'}")
    found = []
    for kind in kinds:
        listed = document.get(kind, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise InputError(f"{file} has {kind} otherwise than as {wanted}, each with its lines")
        found += [
            (kind, dict(one), f"{file}, {kind} {number}")
            for number, one in enumerate(listed, start=1)
        ]
    return found


def check_names(names: Sequence[str], file: str, what: str) -> None:
    """Raise `InputError` where two have the same name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{file} has two {what} of the name {', '.join(twice)}")


def is_number(value: object) -> bool:
    """Whether a value is a number, and a finite one."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int) and not isinstance(value, bool)
