"""What is shown of a run that has ended."""

from datetime import timedelta

from emr.answer import Answer
from emr.runs import Record
from gristmill.cli.emr.place import tell
from gristmill.console import Console
from gristmill.runners import State


def show(record: Record, found: Answer) -> None:
    """The answer: the report on standard output, all else beside it."""
    status = found.status
    if found.report is not None and found.report.state == "done":
        Console().result(found.report)
    elif status.state is State.SUCCEEDED:
        tell(f"it succeeded, but there is no report at {record.report}")
    if status.state is State.FAILED:
        tell(f"gristmill: run {record.run} failed: {status.reason or status.detail}")
        if found.cause is not None:
            for line in found.cause.lines:
                tell(f"  {line}")
            tell(f"  {found.cause.advice} (from {found.cause.where})")
    if status.started and status.ended:
        seconds = round((status.ended - status.started).total_seconds())
        tell(f"it ran for {timedelta(seconds=seconds)}")
    if found.cost is not None:
        tell(f"it cost {found.cost}")
    for folder in dict.fromkeys(log.uri.rpartition("/")[0] for log in found.logs):
        tell(f"logs: {folder}/")
    for note in found.notes:
        tell(f"note: {note}")
