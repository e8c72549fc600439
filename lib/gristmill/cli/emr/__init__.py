"""`gristmill emr COMMAND …`: jobs on EMR, from a laptop and back."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gristmill.cli.emr import deploy, forget, runs, targets
from gristmill.emr.cost import PRICES
from gristmill.emr.specs.load import ACCOUNT
from gristmill.model.options import ArgumentParser, duration

Handler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str]) -> int:
    """Run a command; gives the exit code. Raises `GristmillError`."""
    arguments = _parser().parse_args(list(argv))
    handler: Handler = arguments.handler
    return handler(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(prog="gristmill emr", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, handler: Handler, text: str, where: Any = commands
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = where.add_parser(name, help=text, description=text)
        added.set_defaults(handler=handler)
        text = f"what all specs share (default: $GRISTMILL_EMR_ACCOUNT, or {ACCOUNT})"
        account = Path(os.environ.get("GRISTMILL_EMR_ACCOUNT", ACCOUNT))
        added.add_argument("--account", type=Path, default=account, metavar="FILE", help=text)
        if name != "deploy":
            text = "the spec: a name in emr/clusters, or a TOML file (default: dev)"
            added.add_argument("--cluster", default="dev", metavar="SPEC", help=text)
        return added

    text = "run a job: gristmill emr submit [FLAG …] JOB --input s3://… --output s3://…"
    added = command("submit", runs.submit_job, text)
    _add_wanted(added)
    _add_watching(added)
    added.add_argument("--detach", action="store_true", help="submit, and do not wait")
    text = "print the request as JSON and ask AWS nothing"
    added.add_argument("--dry-run", action="store_true", help=text)
    text = "print the exact requests as JSON and ask AWS nothing: plan submit JOB …, up, deploy"
    planned = commands.add_parser("plan", help=text, description=text)
    plans = planned.add_subparsers(metavar="COMMAND", required=True)
    _add_wanted(command("submit", runs.show_plan, "what submit would ask for", plans))
    command("up", targets.show_plan, "what up would ask for", plans)
    deploy.add_flags(command("deploy", deploy.show_plan, "what deploy would ask for", plans))
    added = command("attach", runs.attach, "take up a run again: wait for it and show its answer")
    added.add_argument("run", metavar="RUN")
    _add_watching(added)
    added = command("status", runs.status, "list the newest runs, or show all of one")
    added.add_argument("run", nargs="?", metavar="RUN")
    added.add_argument("-n", type=int, default=20, help="how many (default: 20)")
    text = "another table of prices (default: emr/prices.toml)"
    added.add_argument("--prices", type=Path, default=PRICES, metavar="FILE", help=text)
    added = command("cancel", runs.cancel, "end a run")
    added.add_argument("run", metavar="RUN")
    added = command("logs", runs.logs, "show what a run's driver printed, and where the logs are")
    added.add_argument("run", metavar="RUN")
    text = "what is written down of runs: runs forget RUN takes it away, and nothing else"
    records = commands.add_parser("runs", help=text, description=text)
    kept = records.add_subparsers(metavar="COMMAND", required=True)
    text = "forget a run that has ended, or that never started; its output and logs stay"
    added = command("forget", forget.forget, text, kept)
    added.add_argument("run", metavar="RUN")
    text = "also where AWS cannot say whether it has ended"
    added.add_argument("--force", action="store_true", help=text)
    _add_targets(command)
    command("clusters", targets.show, "list the clusters and applications that are there")
    text = "make what EMR needs in the account, or bring it up to date (docs/emr-account.md)"
    added = command("deploy", deploy.make, text)
    deploy.add_flags(added)
    return parser


def _add_targets(command: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    added = command("up", targets.make, "make the cluster or the application, if it is not there")
    text = "change an application that is not what its spec says"
    added.add_argument("--update", action="store_true", help=text)
    added = command("down", targets.end, "end the cluster, or stop the application")
    text = "end the runs that go on there too, and do not ask"
    added.add_argument("--force", action="store_true", help=text)
    added.add_argument("--delete", action="store_true", help="delete the application as well")


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--transient", action="store_true", help="on a cluster made for this run")
    text = "a name for the run: submitted twice under one name, it runs once"
    parser.add_argument("--run", metavar="KEY", help=text)
    text = "ship these dependencies, too: a file as pip takes"
    parser.add_argument("--requirements", type=Path, metavar="FILE", help=text)
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="…", help="the job's own flags")


def _add_watching(parser: argparse.ArgumentParser) -> None:
    text = "stop watching after this span; the run goes on (default: 12h)"
    parser.add_argument("--deadline", type=duration, default="12h", metavar="SPAN", help=text)
    text = "on Ctrl-C, cancel the run and do not ask"
    parser.add_argument("--cancel-on-interrupt", action="store_true", help=text)
    text = "of a run that failed, neither read its logs nor wait for them"
    parser.add_argument("--no-logs", action="store_true", help=text)
    text = "another table of prices (default: emr/prices.toml)"
    parser.add_argument("--prices", type=Path, default=PRICES, metavar="FILE", help=text)
