"""Growth and decline that are too slow for any day to be odd.

Eight weeks are held against each other: nearly all of the later ones are above the earlier ones, by
the rank correlation of M. G. Kendall (Rank Correlation Methods, 1975; H. B. Mann, Nonparametric
Tests Against Trend, Econometrica 13, 1945), and the slope of P. K. Sen (Estimates of the Regression
Coefficient Based on Kendall's Tau, JASA 63, 1968) over them comes to a fifth of what they cost, and
to five times what weeks of the last half year usually differ by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import sqrt
from statistics import fmean, median

from gristmill.cloud_costs.anomalies.baseline import WEEK

_WEEKS = 8
_TAU = 0.85
_SHARE = 0.2
_SPREADS, _HALF_YEAR, _SCALE = 5, 26, 1.4826


@dataclass(frozen=True)
class Drift:
    """Growth or decline: its first and last day, as places, and what a day cost before it."""

    start: int
    end: int
    base: float
    is_up: bool


def drifts(costs: Sequence[float]) -> Iterator[Drift]:
    """The drifts in daily costs, in the order of time; steps and odd days are not in them."""
    now: Drift | None = None
    sums = [0.0]
    for cost in costs:
        sums.append(sums[-1] + cost)
    for end in range(_WEEKS * WEEK, len(costs) + 1):
        starts = range(end - WEEK, max(-1, end - _HALF_YEAR * WEEK - 1), -WEEK)
        past = [(sums[start + WEEK] - sums[start]) / WEEK for start in starts][::-1]
        weeks = past[-_WEEKS:]
        direction = _direction(weeks, _usual_change(past))
        if now and direction and now.is_up == (direction > 0) and end - now.end <= WEEK:
            now = Drift(now.start, end - 1, now.base, now.is_up)
        elif direction:
            if now:
                yield now
            now = Drift(end - _WEEKS * WEEK, end - 1, weeks[0], direction > 0)
    if now:
        yield now


def _usual_change(weeks: Sequence[float]) -> float:
    """By how much weeks differ from those before, apart from what all of them do."""
    changes = [after - before for before, after in pairwise(weeks)]
    middle = median(changes)
    return _SCALE * median(abs(change - middle) for change in changes) / sqrt(2)


def _direction(weeks: Sequence[float], usual: float) -> int:
    """1 for growth, -1 for decline, 0 for neither; `usual` is what weeks differ by anyhow."""
    pairs = list(combinations(range(len(weeks)), 2))
    signs = [(weeks[b] > weeks[a]) - (weeks[b] < weeks[a]) for a, b in pairs]
    tau = sum(signs) / len(pairs)
    if abs(tau) < _TAU:
        return 0
    slope = median((weeks[b] - weeks[a]) / (b - a) for a, b in pairs)
    if abs(slope) * (len(weeks) - 1) < max(_SHARE * abs(fmean(weeks)), _SPREADS * usual):
        return 0
    return 1 if slope > 0 else -1
