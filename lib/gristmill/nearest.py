"""What a mistyped name was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean a or b?`; where nothing is near, `there are: a, b, c`."""
    names = list(known)
    near = get_close_matches(name, names, _MOST)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are: {', '.join(names)}" if names else "there are none"
