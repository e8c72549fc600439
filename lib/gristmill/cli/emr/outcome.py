"""What is shown of a run that has ended."""

import json
from datetime import timedelta

from gristmill.cli.voice import tell
from gristmill.emr.cause import Kind
from gristmill.emr.outcome import RunOutcome
from gristmill.emr.runs import Record
from gristmill.runs import State
from gristmill.script.console import Console, Speech


def show(record: Record, found: RunOutcome, *, as_json: bool = False) -> None:
    """The report on standard output, all else beside it."""
    console = Console(Speech(as_json=as_json))
    if as_json and len(record.reports) > 1:
        told = [report.to_json() for report in found.reports]
        print(json.dumps(told, indent=2, ensure_ascii=False), flush=True)
    else:
        for report in found.reports:
            if as_json or report.state == "succeeded":
                console.result(report)
    missing = record.reports[len(found.reports) :]
    if missing and found.status.state is State.SUCCEEDED:
        tell(f"it succeeded, but there is no report at {missing[0]}")
    for line in facts(record, found):
        tell(line)


def facts(record: Record, found: RunOutcome) -> list[str]:
    """How a run ended that is not done, and what else is known of it, in lines."""
    return [*_end(record, found), *_facts(found)]


def _end(record: Record, found: RunOutcome) -> list[str]:
    """How it ended, where not well, and why."""
    cause = found.cause
    if found.status.state is State.CANCELLED:
        return [f"gristmill: run {record.run} was cancelled"]
    if found.status.state is not State.FAILED:
        return []
    # What EMR says stands first: what logs hold may be of something else.
    said = f": {found.status.reason}" if found.status.reason else ""
    lines = [f"gristmill: run {record.run} failed{said}"]
    if cause is None:
        return lines
    lines += [f"  {line}" for line in cause.lines]
    # What a job says it says for the user; of the rest, the log is to be looked at.
    if cause.kind is not Kind.SAID:
        lines.append(f"  {cause.advice} (from {cause.where})")
    return lines


def _facts(found: RunOutcome) -> list[str]:
    """How long, how much, and where to read on."""
    lines = []
    if found.status.started and found.status.ended:
        seconds = round((found.status.ended - found.status.started).total_seconds())
        lines.append(f"it ran for {timedelta(seconds=seconds)}")
    if found.cost is not None:
        lines.append(f"it cost {found.cost}")
    if found.status.state is State.FAILED:
        folders = (f"{log.uri.rpartition('/')[0]}/" for log in found.logs)
        lines += [f"logs: {folder}" for folder in dict.fromkeys((found.logs_at, *folders))]
    return [*lines, *(f"note: {note}" for note in found.notes)]
