"""Clusters and applications: made, ended, listed."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.cli.emr.context import SpecContext, print_requests
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr import applications
from gristmill.emr.runners.serverless import find_application
from gristmill.emr.specs import ServerlessSpec, load_spec
from gristmill.emr.targets import Deployment, deployments, down, plan_up, up
from gristmill.errors import ExitCode, UsageError


@dataclass(frozen=True)
class DeploymentList:
    """The clusters and applications that are there; `since` is when each was made, UTC."""

    deployments: tuple[Deployment, ...]


def make(arguments: argparse.Namespace) -> int:
    """Make what a spec describes; gives the exit code."""
    context = SpecContext.of(arguments)
    try:
        print(up(context.aws, context.spec, tell, update=arguments.update))
    except KeyboardInterrupt:
        tell(
            f"what was asked for goes on starting: gristmill emr clusters lists it, and "
            f"gristmill emr down --cluster {arguments.cluster} ends it"
        )
        return ExitCode.INTERRUPTED
    return 0


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    return print_requests(plan_up(load_spec(arguments.cluster, arguments.account)))


def end(arguments: argparse.Namespace) -> int:
    """End what a spec describes; gives the exit code."""
    context = SpecContext.of(arguments)
    if isinstance(context.spec, ServerlessSpec):
        return _end_application(arguments, context, context.spec)
    if arguments.delete:
        raise UsageError("--delete is for applications of EMR Serverless: a cluster just ends")
    found = down(context.aws, context.spec, confirmed, force=arguments.force)
    tell(f"{context.spec.name} is not up" if found is None else f"asked that {found} end")
    return 0


def _end_application(
    arguments: argparse.Namespace, context: SpecContext, spec: ServerlessSpec
) -> int:
    found = applications.down(
        context.aws, spec, confirmed, tell, force=arguments.force, delete=arguments.delete
    )
    if found is None:
        tell(f"{spec.name} is not up")
    else:
        tell(f"deleted {found}" if arguments.delete else f"asked that {found} stop")
    return 0


def confirmed(question: str) -> bool:
    """Whether somebody at the terminal says yes; where nobody is, nobody does."""
    if not sys.stdin.isatty():
        return False
    # Standard output may be a file, where nobody would see the question.
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower().startswith("y")


def tell_drift(context: SpecContext) -> None:
    """Say where an application is not what its spec says."""
    spec = context.spec
    if isinstance(spec, ServerlessSpec) and (found := find_application(context.aws, spec)):
        for one in applications.drift(context.aws, spec, found):
            tell(f"note: {found} is not what its spec says: {one}")


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
