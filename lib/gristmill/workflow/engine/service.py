"""State machines and executions in the ledger: registered, started, found, stopped, answered."""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gristmill.errors import InputError, UsageError
from gristmill.manager.ledger import Ledger, Row, Transaction
from gristmill.manager.ledger.workflow_tables import (
    answers,
    executions,
    history,
    machines,
    tokens,
)
from gristmill.nearest import nearest
from gristmill.workflow.bindings.nested import NoSuchMachineError
from gristmill.workflow.engine.ledger_store import digest_of, from_document, to_document
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter.branch import Event, Execution, Status
from gristmill.workflow.lint import check_text
from gristmill.workflow.values import Json, timestamp

ACCOUNT, REGION = "000000000000", "local"
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}$")


def machine_arn(name: str) -> str:
    """What names a state machine here, as AWS would."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def execution_arn(machine: str, name: str) -> str:
    """What names an execution here."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:{name}"


@dataclass(frozen=True)
class Registered:
    """A state machine in the ledger, in one of its revisions."""

    name: str
    revision: int
    text: str
    is_express: bool


@dataclass(frozen=True)
class Started:
    """An execution, and whether it is new: with a name that was there it is the one that has it."""

    execution: Execution
    is_new: bool


def check_name(name: str) -> str:
    """A name that an execution or a machine may have. Raises `UsageError`."""
    if not _NAME.match(name):
        raise UsageError(
            f"{name!r} is no name: it has 1 to 80 characters, no spaces or brackets, and none of "
            '?*"#%^|~`$&,;:/'
        )
    return name


def register(
    tx: Transaction,
    name: str,
    text: str,
    *,
    is_express: bool = False,
    aws: frozenset[str] = frozenset(),
) -> Registered:
    """Put a state machine into the ledger; the same text again is the revision that is there.
    `aws` are the services that are AWS's own.

    Raises `DefinitionError` for what cannot be run.
    """
    check_name(name)
    check_text(text, is_express=is_express, aws=aws).sound(name)
    digest = digest_of([text, is_express])
    found = _newest(tx, name)
    if found is not None and found["digest"] == digest:
        return _registered(found)
    revision = 1 if found is None else found["revision"] + 1
    row = {
        "name": name,
        "revision": revision,
        "text": text,
        "digest": digest,
        "express": is_express,
        "created": tx.now,
    }
    tx.run(sa.insert(machines).values(row))
    return Registered(name, revision, text, is_express)


def _newest(tx: Transaction, name: str) -> Row | None:
    asked = sa.select(machines).where(machines.c.name == name)
    return tx.one(asked.order_by(machines.c.revision.desc()).limit(1))


def _registered(row: Row) -> Registered:
    return Registered(row["name"], row["revision"], row["text"], row["express"])


def machine_of(tx: Transaction, name: str, revision: int | None = None) -> Registered:
    """A state machine, in its newest revision or another. Raises `NoSuchMachineError`."""
    asked = sa.select(machines).where(machines.c.name == name)
    if revision is not None:
        asked = asked.where(machines.c.revision == revision)
    found = tx.one(asked.order_by(machines.c.revision.desc()).limit(1))
    if found is None:
        known = [row["name"] for row in tx.all(sa.select(machines.c.name).distinct())]
        raise NoSuchMachineError(f"there is no state machine {name!r}: {nearest(name, known)}")
    return _registered(found)


def known(tx: Transaction, name: str) -> Registered:
    """A state machine that was registered. Raises `InputError`."""
    try:
        return machine_of(tx, name)
    except NoSuchMachineError as error:
        raise InputError(f"{error}; or name a file") from error


def start(
    tx: Transaction, machine: Registered, given: Json, name: str | None = None, folder: str = ""
) -> Started:
    """Write down an execution, for a worker to take up.

    The same name with the same input is the execution that is there; with another input it is
    refused by `UsageError`.
    """
    name = check_name(name or str(uuid.uuid4()))
    arn = execution_arn(machine.name, name)
    request = digest_of(given)
    found = tx.one(sa.select(executions).where(executions.c.arn == arn))
    if found is not None:
        if found["request"] != request:
            raise UsageError(f"{name} is there already, with another input: choose another name")
        return Started(from_document(found["document"]), is_new=False)
    execution = Execution(arn, machine_arn(machine.name), given, tx.now, _role())
    row = {
        "arn": arn,
        "machine": machine.name,
        "name": name,
        "revision": machine.revision,
        "status": str(Status.RUNNING),
        "document": to_document(execution),
        "request": request,
        "folder": folder or str(Path.cwd()),
        "started": tx.now,
    }
    tx.run(sa.insert(executions).values(row))
    return Started(execution, is_new=True)


def _role() -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/local"


def find(tx: Transaction, text: str) -> Row:
    """The row of an execution, by its ARN, MACHINE:NAME, or a name or the start of one that is
    there once. Raises `InputError`."""
    columns = executions.c
    machine, _, name = text.rpartition(":")
    for where in (
        (columns.arn == text,),
        (columns.machine == machine, columns.name == name) if machine else (columns.name == text,),
        (columns.name.startswith(text, autoescape=True),),
    ):
        rows = tx.all(sa.select(executions).where(*where).limit(2))
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise InputError(f"{text} names several executions: write MACHINE:NAME")
    raise InputError(f"there is no execution {text}")


