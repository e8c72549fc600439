"""A layout taken apart: variables, and the text between them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gristmill.errors import UsageError


@dataclass(frozen=True)
class Variable:
    """What a value in a line is. `column` is that of the dataset that it fills, None where it goes
    to `more` under its `name`; of several for one column, that with the lowest `rank` does.

    `kind` says how it is read: `text`, `list` (several, with commas or colons between), `sum` (of
    several), `captures` (what HAProxy has in braces), `client`, `forwarded`, `request`, `target`,
    `query`, `status`, `bytes`, `int`, `seconds` (times `scale`), or a time: `clf`, `iso`, `epoch`
    (times `scale`), or a pattern of Java's behind `pattern `; `fraction` and `zone` are parts of
    one.
    """

    name: str
    kind: str = "text"
    column: str | None = None
    rank: int = 0
    scale: str = "1"


Token = str | Variable
"""A text that stands in each line as it is, or what is different in each."""

TIMES = ("clf", "iso", "epoch", "pattern", "fraction", "zone")
"""The kinds of times, and of their parts."""


def is_time(token: Token) -> bool:
    """Whether it is a time, or a part of one."""
    return isinstance(token, Variable) and token.kind.partition(" ")[0] in TIMES


def checked(tokens: Sequence[Token], layout: str) -> tuple[Token, ...]:
    """Tokens that can be told apart in a line. Raises `UsageError` for others."""
    joined = tuple(_joined(tokens))
    for before, after in pairwise(joined):
        if not isinstance(before, str) and not isinstance(after, str):
            raise UsageError(
                f"layout {layout!r}: nothing stands between {before.name} and {after.name}, so "
                "that nobody can tell where the one ends"
            )
    if not any(is_time(token) for token in joined):
        raise UsageError(f"layout {layout!r}: it has no time, without which a request has no day")
    return joined


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """Texts that follow each other as one; runs of spaces are one, as they are in lines."""
    text = ""
    for token in tokens:
        if isinstance(token, str):
            text += token
            continue
        if text:
            yield re.sub(" +", " ", text)
        text = ""
        yield token
    if text.strip():
        yield re.sub(" +", " ", text).rstrip()
