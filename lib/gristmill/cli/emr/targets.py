"""Clusters and applications: made, ended, listed."""

import argparse

from emr.specs import load_spec
from emr.targets import down, live, plan_up, up
from gristmill.cli.emr.place import Place, print_requests, tell
from gristmill.command import INTERRUPTED
from gristmill.console import render


def make(arguments: argparse.Namespace) -> int:
    """Make what a spec describes; gives the exit code."""
    place = Place.of(arguments)
    try:
        print(up(place.aws, place.spec, tell))
    except KeyboardInterrupt:
        tell(
            f"what was asked for goes on starting: gristmill emr clusters lists it, and "
            f"gristmill emr down --cluster {arguments.cluster} ends it"
        )
        return INTERRUPTED
    return 0


def show_plan(arguments: argparse.Namespace) -> int:
    """Print what AWS would be asked for; gives the exit code."""
    return print_requests(plan_up(load_spec(arguments.cluster, arguments.account)))


def end(arguments: argparse.Namespace) -> int:
    """End what a spec describes; gives the exit code."""
    place = Place.of(arguments)
    found = down(place.aws, place.spec)
    tell(f"{place.spec.name} is not up" if found is None else f"asked that {found} end")
    return 0


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
