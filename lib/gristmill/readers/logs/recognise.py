"""Which format logs are in, by the first lines of each file."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from gristmill.errors import InputError
from gristmill.readers.logs import formats
from gristmill.readers.logs.envelopes import bare, is_exported, opened

_SAMPLED, _SHOWN, _WIDTH = 200, 3, 120
_FEW, _LINES = 10, 10_000


def recognise(heads: Mapping[str, str]) -> str | None:
    """The name of the one format that reads all files, from the first lines of each.

    None where there are no lines. Raises `InputError` where no line of a file is of a known format,
    or files, or lines of a file, are of formats that do not belong together.
    """
    by_file: dict[str, str] = {}
    for file, start in heads.items():
        text = opened(start)
        lines = [line for line in text.split("\n")[:_SAMPLED] if line.strip(" \t\r\0\ufeff")]
        # Where files are many, a few lines of each do, unless they are of no format.
        known = _formats_of(lines[: max(_FEW, _LINES // len(heads))]) or _formats_of(lines)
        if known:
            by_file[file] = _that_reads(known) or _mixed(file, known)
        elif lines:
            raise InputError(_unknown(file, lines))
    names = sorted(set(by_file.values()))
    if not names:
        return None
    chosen = _that_reads(names)
    if chosen is None:
        examples = {name: file for file, name in by_file.items()}
        told = ", ".join(f"{examples[name]} is {name}" for name in names)
        raise InputError(f"the input mixes formats ({told}): run each by itself, with --format")
    return chosen


def _formats_of(lines: Sequence[str]) -> list[str]:
    return sorted({found for line in lines if (found := _format_of(line))})


def _that_reads(names: Sequence[str]) -> str | None:
    """The format that reads lines of all of these; None where there is none."""
    if len(names) == 1:
        return names[0]
    return next((name for name, one in formats().items() if {*names} <= {name, *one.covers}), None)


def _mixed(file: str, names: Sequence[str]) -> NoReturn:
    raise InputError(f"{file} mixes formats: {', '.join(names)}")


def _format_of(line: str) -> str | None:
    plain = line.strip("\ufeff\r")
    return _named(plain) or (_named(bare(plain)) if is_exported(plain) else None)


def _named(line: str) -> str | None:
    return next((name for name, found in formats().items() if found.matches(line)), None)


def _unknown(file: str, lines: Sequence[str]) -> str:
    shown = [line.strip("\ufeff\r") for line in lines[:_SHOWN]]
    short = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in shown]
    return (
        f"{file} is not a log in a known format ({', '.join(formats())}); leave it out, or if it "
        f"is one all the same, say which with --format\n(it starts with: {' ⏎ '.join(short)})"
    )
