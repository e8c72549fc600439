"""How far off the forecast of a month is, beside the naive one: its days so far, continued.

    python benchmarks/forecasts.py [--series 200] [--seed 1]

The series are those of `anomalies.py`. Each of the last six whole months is forecast from its
5th, 10th, 15th, 20th and 25th day. Prints the median and the mean of how far off the month's sum
is, as a part of it, of both. Seeds above 1000 were held back.
"""

import argparse
import random
from collections import defaultdict
from datetime import date, timedelta
from statistics import fmean, median

from anomalies import FIRST, make

from gristmill.cloud_costs.forecast import naive, rest_of_month

DAYS = (5, 10, 15, 20, 25)
MONTHS = [date(2025, month, 1) for month in range(12, 13)] + [
    date(2026, month, 1) for month in range(1, 6)
]


def errors(seed: int, count: int) -> dict[int, list[tuple[float, float]]]:
    """How far off a forecast and the naive one are, by the day that they are made on."""
    chance = random.Random(seed)
    found = defaultdict(list)
    for _ in range(count):
        costs = make(chance).costs
        for first in MONTHS:
            start = (first - FIRST).days
            days = ((first + timedelta(days=31)).replace(day=1) - first).days
            whole = sum(costs[start : start + days])
            if not whole:
                continue
            for day in DAYS:
                known = costs[: start + day]
                so_far = costs[start : start + day]
                forecast = sum(so_far) + rest_of_month(FIRST, known, [0.0] * len(known))
                other = naive(so_far, days)
                found[day].append((abs(forecast - whole) / whole, abs(other - whole) / whole))
    return found


def main() -> None:
    """Print how far off both are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("day  median  naive    mean  naive")
    for day, pairs in errors(arguments.seed, arguments.series).items():
        ours, others = zip(*pairs, strict=True)
        print(
            f"{day:>3}  {median(ours):6.1%} {median(others):6.1%}  "
            f"{fmean(ours):6.1%} {fmean(others):6.1%}"
        )


if __name__ == "__main__":
    main()
