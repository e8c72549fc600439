"""Clusters and applications: made, ended, listed."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.cli.emr.context import SpecContext, print_requests
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.specs import load_spec
from gristmill.emr.targets import target_of
from gristmill.emr.targets.deployments import Deployment, deployments
from gristmill.errors import ExitCode


@dataclass(frozen=True)
class DeploymentList:
    """The clusters and applications that are there; `since` is when each was made, UTC."""

    deployments: tuple[Deployment, ...]


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
    tell(target_of(context.spec).down(context.aws, confirmed, tell, **flags))
    return ExitCode.DONE


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
    print_value(DeploymentList(tuple(deployments(context.aws))), as_json=arguments.json)
    return 0


@blocks.register
def _(found: DeploymentList) -> Iterable[Block]:
    rows = [
        (one.name, one.kind, one.id, one.state, f"{one.since:%Y-%m-%dT%H:%MZ}")
        for one in found.deployments
    ]
    heading = ("name", "kind", "id", "state", "since")
    return [Table(heading, rows) if rows else "nothing is up"]
