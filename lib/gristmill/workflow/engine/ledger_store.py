"""Executions in the ledger: each round of one is one transaction, by whoever holds it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from gristmill.errors import GristmillError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.workflow_tables import (
    answers,
    branches,
    executions,
    history,
    kept_items,
    tokens,
)
from gristmill.workflow.definition.resources import resource_of
from gristmill.workflow.engine.driver import Answer
from gristmill.workflow.interpreter.branch import Branch, Execution, Phase, Status
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json

LEASE = 30.0
_PAGE = 500
_FINAL = (Phase.DONE, Phase.FAILED)


class TakenOverError(GristmillError):
    """Another worker goes on with the execution; this one lets go of it."""


class LedgerStore:
    """Where one execution that a worker holds is written down. `token` is what it holds it by."""

    def __init__(self, ledger: Ledger, arn: str, owner: str, token: int) -> None:
        self._ledger = ledger
        self._arn = arn
        self._owner = owner
        self._token = token
        self._last_answer = 0
        self._stop: tuple[str | None, str | None] | None = None
        self._news: list[Answer] = []

    def commit(self, run: Run) -> None:
        """Write down what is new. Raises `TakenOverError`."""
        with self._ledger.begin() as tx:
            self._hold(tx, run)
            self._write_branches(tx, run)
            self._write_history(tx, run)
            self._write_tokens(tx, run)
        self._forget(run)

    def refresh(self, run: Run) -> None:
        """Keep the lease, and see what came in. Raises `TakenOverError`."""
        with self._ledger.begin() as tx:
            self._hold(tx, run)
            self._hear(tx)

    def _hold(self, tx: Transaction, run: Run) -> None:
        execution = run.execution
        is_over = execution.status.is_final
        values: dict[str, Any] = {
            "status": str(execution.status),
            "document": to_document(execution),
            "ended": execution.ended,
            "owner": None if is_over else self._owner,
            "lease_until": None if is_over else tx.now + LEASE,
        }
        held = (
            executions.c.arn == self._arn,
            executions.c.token == self._token,
            # One that has ended stays as it is, whoever thinks that it goes on.
            executions.c.status == str(Status.RUNNING),
        )
        if not tx.run(sa.update(executions).where(*held).values(values)):
            raise TakenOverError(f"{self._arn} was taken up by another worker")

    def _write_branches(self, tx: Transaction, run: Run) -> None:
        for page in _pages(sorted(run.dropped)):
            gone = (branches.c.execution == self._arn, branches.c.id.in_(page))
            tx.run(sa.delete(branches).where(*gone))
        rows = [
            {
                "execution": self._arn,
                "id": branch.id,
                "parent": branch.parent,
                "phase": str(branch.phase),
                "document": branch.to_json(),
            }
            for one in sorted(run.changed)
            if (branch := run.branches.get(one)) is not None
        ]
        if rows:
            inserted = tx.insert(branches)
            changed = {
                "phase": inserted.excluded.phase,
                "document": inserted.excluded.document,
            }
            keys = [branches.c.execution, branches.c.id]
            tx.many(inserted.on_conflict_do_update(index_elements=keys, set_=changed), rows)
        for name, value in run.kept.items():
            where = (kept_items.c.execution == self._arn, kept_items.c.name == name)
            tx.run(sa.delete(kept_items).where(*where))
            if value is not None:
                row = {"execution": self._arn, "name": name, "value": value}
                tx.run(sa.insert(kept_items).values(row))

    def _write_history(self, tx: Transaction, run: Run) -> None:
        rows = [
            {
                "execution": self._arn,
                "id": event.id,
                "type": event.type,
                "previous": event.previous,
                "at": event.at,
                "details": event.details,
            }
            for event in run.events
        ]
        tx.many(sa.insert(history), rows)

    def _write_tokens(self, tx: Transaction, run: Run) -> None:
        """Tokens can come back from when they are written down."""
        rows = []
        for branch in run.calls:
            token = branch.work.get("token")
            if token is None or branch.phase is not Phase.CALLED:
                continue
            resource = resource_of(branch.work["resource"])
            activity = resource.name if resource.kind == "activity" else None
            rows.append(
                {
                    "token": token,
                    "execution": self._arn,
                    "activity": activity,
                    "input": branch.work.get("arguments"),
                    "created": tx.now,
                }
            )
        tx.many(tx.insert(tokens).on_conflict_do_nothing(), rows)
        if run.is_over:
            tx.run(sa.delete(tokens).where(tokens.c.execution == self._arn))
        self._hear(tx)

    def _hear(self, tx: Transaction) -> None:
        asked = sa.select(answers).where(
            answers.c.execution == self._arn, answers.c.id > self._last_answer
        )
        for row in tx.all(asked.order_by(answers.c.id)):
            self._last_answer = row["id"]
            self._news.append(_answer(row))
        found = tx.one(sa.select(executions.c.stop).where(executions.c.arn == self._arn))
        if found is not None and found["stop"] is not None:
            self._stop = (found["stop"].get("error"), found["stop"].get("cause"))

    def _forget(self, run: Run) -> None:
        run.events.clear()
        run.kept.clear()
        run.dropped.clear()
        for one in run.changed:
            branch = run.branches.get(one)
            # What has ended in a Map lies in the ledger until all of it has.
            if branch is not None and branch.item is not None and branch.phase in _FINAL:
                run.let_go(branch)
        run.changed.clear()

    @property
    def has_news(self) -> bool:
        """Whether something came in that was not asked for yet."""
        return bool(self._news) or self._stop is not None

    def answers(self, run: Run) -> list[Answer]:  # noqa: ARG002  the protocol's
        """What came back for its tokens since it was last asked."""
        found, self._news = self._news, []
        return found

    def asked_to_stop(self, run: Run) -> tuple[str | None, str | None] | None:  # noqa: ARG002
        """The error and the cause, where somebody asks to stop it."""
        asked, self._stop = self._stop, None
        return asked

    # Reading it again

    def load(self, run: Run) -> None:
        """Take up an execution where it is: its branches are read, and go on."""
        run.recall = self.recall
        run.finished = self.finished
        with self._ledger.look() as tx:
            live = (
                sa.select(branches.c.document)
                .where(branches.c.execution == self._arn)
                .where(branches.c.phase.not_in([str(one) for one in _FINAL]))
            )
            for row in tx.all(live.order_by(branches.c.id)):
                run.take(Branch.from_json(row["document"]))
            # Branches of a Parallel that have ended are looked at when all have.
            done = (
                sa.select(branches.c.document)
                .where(branches.c.execution == self._arn)
                .where(branches.c.phase.in_([str(one) for one in _FINAL]))
            )
            for row in tx.all(done.order_by(branches.c.id)):
                branch = Branch.from_json(row["document"])
                if branch.parent is None or branch.item is None:
                    run.take(branch)

    def recall(self, name: str) -> Json:
        """What was kept under a name."""
        where = (kept_items.c.execution == self._arn, kept_items.c.name == name)
        with self._ledger.look() as tx:
            found = tx.one(sa.select(kept_items.c.value).where(*where))
        return None if found is None else found["value"]

    def finished(self, parent: int) -> Iterator[Branch]:
        """The branches of a Parallel or Map that are in the ledger, page by page."""
        last = -1
        while True:
            asked = (
                sa.select(branches.c.id, branches.c.document)
                .where(branches.c.execution == self._arn, branches.c.parent == parent)
                .where(branches.c.id > last)
                .order_by(branches.c.id)
                .limit(_PAGE)
            )
            with self._ledger.look() as tx:
                rows = tx.all(asked)
            for row in rows:
                yield Branch.from_json(row["document"])
            if len(rows) < _PAGE:
                return
            last = rows[-1]["id"]


def _answer(row: dict[str, Any]) -> Answer:
    value = row["value"] or {}
    return Answer(
        row["token"], row["kind"], value.get("output"), value.get("error"), value.get("cause")
    )


def _pages(rows: list[Any]) -> Iterator[list[Any]]:
    for at in range(0, len(rows), _PAGE):
        yield rows[at : at + _PAGE]


def to_document(execution: Execution) -> dict[str, Json]:
    """An execution as a row keeps it."""
    return {**vars(execution), "status": str(execution.status)}


def from_document(document: dict[str, Any]) -> Execution:
    """Of what `to_document` gave."""
    return Execution(**{**document, "status": Status(document["status"])})


def digest_of(value: Json) -> str:
    """What two equal values have in common."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
