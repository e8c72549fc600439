"""Random draws that come out alike on every Python and every machine.

`Random.random` is the one method whose sequence Python promises to keep between versions, so every
draw is made from it. The weights need only addition and division, which IEEE 754 fixes to the last
bit; powers and logarithms differ between C libraries.
"""

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def below(rng: Random, limit: int) -> int:
    """A whole number from 0 to `limit` - 1, each as likely."""
    return int(rng.random() * limit)


def chance(rng: Random, probability: float) -> bool:
    """True with a `probability` from 0 to 1."""
    return rng.random() < probability


def pick(rng: Random, items: Sequence[T]) -> T:
    """One of the items, each as likely."""
    return items[below(rng, len(items))]


def hexes(rng: Random, digits: int) -> str:
    """A number of so many hexadecimal digits."""
    # Twelve of them fit the 53 bits of a draw.
    parts = [f"{below(rng, 1 << 48):012x}" for _ in range(0, digits, 12)]
    return "".join(parts)[:digits]


def shuffled(rng: Random, items: Sequence[T]) -> list[T]:
    """The items in a random order."""
    return [
        item for _, item in sorted(((rng.random(), item) for item in items), key=lambda p: p[0])
    ]


class Weighted(Generic[T]):
    """Items to draw from, each as likely as its weight is great."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._items = list(weights)
        self._bounds = list(accumulate(weights.values()))

    def draw(self, rng: Random) -> T:
        """One of the items."""
        point = rng.random() * self._bounds[-1]
        return self._items[bisect(self._bounds, point, hi=len(self._items) - 1)]


def zipf(items: Sequence[T]) -> Weighted[T]:
    """Distinct items to draw from with a Zipf-Mandelbrot skew, the first the most frequent."""
    return Weighted({item: 1 / (rank + 3) for rank, item in enumerate(items)})
