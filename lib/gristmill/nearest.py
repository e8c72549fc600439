"""What a mistyped name was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean a or b?`; where nothing is near, `there are: a, b, c`."""
    names = list(dict.fromkeys(known))
    if close := get_close_matches(name, names, _MOST):
        return f"did you mean {' or '.join(close)}?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean a or b?`, to go on with; nothing where nothing is near."""
    close = get_close_matches(name, list(known), _MOST)
    return f"; did you mean {' or '.join(close)}?" if close else ""