def execution_of(tx: Transaction, arn: str) -> Execution:
    """An execution as it is now. Raises `InputError`."""
    return from_document(find(tx, arn)["document"])


def listed(
    tx: Transaction, machine: str | None = None, status: str | None = None, most: int = 50
) -> list[Row]:
    """Executions, the newest first."""
    asked = sa.select(executions).order_by(executions.c.started.desc()).limit(most)
    if machine is not None:
        asked = asked.where(executions.c.machine == machine)
    if status is not None:
        asked = asked.where(executions.c.status == status)
    return tx.all(asked)


def history_of(tx: Transaction, arn: str) -> list[Event]:
    """The history of an execution; an express one has none."""
    rows = tx.all(sa.select(history).where(history.c.execution == arn).order_by(history.c.id))
    return [
        Event(row["id"], row["type"], row["previous"], row["at"], row["details"]) for row in rows
    ]


def ask_to_stop(
    tx: Transaction, arn: str, error: str | None = None, cause: str | None = None
) -> bool:
    """Ask whoever drives an execution to stop it; gives whether it was under way."""
    running = (executions.c.arn == arn, executions.c.status == str(Status.RUNNING))
    asked = sa.update(executions).where(*running)
    return tx.run(asked.values(stop={"error": error, "cause": cause})) == 1


def answer(
    tx: Transaction,
    token: str,
    kind: str,
    *,
    output: Json = None,
    error: str | None = None,
    cause: str | None = None,
) -> None:
    """Tell what came of a task, by its token: success, failure, or heartbeat.

    Raises `StatesError` for one that nobody waits for any more.
    """
    found = tx.one(sa.select(tokens.c.execution).where(tokens.c.token == token))
    if found is None:
        raise StatesError("TaskDoesNotExist", "nothing waits for this token (any more)")
    value = {"output": output, "error": error, "cause": cause}
    row = {
        "execution": found["execution"],
        "token": token,
        "kind": kind,
        "value": value,
        "at": tx.now,
    }
    tx.run(sa.insert(answers).values(row))
    if kind in {"success", "failure"}:
        tx.run(sa.delete(tokens).where(tokens.c.token == token))


@dataclass(frozen=True)
class ActivityTask:
    """Work that an activity waits for: a token to answer by, and the input."""

    token: str
    input: Json


def take_activity(tx: Transaction, name: str, worker: str) -> ActivityTask | None:
    """Take up the oldest work of an activity; None where nothing waits."""
    asked = (
        sa.select(tokens)
        .where(tokens.c.activity == name, tokens.c.taken_by.is_(None))
        .order_by(tokens.c.created)
        .limit(1)
    )
    if tx.is_postgresql:
        asked = asked.with_for_update(skip_locked=True)
    found = tx.one(asked)
    if found is None:
        return None
    tx.run(sa.update(tokens).where(tokens.c.token == found["token"]).values(taken_by=worker))
    row = {
        "execution": found["execution"],
        "token": found["token"],
        "kind": "taken",
        "value": {"output": worker},
        "at": tx.now,
    }
    tx.run(sa.insert(answers).values(row))
    return ActivityTask(found["token"], found["input"])


def described(execution: Execution) -> dict[str, Any]:
    """An execution, as AWS's DescribeExecution has it, with values instead of JSON as text."""
    told: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": str(execution.status),
        "startDate": timestamp(execution.started),
        "input": execution.input,
        "redriveCount": execution.redrives,
    }
    if execution.ended is not None:
        told["stopDate"] = timestamp(execution.ended)
    if execution.status is Status.SUCCEEDED:
        told["output"] = execution.output
    ends = (("error", execution.error), ("cause", execution.cause))
    return told | {name: text for name, text in ends if text is not None}


class LedgerExecutions:
    """Starts executions in the ledger, for those that workflows start. `named` finds the machine
    of a name."""

    def __init__(
        self,
        ledger: Ledger,
        folder: str,
        named: Callable[[Transaction, str], Registered] = machine_of,
    ) -> None:
        self._ledger = ledger
        self._folder = folder
        self._named = named

    def start(self, machine_arn: str, name: str, given: Json) -> Execution:
        """Start one. Raises `NoSuchMachineError`, and `StatesError` for a name that was used for
        something else."""
        with self._ledger.begin() as tx:
            machine = self._named(tx, machine_arn.rpartition(":")[2])
            try:
                return start(tx, machine, given, name, self._folder).execution
            except UsageError as error:
                raise StatesError(
                    "StepFunctions.ExecutionAlreadyExistsException", str(error)
                ) from error

    def find(self, arn: str) -> Execution:
        """How one is. Raises `LookupError`."""
        with self._ledger.look() as tx:
            row = tx.one(sa.select(executions.c.document).where(executions.c.arn == arn))
        if row is None:
            raise LookupError(arn)
        return from_document(row["document"])

    def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> bool:
        """Stop one; gives whether there was one to be stopped."""
        with self._ledger.begin() as tx:
            return ask_to_stop(tx, arn, error, cause)

    def answer(
        self, token: str, kind: str, *, output: Json = None, error: str | None, cause: str | None
    ) -> None:
        """Tell what came of a task. Raises `StatesError` for a token that nobody waits for."""
        with self._ledger.begin() as tx:
            answer(tx, token, kind, output=output, error=error, cause=cause)


def rows_described(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Executions in a list."""
    return [described(from_document(row["document"])) for row in rows]
