"""A model of a fleet: which policy costs what, and how long runs wait for it.

Runs come at random through the hours of a day, take a random time, and wait for a worker; workers
take a while to boot, and the group follows its policy as target tracking does: out after three
minutes above the target, in after fifteen below nine tenths of it
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html).
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log

_MINUTE = 60.0
_OUT_AFTER, _IN_AFTER = 3, 15
_SLACK = 0.9
_SIGMA = 0.8  # of the logarithm of a run's time: a few take much longer than most


@dataclass(frozen=True)
class Load:
    """What comes: runs an hour in the peak and else, the hours of the peak, and the mean time of a
    run, in seconds."""

    peak: float = 600.0
    base: float = 20.0
    peak_from: float = 8.0
    peak_hours: float = 4.0
    run_seconds: float = 300.0
    hours: float = 24.0


@dataclass(frozen=True)
class Policy:
    """How many workers there are: `fixed` ones, or between `least` and `most` at a `target` of runs
    for each, counting what is `in_flight` or only what waits."""

    name: str
    least: int
    most: int
    target: float | None = None
    in_flight: bool = True
    slots: int = 1


@dataclass(frozen=True)
class Outcome:
    """What a policy comes to: waits in seconds, the share of runs that waited longer than the
    bound, worker hours and their price, and the workers and the runs that waited at each minute."""

    policy: str
    runs: int
    wait_p50: float
    wait_p95: float
    late_share: float
    worker_hours: float
    cost: float
    most_workers: int
    workers: tuple[int, ...]
    waiting: tuple[int, ...]


def arrivals(load: Load, seed: int) -> list[tuple[float, float]]:
    """When each run comes, and how long it takes, in seconds."""
    rng = random.Random(seed)  # noqa: S311
    found: list[tuple[float, float]] = []
    mean = log(load.run_seconds) - _SIGMA**2 / 2
    at = 0.0
    while True:
        hour = at / 3600.0
        in_peak = load.peak_from <= hour < load.peak_from + load.peak_hours
        rate = (load.peak if in_peak else load.base) / 3600.0
        at += rng.expovariate(max(rate, 1e-9))
        if at >= load.hours * 3600.0:
            return found
        found.append((at, exp(rng.gauss(mean, _SIGMA))))


def simulate(
    load: Load,
    policy: Policy,
    *,
    seed: int = 1,
    boot_seconds: float = 150.0,
    price_an_hour: float = 0.17,
    late_after: float = 900.0,
) -> Outcome:
    """Play a day through, and on until the last run has ended."""
    coming = arrivals(load, seed)
    group = _Group(policy, boot_seconds)
    waits: list[float] = []
    queue: list[tuple[float, float]] = []
    workers: list[int] = []
    waiting: list[int] = []
    now, index = 0.0, 0
    while index < len(coming) or queue or group.running:
        while index < len(coming) and coming[index][0] <= now:
            queue.append(coming[index])
            index += 1
        group.end_runs(now)
        while queue and group.free(now) > 0:
            came, took = queue.pop(0)
            waits.append(now - came)
            heapq.heappush(group.running, now + took)
        if round(now) % round(_MINUTE) == 0:
            group.scale(now, len(queue))
            workers.append(group.count)
            waiting.append(len(queue))
        group.paid += group.count
        now += 1.0
    ordered = sorted(waits)
    hours = group.paid / 3600.0
    return Outcome(
        policy.name,
        len(waits),
        _rank(ordered, 0.5),
        _rank(ordered, 0.95),
        sum(wait > late_after for wait in waits) / len(waits) if waits else 0.0,
        hours,
        hours * price_an_hour,
        max(workers, default=0),
        tuple(workers),
        tuple(waiting),
    )


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


class _Group:
    """The workers: those that are there, and when those that boot will be."""

    def __init__(self, policy: Policy, boot_seconds: float) -> None:
        self._policy = policy
        self._boot = boot_seconds
        self.count = policy.least
        self._ready_at: list[float] = []
        self.running: list[float] = []
        self.paid = 0.0
        self._above = self._below = 0

    def end_runs(self, now: float) -> None:
        """Let runs end that are over."""
        while self.running and self.running[0] <= now:
            heapq.heappop(self.running)

    def free(self, now: float) -> int:
        """How many slots are free."""
        self._ready_at = [at for at in self._ready_at if at > now]
        return (self.count - len(self._ready_at)) * self._policy.slots - len(self.running)

    def scale(self, now: float, queued: int) -> None:
        """Follow the policy, as once a minute."""
        target = self._policy.target
        if target is None:
            return
        load = queued + (len(self.running) if self._policy.in_flight else 0)
        each = load / max(1, self.count)
        self._above = self._above + 1 if each > target else 0
        self._below = self._below + 1 if each < target * _SLACK else 0
        wanted = min(self._policy.most, max(self._policy.least, ceil(load / target)))
        if self._above >= _OUT_AFTER and wanted > self.count:
            self._ready_at += [now + self._boot] * (wanted - self.count)
            self.count = wanted
            self._above = 0
        elif self._below >= _IN_AFTER and wanted < self.count:
            # Those that are busy are protected.
            busy = ceil(len(self.running) / self._policy.slots)
            self.count = max(wanted, busy)
            self._below = 0


def usual_policies(load: Load, least: int, most: int, slots: int) -> list[Policy]:
    """Policies worth a comparison: as many as the mean needs, as the peak does, and tracking."""
    mean = (load.peak * load.peak_hours + load.base * (load.hours - load.peak_hours)) / load.hours
    needed = [ceil(rate * load.run_seconds / 3600.0 / slots) for rate in (mean, load.peak * 1.1)]
    fixed = [Policy(f"fixed {count}", count, count, slots=slots) for count in needed]
    return [
        *fixed,
        Policy("3 waiting", least, most, 3.0 * slots, in_flight=False, slots=slots),
        *(
            Policy(f"{target} in all", least, most, float(target) * slots, slots=slots)
            for target in (3, 2, 1)
        ),
    ]
