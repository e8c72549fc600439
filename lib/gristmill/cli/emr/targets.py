"""Clusters and applications: made, ended, listed."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gristmill.cli.emr.context import SpecContext, print_requests
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.aws import Aws
from gristmill.emr.cost import of_cluster
from gristmill.emr.prices import Prices, read_prices
from gristmill.emr.specs import ClusterSpec, load_spec
from gristmill.emr.targets import target_of
from gristmill.emr.targets.cluster import find_cluster
from gristmill.emr.targets.deployments import Deployment, deployments
from gristmill.errors import ExitCode, GristmillError


@dataclass(frozen=True)
class Spent:
    """What a cluster has cost so far, by the estimate, and for how long no step ran on it since it
    was ready; null where that is not known."""

    id: str
    cost: str | None
    idle_seconds: int | None


@dataclass(frozen=True)
class DeploymentList:
    """The clusters and applications that are there; `since` is when each was made, UTC. What
    clusters have cost is in `spent`."""

    deployments: tuple[Deployment, ...]
    spent: tuple[Spent, ...]


def make(arguments: argparse.Namespace) -> int:
    """Make what a spec describes; gives the exit code."""
    context = SpecContext.of(arguments)
    try:
        print(target_of(context.spec).up(context.aws, tell, update=arguments.update))
    except KeyboardInterrupt:
        tell(
            f"what was asked for goes on starting: gristmill emr clusters lists it, and "
            f"gristmill emr down --cluster {arguments.cluster} ends it"
        )
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    return print_requests(target_of(load_spec(arguments.cluster, arguments.account)).plan_up())


def end(arguments: argparse.Namespace) -> int:
    """End what a spec describes; gives the exit code."""
    context = SpecContext.of(arguments)
    flags = {"force": arguments.force, "delete": arguments.delete}
    prices = read_prices(arguments.prices)
    spec = context.spec
    cluster = find_cluster(context.aws, spec) if isinstance(spec, ClusterSpec) else None
    tell(target_of(spec).down(context.aws, confirmed, tell, **flags))
    if cluster:
        found = _spent(context.aws, cluster, prices)
        idle = "" if found.idle_seconds is None else f", and was idle for {_span(found)} of it"
        if found.cost:
            tell(f"{cluster} cost {found.cost}{idle}")
    return ExitCode.DONE


def _spent(aws: Aws, cluster: str, prices: Prices) -> Spent:
    try:
        found, idle = of_cluster(aws, cluster, prices, datetime.now(UTC))
    except GristmillError as error:
        # It must not hide what has been done.
        tell(f"note: {error}")
        return Spent(cluster, None, None)
    return Spent(cluster, str(found), None if idle is None else round(idle.total_seconds()))


def _span(found: Spent) -> str:
    return "" if found.idle_seconds is None else str(timedelta(seconds=found.idle_seconds))


def confirmed(question: str) -> bool:
    """Whether somebody at the terminal says yes; where nobody is, nobody does."""
    if not sys.stdin.isatty():
        return False
    # Standard output may be a file, where nobody would see the question.
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower().startswith("y")


def tell_drift(context: SpecContext) -> None:
    """Say where an application is not what its spec says."""
    for one in target_of(context.spec).drift(context.aws):
        tell(f"note: {one}")


def show(arguments: argparse.Namespace) -> int:
    """List what is up; gives the exit code."""
    context = SpecContext.of(arguments)
    prices = read_prices(arguments.prices)
    found = tuple(deployments(context.aws))
    spent = tuple(_spent(context.aws, one.id, prices) for one in found if one.kind == "cluster")
    print_value(DeploymentList(found, spent), as_json=arguments.json)
    return 0


@blocks.register
def _(found: DeploymentList) -> Iterable[Block]:
    spent = {one.id: one for one in found.spent}
    nothing = Spent("", None, None)
    rows = [
        (
            *(one.name, one.kind, one.id, one.state, f"{one.since:%Y-%m-%dT%H:%MZ}"),
            _span(spent.get(one.id, nothing)),
            (spent.get(one.id, nothing).cost or "").partition(" (")[0],
        )
        for one in found.deployments
    ]
    heading = ("name", "kind", "id", "state", "since", "idle for", "cost so far")
    return [Table(heading, rows) if rows else "nothing is up"]
