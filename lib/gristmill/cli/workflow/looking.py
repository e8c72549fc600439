"""Looking at executions."""

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gristmill.cli.manager.context import moment, opened, span, when
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.ledger import Row, Transaction
from gristmill.nearest import nearest
from gristmill.workflow.engine import service
from gristmill.workflow.engine.ledger_store import from_document
from gristmill.workflow.interpreter.branch import Event, Status


@dataclass(frozen=True)
class ExecutionLine:
    """An execution. Times are UTC."""

    execution: str
    machine: str
    status: str
    started: datetime | None
    ended: datetime | None
    error: str | None


@dataclass(frozen=True)
class ExecutionList:
    """Executions, the newest first."""

    executions: tuple[ExecutionLine, ...]

    @staticmethod
    def of(rows: Iterable[Row]) -> "ExecutionList":
        """Rows of the ledger."""
        return ExecutionList(
            tuple(
                ExecutionLine(
                    row["name"],
                    row["machine"],
                    row["status"],
                    moment(row["started"]),
                    moment(row["ended"]),
                    row["document"]["error"],
                )
                for row in rows
            )
        )


@dataclass(frozen=True)
class HistoryEvent:
    """One event, with AWS's name; `details` are those of its type."""

    id: int
    previous: int
    type: str
    at: datetime | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class ExecutionDetail:
    """All of an execution. Times are UTC. `events` are empty unless they were asked for."""

    execution: str
    machine: str
    status: str
    started: datetime | None
    ended: datetime | None
    input: Any
    output: Any
    error: str | None
    cause: str | None
    redrives: int
    events: tuple[HistoryEvent, ...]

    @staticmethod
    def of(tx: Transaction, name: str, *, with_events: bool) -> "ExecutionDetail":
        """An execution by its name or ARN. Raises `InputError`."""
        row = service.find(tx, name)
        events = service.history_of(tx, row["arn"]) if with_events else []
        execution = from_document(row["document"])
        return ExecutionDetail(
            execution.name,
            execution.machine_name,
            str(execution.status),
            moment(execution.started),
            moment(execution.ended),
            execution.input,
            execution.output,
            execution.error,
            execution.cause,
            execution.redrives,
            tuple(map(_event, events)),
        )


def list_executions(arguments: argparse.Namespace) -> int:
    """List executions; gives the exit code."""
    status = arguments.status and arguments.status.upper()
    if status is not None and status not in set(Status):
        raise UsageError(f"no status {status!r}: {nearest(status, [str(one) for one in Status])}")
    with opened(arguments) as ledger, ledger.look() as tx:
        rows = service.listed(tx, arguments.machine, status, arguments.n)
    show(ExecutionList.of(rows), as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: ExecutionList) -> Iterable[Block]:
    rows = [
        (one.execution, one.machine, one.status.lower(), when(one.started), one.error or "")
        for one in found.executions
    ]
    heading = ("execution", "state machine", "is", "started", "error")
    yield Table(heading, rows) if rows else "no executions: gristmill workflow run FILE starts one"


def show_execution(arguments: argparse.Namespace) -> int:
    """Show an execution; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = ExecutionDetail.of(tx, arguments.execution, with_events=arguments.history)
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def _event(event: Event) -> HistoryEvent:
    return HistoryEvent(event.id, event.previous, event.type, moment(event.at), event.details)


@blocks.register
def _(found: ExecutionDetail) -> Iterable[Block]:
    yield f"{found.machine}:{found.execution}  {found.status}"
    took = ""
    if found.started and found.ended:
        took = f", took {span((found.ended - found.started).total_seconds())}"
    yield f"started {when(found.started)}{took}"
    yield f"input: {json.dumps(found.input, ensure_ascii=False)}"
    if found.status == Status.SUCCEEDED:
        yield f"output: {json.dumps(found.output, ensure_ascii=False)}"
    if found.error:
        yield f"error: {found.error}"
    if found.cause:
        yield f"cause: {found.cause}"
    if found.redrives:
        yield f"redriven {found.redrives} times"
    if found.events:
        rows = [(str(one.id), when(one.at), one.type, _shown(one.details)) for one in found.events]
        yield Table(("#", "at", "event", "of"), rows)


def _shown(details: Mapping[str, Any]) -> str:
    for name in ("name", "resource", "error"):
        if details.get(name):
            more = f" {details['cause']}" if name == "error" and details.get("cause") else ""
            return f"{details[name]}{more}"[:100]
    return ""
