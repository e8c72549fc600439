"""The commands and their flags. Nothing is loaded for it that only a command needs."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gristmill.cli import topics
from gristmill.cli.emr import flags as emr
from gristmill.cli.manager import flags as manager
from gristmill.cli.workflow import flags as workflow
from gristmill.model.options import ArgumentParser, days, duration
from gristmill.nearest import nearest
from gristmill.script.console import add_flags

Handler = Callable[[argparse.Namespace], int | None]


class _Parser(ArgumentParser):
    """A parser that says the nearest of the commands there are. `first` is what has to come before
    any flag, as a job whose flags they are."""

    first = ""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        words = list(args or ())
        is_help = words[:1] in (["-h"], ["--help"])
        if self.first and not is_help and (not words or words[0].startswith("-")):
            self.error(self.first)
        found, rest = super().parse_known_args(words, namespace)
        if not any(isinstance(action, argparse._SubParsersAction) for action in self._actions):
            # Of this command's flags, not of all that there are.
            self.refuse(rest)
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self.error(f"no command {value!r}; {nearest(value, action.choices)}")
        super()._check_value(action, value)


def handler_of(arguments: argparse.Namespace) -> Handler:
    """What does the command that was parsed: a function of a module below `gristmill.cli`."""
    module, _, name = arguments.handler.partition(":")
    found: Handler = getattr(import_module(f"gristmill.cli.{module}"), name)
    return found


def parser() -> argparse.ArgumentParser:
    """The parser of `gristmill`. What it gives names its `handler`."""
    top = _Parser(prog="gristmill", description="Batch on Spark that can be trusted.")
    top.add_argument("--version", action="version", version=f"gristmill {version('gristmill')}")
    commands = Commands(top)
    _add_jobs(commands)
    _add_outputs(commands)
    _add_projects(commands)
    manager.add(commands)
    workflow.add(commands)
    _add_catalog(commands)
    text = "jobs on Amazon EMR: submit, status, attach, cancel, logs, up, down, plan"
    emr.add(commands.group("emr", text))
    return top


def _add_catalog(commands: "Commands") -> None:
    text = "the tables of an output in the AWS Glue Data Catalog: register, verify, drop"
    tables = commands.group("catalog", text)
    for name, handler, what in (
        ("register", "make", "make the tables of an output, or bring them up to date"),
        ("verify", "check", "hold the tables against the output; exit code 1 where they differ"),
        ("drop", "remove", "take the tables out of the catalogue; the files stay"),
    ):
        added = tables.add(name, f"emr.catalog:{handler}", what)
        added.add_argument("output", metavar="OUTPUT", help="the output root")
        help_ = "the database of the catalogue, which is made where it is not there"
        added.add_argument("--database", required=True, metavar="NAME", help=help_)
        help_ = "where the output will lie (default: where it is)"
        added.add_argument("--location", metavar="URI", help=help_)
        help_ = "the region of the catalogue (default: as the AWS tools have it)"
        added.add_argument("--region", metavar="NAME", help=help_)
        add_flags(added)


class Commands:
    """Commands below a parser."""

    def __init__(self, above: argparse.ArgumentParser, *, required: bool = True) -> None:
        self._added = above.add_subparsers(
            metavar="COMMAND", required=required, parser_class=_Parser
        )

    def add(self, name: str, handler: str, text: str) -> "_Parser":
        """A command, done by `module:function` below `gristmill.cli`."""
        added: _Parser = self._added.add_parser(name, help=text, description=text)
        added.set_defaults(handler=handler)
        return added

    def group(
        self,
        name: str,
        text: str,
        *,
        alone: str | None = None,
        flags: Callable[[argparse.ArgumentParser], object] = add_flags,
    ) -> "Commands":
        """Commands below a name. Where none of them is named it stands for `alone`, and takes its
        `flags`."""
        above: argparse.ArgumentParser = self._added.add_parser(name, help=text, description=text)
        if alone:
            above.set_defaults(handler=alone)
            flags(above)
        return Commands(above, required=alone is None)


def _add_jobs(commands: Commands) -> None:
    text = "run a job, or several: gristmill run NAME --input URI… --output URI then NAME …"
    run = commands.add("run", "running:run", text)
    run.first = "which job? gristmill run NAME --input URI… --output URI; gristmill jobs lists them"
    run.add_argument("job", metavar="NAME", help="its name, its file, or module:NAME")
    text = "the job's own flags: gristmill run NAME --help"
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help=text)
    jobs = commands.group("jobs", "list the jobs, or show one", alone="running:list_jobs")
    add_flags(jobs.add("list", "running:list_jobs", "list the jobs"))
    shown = jobs.add("show", "running:show_job", "show what a job reads, writes and rejects")
    shown.add_argument("name", metavar="NAME", help="its name, its file, or module:NAME")
    add_flags(shown)
    warm = commands.group("warm", "show or end what runs keep warm for the next one")
    text = "show what is warm: its memory, the runs on it, when it ends"
    add_flags(warm.add("status", "warm:status", text))
    add_flags(warm.add("stop", "warm:stop", "end what is warm, once the runs on it have ended"))


def _add_outputs(commands: Commands) -> None:
    def on_output(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added.add_argument("output", metavar="OUTPUT", help="the output root")
        add_flags(added)
        return added

    head = commands.add("head", "outputs:head", "show the first rows of a dataset")
    head.add_argument("dataset", metavar="DATASET", help="its folder: OUTPUT/NAME")
    head.add_argument("-n", type=int, default=10, help="how many rows (default: 10)")
    add_flags(head)
    _add_looking(commands, on_output)
    _add_engines(commands, on_output)
    text = "show what was rejected, by reason, with examples"
    rejects = on_output(commands.add("rejects", "outputs:rejects", text))
    rejects.add_argument("--examples", type=int, default=3, help="how many a reason (default: 3)")
    datasets = commands.group("datasets", "list the datasets of an output, or expire what is old")
    text = "list the datasets of an output: partitions, rows, files, newest run"
    on_output(datasets.add("list", "outputs:datasets", text))
    text = "show the partitions of a dataset that are older than a span, and remove them"
    expire = on_output(datasets.add("expire", "outputs:expire", text))
    expire.add_argument("dataset", metavar="NAME", help="the dataset; it has a date to go by")
    text = "whole days or weeks before today, UTC: 90d, 13w"
    expire.add_argument("--older-than", type=days, required=True, metavar="SPAN", help=text)
    expire.add_argument("--yes", action="store_true", help="remove them; without it, only show")
    text = "how long to wait for a run that writes the dataset (default: 10m)"
    expire.add_argument("--wait", type=duration, default="10m", metavar="SPAN", help=text)
    text = "show which files of a dataset are small, and bring them together"
    compact = on_output(datasets.add("compact", "outputs:compact", text))
    compact.add_argument("dataset", metavar="NAME", help="the dataset")
    text = "only partitions of days so long before today, UTC: 2d, 1w (default: all)"
    compact.add_argument("--older-than", type=days, metavar="SPAN", help=text)
    compact.add_argument("--yes", action="store_true", help="do so; without it, only show")
    text = "how long to wait for a run that writes the dataset (default: 10m)"
    compact.add_argument("--wait", type=duration, default="10m", metavar="SPAN", help=text)
    text = "show what was published, when and by which run"
    history = on_output(commands.add("history", "outputs:history", text))
    history.add_argument("dataset", nargs="?", metavar="DATASET", help="only what changed this one")
    history.add_argument("-n", type=int, default=20, help="how many publishes (default: 20)")
    text = "check every file against what was published; exit code 1 where anything is wrong"
    on_output(commands.add("verify", "outputs:verify", text))
    text = "show and settle what runs that died left unfinished"
    on_output(commands.add("recover", "outputs:recover", text))


def _add_looking(
    commands: Commands, on_output: Callable[[argparse.ArgumentParser], argparse.ArgumentParser]
) -> None:
    text = "show what a dataset is like: columns with their values, partitions, a few rows"
    peek = commands.add("peek", "looking:peek", text)
    peek.add_argument("dataset", metavar="DATASET", help="its folder: OUTPUT/NAME")
    peek.add_argument("-n", type=int, default=3, help="how many rows (default: 3)")
    add_flags(peek)
    text = "ask in SQL, by DuckDB: each dataset of an output is a table"
    sql = on_output(commands.add("sql", "looking:sql", text))
    text = 'as "SELECT status, count(*) FROM web_requests GROUP BY 1"; - reads it from a pipe'
    sql.add_argument("statement", metavar="SQL", help=text)
    sql.add_argument("-n", type=int, default=40, help="how many rows are shown (default: 40)")
    sql.add_argument("--csv", action="store_true", help="print all rows, as CSV")
    text = "an earlier state of tables of Iceberg: an entry of history, its run, or a time (UTC)"
    sql.add_argument("--as-of", metavar="WHEN", help=text)
    text = "write all rows into a file: .csv, .parquet, .json or .jsonl for a line each"
    sql.add_argument("--to", metavar="FILE", help=text)
    text = "make one page of all that an output holds, to send to somebody"
    report = on_output(commands.add("report", "looking:report", text))
    text = "the file to write (default: report.html)"
    report.add_argument("-o", "--to", default="report.html", metavar="FILE", help=text)
    report.add_argument("--title", help="what stands above it (default: the output's name)")
    text = "say what stood still in runs, by their event logs, and what to set instead"
    tuned = commands.add("tuning", "event_logs:show_tuning", text)
    text = "an output, or a folder of event logs; here or in S3"
    tuned.add_argument("place", metavar="OUTPUT", help=text)
    add_flags(tuned)
    text = "show the event logs of an output's runs in Spark's own History Server"
    served = commands.add("history-server", "event_logs:serve", text)
    text = "an output, or a folder of event logs; here or in S3"
    served.add_argument("place", metavar="OUTPUT", help=text)
    text = "where it listens, on this machine alone (default: 18080)"
    served.add_argument("--port", type=int, default=18080, metavar="N", help=text)
    add_flags(served)


def _add_engines(
    commands: Commands, on_output: Callable[[argparse.ArgumentParser], argparse.ArgumentParser]
) -> None:
    text = (
        "print the tables of an output in the SQL of another engine, with comments and partitions"
    )
    ddl = on_output(commands.add("ddl", "ddl:show", text))
    ddl.add_argument("dataset", nargs="?", metavar="DATASET", help="only this one")
    text = "whose SQL it is"
    engines = ("athena", "duckdb", "spark", "trino")
    ddl.add_argument("--dialect", choices=engines, required=True, help=text)
    text = "the database that the tables are in (default: default; DuckDB's is main)"
    ddl.add_argument("--database", metavar="NAME", help=text)
    text = "where the output will lie for that engine (default: where it is)"
    ddl.add_argument("--location", metavar="URI", help=text)
    text = "have a table of PostgreSQL hold what a dataset holds: what changed, in one transaction"
    load = on_output(commands.add("load", "loading:show", text))
    load.add_argument("dataset", metavar="DATASET", help="its name")
    text = "postgresql://USER@HOST/DATABASE (PGPASSWORD holds a password), or redshift: print how"
    load.add_argument("--to", required=True, metavar="URL", help=text)
    text = "the table (default: public, and the dataset's name)"
    load.add_argument("--table", metavar="[SCHEMA.]NAME", help=text)
    text = "for redshift: the role with which it reads S3"
    load.add_argument("--iam-role", dest="role", metavar="ARN", help=text)
    text = "for redshift: the entry of the log up to which the table holds the dataset (default: 0)"
    load.add_argument("--since", type=int, default=0, metavar="N", help=text)
    text = "for redshift: where in S3 the output is, if not here"
    load.add_argument("--location", metavar="URI", help=text)
    text = "send what was published from what, as events of OpenLineage: those not sent before"
    lineage = on_output(commands.add("lineage", "lineage:send", text))
    text = "a URL, or a file to which each event is a line"
    lineage.add_argument("--to", required=True, metavar="PLACE", help=text)
    text = "the namespace of the jobs (default: gristmill)"
    lineage.add_argument("--namespace", default="gristmill", metavar="NAME", help=text)


def _add_projects(commands: Commands) -> None:
    text = "make a project of your own: a job, its test, a notebook, a Makefile"
    new = commands.add("new", "projects:new", text)
    new.add_argument("folder", type=Path, metavar="DIR")
    add_flags(new)
    text = "make sample data: logs, texts and meter readings"
    sample = commands.add("sample", "projects:sample", text)
    sample.add_argument("folder", type=Path, metavar="DIR")
    sample.add_argument("--requests", type=int, default=6000, help="log lines (default: 6000)")
    sample.add_argument("--words", type=int, default=20000, help="words (default: 20000)")
    text = "lines of each log format of AWS (default: 0)"
    sample.add_argument("--aws", type=int, default=0, help=text)
    text = "lines of usage in each cost export, FOCUS and CUR, with books (default: 0, no exports)"
    sample.add_argument("--billing", type=int, default=0, help=text)
    sample.add_argument("--seed", type=int, default=7, help="same seed, same data (default: 7)")
    add_flags(sample)
    text = "print what to export so that spark-submit finds Java and Python"
    add_flags(commands.add("env", "projects:env", text))
    text = "look at Java, memory, disk, versions and S3, and say what to do"
    doctor = commands.add("doctor", "doctor:doctor", text)
    doctor.add_argument("uris", nargs="*", metavar="URI", help="a place in S3 to be reached")
    add_flags(doctor)
    text = 'print what makes a shell complete commands: eval "$(gristmill completion bash)"'
    completion = commands.add("completion", "projects:completion", text)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    text = f"explain a topic: {', '.join(topics.TOPICS)}"
    helped = commands.add("help", "projects:explain", text)
    helped.add_argument("topic", nargs="?", metavar="TOPIC")


def paths(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command of a parser, as it is typed, with its own parser."""
    yield top.prog, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from paths(below)
