"""Clusters and applications: made, ended, listed."""

import argparse
import sys

from gristmill.cli.emr.place import Place, print_requests, tell
from gristmill.emr import applications
from gristmill.emr.runners.serverless import find_application
from gristmill.emr.specs import ServerlessSpec, load_spec
from gristmill.emr.targets import down, live, plan_up, up
from gristmill.errors import ExitCode, UsageError
from gristmill.script.console import render


def make(arguments: argparse.Namespace) -> int:
    """Make what a spec describes; gives the exit code."""
    place = Place.of(arguments)
    try:
        print(up(place.aws, place.spec, tell, update=arguments.update))
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
    place = Place.of(arguments)
    if isinstance(place.spec, ServerlessSpec):
        return _end_application(arguments, place, place.spec)
    if arguments.delete:
        raise UsageError("--delete is for applications of EMR Serverless: a cluster just ends")
    found = down(place.aws, place.spec, confirmed, force=arguments.force)
    tell(f"{place.spec.name} is not up" if found is None else f"asked that {found} end")
    return 0


def _end_application(arguments: argparse.Namespace, place: Place, spec: ServerlessSpec) -> int:
    found = applications.down(
        place.aws, spec, confirmed, tell, force=arguments.force, delete=arguments.delete
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


def tell_drift(place: Place) -> None:
    """Say where an application is not what its spec says."""
    spec = place.spec
    if isinstance(spec, ServerlessSpec) and (found := find_application(place.aws, spec)):
        for one in applications.drift(place.aws, spec, found):
            tell(f"note: {found} is not what its spec says: {one}")


def show(arguments: argparse.Namespace) -> int:
    """List what is up; gives the exit code."""
    place = Place.of(arguments)
    rows = [
        (
            one.name,
            one.kind,
            one.id,
            one.state,
            f"{one.since:%Y-%m-%dT%H:%MZ}",
        )
        for one in live(place.aws)
    ]
    heading = ("name", "kind", "id", "state", "since")
    print("\n".join(render(heading, rows) if rows else ["nothing is up"]))
    return 0
