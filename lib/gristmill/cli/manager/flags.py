"""The commands of the job manager and their flags, for which no database is loaded."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.model.options import days, duration
from gristmill.script.console import add_flags

if TYPE_CHECKING:
    from gristmill.cli.parser import Commands


def add(commands: "Commands") -> None:
    """Add the commands."""
    _add_submit(commands)
    _add_runs(commands)
    _add_dead(commands)
    _add_worker(commands)
    _add_queues(commands)
    _add_starts(commands)
    _add_ledger(commands)
    _add_ui(commands)


def _on_ledger(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
    text = "the ledger's database (default: $GRISTMILL_LEDGER, or the project's, or the user's)"
    added.add_argument("--ledger", metavar="URL", help=text)
    add_flags(added)
    return added


def _add_submit(commands: "Commands") -> None:
    text = "submit a job to the job manager: gristmill submit [FLAG …] JOB --input … --output …"
    added = _on_ledger(commands.add("submit", "manager.submit:submit", text))
    add = added.add_argument
    add("--key", metavar="KEY", help="submitted twice under one key, it runs once")
    add("--queue", metavar="NAME", help="where it waits (default: default)")
    add("--priority", type=int, default=0, metavar="N", help="higher goes first (default: 0)")
    add("--share", metavar="NAME", help="whose share of the queue it counts for")
    text = "wait until these runs have succeeded; it may be given again"
    add("--after", type=_names, action="extend", default=[], metavar="RUN[,RUN…]", help=text)
    text = "wait until these runs have ended, however"
    add("--after-any", type=_names, action="extend", default=[], metavar="RUN[,RUN…]", help=text)
    text = "so many children, or one for each line of a file; {index} and {item} stand in flags"
    add("--array", metavar="N|FILE", help=text)
    text = "each child waits for the child of the same index of this array"
    add("--n-to-n", metavar="RUN", help=text)
    add("--sequential", action="store_true", help="each child waits for the one before")
    text = "cancel the other children once one has failed"
    add("--fail-fast", action="store_true", help=text)
    text = "how often it is tried after the first time (default: 2)"
    add("--retries", type=int, metavar="N", help=text)
    add("--timeout", type=duration, metavar="SPAN", help="for each attempt (default: none)")
    add("--cores", type=float, metavar="N", help="cores that it takes (default: 1)")
    add("--memory", metavar="SIZE", help="memory that it takes, as 4GB (default: 1GB)")
    text = "where: local, a place of manager.toml, cluster:SPEC, transient:SPEC, serverless:SPEC"
    add("--on", metavar="PLACE", help=text)
    add("--wait", action="store_true", help="come back with its end, and its exit code")
    add("job", metavar="JOB", help="a job, or a definition of manager.toml")
    add("argv", nargs=argparse.REMAINDER, metavar="…", help="the job's own flags")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _add_runs(commands: "Commands") -> None:
    text, alone = "list the runs of the job manager, or work on one", "manager.runs:list_runs"
    runs = commands.group("runs", text, alone=alone, flags=_list_flags)
    _list_flags(runs.add("list", alone, "list runs, the newest first"))

    def on_run(name: str, handler: str, text: str) -> argparse.ArgumentParser:
        added = _on_ledger(runs.add(name, f"manager.runs:{handler}", text))
        added.add_argument("run", metavar="RUN", help="its id, the beginning of it, or its key")
        return added

    text = "show a run: attempts, events, progress, what it printed, why it failed, what it made"
    shown = on_run("show", "show_run", text)
    shown.add_argument("--lines", type=int, default=10, help="of what it printed (default: 10)")
    on_run("cancel", "cancel", "cancel a run, or all of an array")
    again = on_run("retry", "retry", "try again what failed, and bring back what waited for it")
    text = "how often it is tried (default: 3)"
    again.add_argument("--attempts", type=int, default=3, metavar="N", help=text)
    on_run("explain", "explain", "say why a run waits, or why it failed")
    why = _on_ledger(commands.add("why", "manager.runs:explain", "say why a run waits"))
    why.add_argument("run", metavar="RUN")


def _list_flags(listed: argparse.ArgumentParser) -> None:
    _on_ledger(listed)
    text = "only these states: blocked, ready, starting, running, succeeded, failed …"
    listed.add_argument("--state", nargs="+", default=[], metavar="STATE", help=text)
    listed.add_argument("--job", metavar="NAME", help="only runs of this job or definition")
    listed.add_argument("--queue", metavar="NAME", help="only runs of this queue")
    listed.add_argument("--parent", metavar="RUN", help="the children of this array")
    listed.add_argument("-n", type=int, default=20, help="how many (default: 20)")
    text = "go on, and print each change as it comes (--json: a line each); Ctrl-C ends it"
    listed.add_argument("--follow", action="store_true", help=text)


def _add_dead(commands: "Commands") -> None:
    text, alone = "runs that have failed and that nobody has looked at", "manager.dead:list_dead"
    dead = commands.group("dead-letter", text, alone=alone, flags=_on_ledger)
    _on_ledger(dead.add("list", alone, "list them by cause"))
    for name, handler, text in (
        ("retry", "retry", "try them again: all, or those of a cause or a job"),
        ("dismiss", "dismiss", "take them off the list: they stay failed"),
    ):
        added = _on_ledger(dead.add(name, f"manager.dead:{handler}", text))
        added.add_argument("runs", nargs="*", metavar="RUN", help="only these")
        added.add_argument("--cause", help="only those that failed for this cause")
        added.add_argument("--job", help="only those of this job")
        added.add_argument("--all", action="store_true", help="all of them")


def _add_worker(commands: "Commands") -> None:
    text = "work: take runs of the job manager and see them through; Ctrl-C lets go of them"
    added = _on_ledger(commands.add("worker", "manager.worker:work", text))
    add = added.add_argument
    text = "serve these queues only (default: all)"
    add("--queues", nargs="+", default=[], metavar="NAME", help=text)
    text = "how many runs at once on this machine (default: 1)"
    add("--slots", type=int, default=1, metavar="N", help=text)
    add("--cores", type=float, metavar="N", help="cores to give (default: the machine's)")
    add("--memory", metavar="SIZE", help="memory to give, as 8GB (default: the machine's)")
    add(
        "--burst",
        action="store_true",
        help="end when nothing is to be done any more, retries included",
    )
    text = "take nothing new: see through what workers of this machine have left, and end"
    add("--drain", action="store_true", help=text)
    text = "keep so many workers, as many as the backlog needs: 0..4"
    add("--pool", metavar="MIN..MAX", help=text)
    text = "be an instance of this Auto Scaling group: protected while busy, gone when told to"
    add("--fleet", metavar="GROUP", help=text)
    listed = commands.add("workers", "manager.worker:list_workers", "list the workers")
    _on_ledger(listed)
    fleet = commands.group("fleet", "workers as an Auto Scaling group (docs/fleet.md)")
    text = "tell CloudWatch how many runs wait and go on, by which the group scales"
    added = _on_ledger(fleet.add("backlog", "manager.fleet:backlog", text))
    added.add_argument("fleet", metavar="GROUP")
    _add_simulation(fleet)


def _add_simulation(fleet: "Commands") -> None:
    text = "play a day through: what policies cost, and how long runs wait"
    added = fleet.add("simulate", "manager.fleet:simulate_fleet", text)
    add_flags(added)
    add = added.add_argument
    add("--peak", type=float, default=600, metavar="N", help="runs an hour in the peak (600)")
    add("--base", type=float, default=20, metavar="N", help="runs an hour else (20)")
    add("--peak-from", type=float, default=8, metavar="HOUR", help="when it begins (8)")
    add("--peak-hours", type=float, default=4, metavar="H", help="how long it lasts (4)")
    add("--run-time", type=duration, default="5m", metavar="SPAN", help="of a run, on average (5m)")
    add("--min", type=int, default=1, metavar="N", help="least workers (1)")
    add("--max", type=int, default=60, metavar="N", help="most workers (60)")
    add("--slots", type=int, default=1, metavar="N", help="runs at once on a worker (1)")
    add("--target", type=float, metavar="N", help="a policy besides: runs for each worker")
    add("--boot", type=duration, default="150s", metavar="SPAN", help="until a worker works (150s)")
    text = "what a worker costs an hour, in US dollars (0.17)"
    add("--price", type=float, default=0.17, metavar="USD", help=text)
    add("--late-after", type=duration, default="15m", metavar="SPAN", help="what late means (15m)")
    add("--seed", type=int, default=1, help="same seed, same runs (1)")


def _add_queues(commands: "Commands") -> None:
    text, alone = "list the queues, pause or resume one", "manager.queues:list_queues"
    queues = commands.group("queues", text, alone=alone, flags=_on_ledger)
    text = "list the queues: what waits, what runs, what bounds them"
    _on_ledger(queues.add("list", alone, text))
    for name, text in (
        ("pause", "start nothing more of a queue; what runs goes on"),
        ("resume", "go on with a queue"),
    ):
        added = _on_ledger(queues.add(name, f"manager.queues:{name}", text))
        added.add_argument("queue", metavar="NAME")
    manager = commands.group("manager", "what the job manager is set to: manager.toml")
    text = "make manager.toml hold: places, queues, job definitions"
    added = _on_ledger(manager.add("apply", "manager.queues:apply", text))
    text = "the file (default: manager.toml)"
    default = Path("manager.toml")
    added.add_argument("file", nargs="?", type=Path, default=default, metavar="FILE", help=text)
    _on_ledger(manager.add("show", "manager.queues:show_settings", "show what it is set to"))


def _add_starts(commands: "Commands") -> None:
    text, alone = "list the schedules, pause or resume one, make up for times", "schedules"
    handler = f"manager.{alone}:list_schedules"
    schedules = commands.group("schedules", text, alone=handler, flags=_on_ledger)
    text = "list the schedules: when they fire next, what became of the last times"
    _on_ledger(schedules.add("list", handler, text))
    for name, text in (
        ("pause", "let a schedule fire no more; its times are passed over"),
        ("resume", "let a schedule fire again"),
    ):
        added = _on_ledger(schedules.add(name, f"manager.schedules:{name}", text))
        added.add_argument("schedule", metavar="NAME")
    text = "submit a run for each time between two moments; those that have one keep it"
    added = _on_ledger(schedules.add("backfill", "manager.schedules:backfill", text))
    added.add_argument("schedule", metavar="NAME")
    text = "from when on, in the schedule's zone: 2026-03-01 or 2026-03-01T12:00"
    added.add_argument("--from", dest="first", required=True, metavar="TIME", help=text)
    added.add_argument("--to", dest="last", required=True, metavar="TIME", help="until when")
    text = "list messages that have not gone out, and why"
    _on_ledger(commands.add("messages", "manager.ledger:list_messages", text))


def _add_ledger(commands: "Commands") -> None:
    text = "figures: waits, times, failures by cause, use of workers, cost"
    added = _on_ledger(commands.add("stats", "manager.ledger:stats", text))
    text = "of runs that ended so lately (default: 24h)"
    added.add_argument("--since", type=duration, default="24h", metavar="SPAN", help=text)
    text = "serve /metrics for Prometheus, until Ctrl-C"
    added = _on_ledger(commands.add("metrics", "manager.ledger:metrics", text))
    added.add_argument("--host", default="127.0.0.1", help="where (default: 127.0.0.1)")
    added.add_argument("--port", type=int, default=9464, help="which port (default: 9464)")
    ledger = commands.group("ledger", "the job manager's database: export it, prune it")
    text = "write runs, attempts, events and hourly figures as Parquet"
    added = _on_ledger(ledger.add("export", "manager.ledger:export_ledger", text))
    added.add_argument("output", type=Path, metavar="DIR")
    text = "take out runs that ended before a span; hourly figures stay"
    added = _on_ledger(ledger.add("prune", "manager.ledger:prune_ledger", text))
    text = "whole days or weeks: 90d, 13w"
    added.add_argument("--older-than", type=days, required=True, metavar="SPAN", help=text)


def _add_ui(commands: "Commands") -> None:
    text = "serve a page that shows the ledger, and outputs, in a browser"
    added = _on_ledger(commands.add("ui", "ui.serving:serve", text))
    text = "outputs that it shows, too"
    added.add_argument("outputs", nargs="*", metavar="OUTPUT", help=text)
    text = "where it listens (default: 127.0.0.1, for this machine alone)"
    added.add_argument("--host", default="127.0.0.1", help=text)
    text = "the port (default: 8321; 0 for any that is free)"
    added.add_argument("--port", type=int, default=8321, help=text)
    text = "another name that it answers to, as that of a proxy before it"
    added.add_argument("--name", action="append", default=[], metavar="HOST", help=text)
