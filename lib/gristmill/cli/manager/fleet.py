"""`gristmill fleet`: what a group of workers would cost, and what it scales by."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gristmill.cli.manager.context import opened, span
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.simulate import Load, Outcome, Policy, simulate, usual_policies
from gristmill.manager.statistics.figures import to_do

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 72


@dataclass(frozen=True)
class FleetPlan:
    """What policies come to, for the same runs."""

    load: Load
    outcomes: tuple[Outcome, ...]


def simulate_fleet(arguments: argparse.Namespace) -> int:
    """Play a day through under several policies; gives the exit code."""
    load = Load(
        arguments.peak,
        arguments.base,
        arguments.peak_from,
        arguments.peak_hours,
        arguments.run_time.total_seconds(),
    )
    if min(load.peak, load.base, load.run_seconds) <= 0 or arguments.max < arguments.min:
        raise UsageError("--peak, --base and --run-time are more than 0, --max no less than --min")
    policies = usual_policies(load, arguments.min, arguments.max, arguments.slots)
    if arguments.target is not None:
        target = arguments.target
        own = Policy(
            f"{target:g} in all", arguments.min, arguments.max, target, True, arguments.slots
        )
        policies.append(own)
    late = arguments.late_after.total_seconds()
    outcomes = [
        simulate(
            load,
            policy,
            seed=arguments.seed,
            boot_seconds=arguments.boot.total_seconds(),
            price_an_hour=arguments.price,
            late_after=late,
        )
        for policy in policies
    ]
    show(FleetPlan(load, tuple(outcomes)), as_json=arguments.json)
    return ExitCode.DONE


def backlog(arguments: argparse.Namespace) -> int:
    """Tell CloudWatch the backlog of a fleet; gives the exit code."""
    from gristmill.emr.aws import Aws  # noqa: PLC0415
    from gristmill.emr.fleet import tell_backlog  # noqa: PLC0415

    with opened(arguments) as ledger, ledger.look() as tx:
        runs = to_do(tx)
    tell_backlog(Aws(None), arguments.fleet, runs)
    tell(f"told CloudWatch of {runs:,} runs")
    return ExitCode.DONE


@blocks.register
def _(found: FleetPlan) -> Iterable[Block]:
    rows = [
        (
            one.policy,
            f"{one.most_workers:,}",
            span(one.wait_p50),
            span(one.wait_p95),
            f"{one.late_share:.1%}",
            f"{one.worker_hours:,.0f}",
            f"{one.cost:,.2f}",
        )
        for one in found.outcomes
    ]
    runs = found.outcomes[0].runs
    yield f"{runs:,} runs in {found.load.hours:g} h, {span(found.load.run_seconds)} each on average"
    yield Table(("workers", "most", "wait p50", "wait p95", "late", "hours", "$ a day"), rows)
    most = max(max(one.workers) for one in found.outcomes)
    yield f"workers over the day (full height: {most:,})"
    for one in found.outcomes:
        yield f"{one.policy:>12} {bars(one.workers, most)}"


def bars(values: Sequence[int], most: int, width: int = _WIDTH) -> str:
    """A line of bars: the largest value of each stretch of time."""
    size = max(1, -(-len(values) // width))
    stretches = [max(values[at : at + size]) for at in range(0, len(values), size)]
    top = len(_BARS) - 1
    return "".join(_BARS[-(-value * top // most) if most else 0] for value in stretches)
