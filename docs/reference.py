"""Pages of the site that the code itself writes, so that they cannot say anything else."""

import argparse
import dataclasses
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import gristmill
from gristmill.cli import doctor, jobs, look, output, projects, retention, warm
from gristmill.cli.emr import runs, targets
from gristmill.cli.manager import dead, detail, fleet, ledger, queues, schedules, worker
from gristmill.cli.manager import runs as manager_runs
from gristmill.cli.manager import submit as manager_submit
from gristmill.cli.parser import parser, paths
from gristmill.jobs import CATALOGUE
from gristmill.model.dataset import REJECTS, Dataset
from gristmill.model.options import describe
from gristmill.readers import tables, text
from gristmill.script.console import add_flags

Page = Callable[[], Iterable[str]]

_HEADING = ("flag or argument", "what it is")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages: what MkDocs calls once it has found those that are written by hand."""
    from mkdocs.structure.files import File  # noqa: PLC0415  the tests need no MkDocs

    for name, page in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content="\n".join(page())))
    return files


def commands() -> Iterator[str]:
    """Every command, with its flags."""
    yield "# Commands\n"
    yield "`gristmill COMMAND --help` says the same at a terminal.\n"
    shared = argparse.ArgumentParser(add_help=False)
    add_flags(shared)
    yield "Every command that shows something takes these, too:\n"
    yield from _table(_HEADING, _arguments(shared))
    known = {action.dest for action in shared._actions}
    for path, one in paths(parser()):
        if path == "gristmill" or not one.get_default("handler"):
            continue
        yield f"## `{path}`\n\n{_sentence(one.description or '')}\n"
        if rows := list(_arguments(one, known)):
            yield from _table(_HEADING, rows)


def _arguments(
    one: argparse.ArgumentParser, known: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    for action in one._actions:
        is_own = isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
        if not is_own and action.dest not in known:
            yield _flag(action), action.help or ""


def _sentence(text_: str) -> str:
    return f"{text_[:1].upper()}{text_[1:]}."


def _flag(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    named = ", ".join(action.option_strings) or str(value)
    return f"`{named}`" if not (action.option_strings and value) else f"`{named} {value}`"


def job_pages() -> Iterator[str]:
    """Every job, with its options."""
    yield "# Jobs and options\n"
    for job in CATALOGUE.values():
        written = ", ".join(f"[`{one.name}`](datasets.md#{one.name})" for one in job.writes)
        yield f"## `{job.name}`\n\n{job.help}\n\nReads {job.reads.help}. Writes {written}.\n"
        yield from _table(
            ("option", "default", "what it does"),
            [(f"`{flag}`", default, text_) for flag, default, text_ in describe(job.options)],
        )


def datasets() -> Iterator[str]:
    """Every dataset, with its columns."""
    yield "# Datasets and columns\n"
    for dataset in all_datasets().values():
        partitions = ", ".join(f"`{name}`" for name in dataset.partitioned_by)
        yield f"## `{dataset.name}` {{ #{dataset.name} }}\n\n{dataset.help}\n"
        yield f"Partitioned by {partitions}; a run replaces a {dataset.write_mode}.\n"
        yield from _table(
            ("column", "type", "what it holds"),
            [(f"`{field.name}`", f"`{field.type}`", field.help) for field in dataset.fields],
        )


def all_datasets() -> Mapping[str, Dataset]:
    """Every dataset that a job of Gristmill's writes, by name."""
    written = [dataset for job in CATALOGUE.values() for dataset in job.writes]
    return {dataset.name: dataset for dataset in (*written, REJECTS)}


def rejects() -> Iterator[str]:
    """Every reason for a reject, by job."""
    yield "# Reasons for rejects\n"
    yield "A code never changes. [Tables of your own](../tables.md) have codes of their columns.\n"
    for job in CATALOGUE.values():
        codes = {**job.reads.rejects, **{check.code: "a check" for check in job.checks}}
        if codes:
            yield f"## `{job.name}`\n"
            yield from _table(
                ("code", "what it means"), [(f"`{code}`", told) for code, told in codes.items()]
            )


def python() -> Iterator[str]:
    """What a program may import."""
    yield "# Python\n"
    for module in (gristmill, text, tables):
        for name in module.__all__:
            found = getattr(module, name)
            yield f"## `{module.__name__}.{name}`\n"
            if inspect.isclass(found) or inspect.isfunction(found):
                yield f"```python\n{name}{_signature(found)}\n```\n"
            yield f"{inspect.cleandoc(found.__doc__ or '')}\n"
            if inspect.isclass(found):
                yield from _members(found)


def _signature(found: Any) -> str:
    parts = str(inspect.signature(found))
    return _plain(re.sub(r"<object object at 0x\w+>|<factory>", "…", parts).replace("~", ""))


def _plain(kinds: str) -> str:
    """Types without the modules that they are from."""
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z]|date\b|datetime\b)", "", kinds)


def _members(found: type) -> Iterator[str]:
    for name, member in vars(found).items():
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        call = "" if isinstance(member, property) else _signature(function)
        yield f"- **`{name}{call}`**: {' '.join(inspect.cleandoc(function.__doc__).split())}"
    yield ""


def json_documents() -> Iterator[str]:
    """What `--json` gives, by the classes whose fields it has."""
    yield "# JSON of commands\n"
    yield "`--json` gives one document. Its fields, and those of what is in it, are these.\n"
    manager = (manager_submit, manager_runs, detail, dead, queues, worker, schedules, ledger, fleet)
    for module in (jobs, look, output, retention, projects, doctor, warm, runs, targets, *manager):
        for name, found in vars(module).items():
            if not dataclasses.is_dataclass(found) or found.__module__ != module.__name__:
                continue
            if not isinstance(found, type) or name.startswith("_"):
                continue
            yield f"## {name}\n\n{inspect.cleandoc(found.__doc__ or '')}\n"
            fields = dataclasses.fields(found)
            rows = [(f"`{one.name}`", f"`{_type(one.type)}`") for one in fields]
            yield from _table(("field", "type"), rows)


def _type(kind: Any) -> str:
    is_plain = isinstance(kind, type) and not hasattr(kind, "__args__")
    return kind.__name__ if is_plain else _plain(str(kind))


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(heading)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""


PAGES: Mapping[str, Page] = {
    "commands": commands,
    "jobs": job_pages,
    "datasets": datasets,
    "rejects": rejects,
    "python": python,
    "json": json_documents,
}
"""The pages by their names, below `reference/`."""
