"""Event buses and mail: `events:putEvents` and `ses:sendEmail`, kept in the ledger.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.workflow_tables import local_events
from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.once import once
from gristmill.workflow.bindings.sdk import need, told
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json, dump

_EVENT, _MAIL = "event", "mail"


class Buses(Answering):
    """Puts events on a bus. A call that is repeated puts them once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def start(self, call: Call) -> Done:
        """Put events; what is malformed is refused, and the rest is put."""
        arguments = need(call.resource, call.arguments, "Entries")
        answer = once(self._ledger, call.key, lambda tx: _put_all(tx, call, arguments["Entries"]))
        if answer["FailedEntryCount"]:
            raise StatesError("EventBridge.FailedEntry", dump(answer))
        return Done(answer)


def _put_all(tx: Transaction, call: Call, entries: list[dict[str, Json]]) -> dict[str, Json]:
    answers: list[Json] = []
    for entry in entries:
        detail = entry.get("Detail")
        try:
            value = json.loads(detail) if isinstance(detail, str) else detail
            if not isinstance(value, dict):
                raise ValueError("no object")
        except ValueError:
            answers.append({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."})
            continue
        # Step Functions adds what it is that sends.
        more = [
            call.execution,
            call.execution.rpartition(":")[0].replace(":execution:", ":stateMachine:"),
        ]
        resources = [*entry.get("Resources", ()), *more]
        name = _keep(
            tx,
            _EVENT,
            str(entry.get("EventBusName", "default")),
            {**entry, "Detail": value, "Resources": resources},
        )
        answers.append({"EventId": name})
    failed = sum(1 for one in answers if "ErrorCode" in one)
    return {"Entries": answers, "FailedEntryCount": failed}


def _keep(tx: Transaction, kind: str, target: str, entry: Json) -> str:
    name = str(uuid.uuid4())
    values = {"id": name, "kind": kind, "target": target, "entry": entry, "at": tx.now}
    tx.run(sa.insert(local_events).values(values))
    return name


class Mails(Answering):
    """Keeps mails, as if they had been sent. A call that is repeated sends one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def start(self, call: Call) -> Done:
        """Send a mail, of either version of SES."""
        arguments = need(call.resource, call.arguments, "Destination")
        to = arguments["Destination"].get("ToAddresses") or []
        if not to:
            raise StatesError("Ses.MessageRejectedException", "there is nobody to send it to")
        answer = once(
            self._ledger,
            call.key,
            lambda tx: {"MessageId": _keep(tx, _MAIL, ", ".join(map(str, to)), arguments)},
        )
        return Done(told(call.resource, answer))


@dataclass(frozen=True)
class Sent:
    """An event or a mail that was sent: to which bus, or to whom."""

    target: str
    entry: Mapping[str, Json]
    at: float


def events_of(ledger: Ledger, bus: str = "default") -> list[Sent]:
    """The events on a bus, in their order."""
    return _sent(ledger, _EVENT, local_events.c.target == bus)


def mails(ledger: Ledger) -> list[Sent]:
    """The mails that were sent, in their order."""
    return _sent(ledger, _MAIL, sa.true())


def _sent(ledger: Ledger, kind: str, where: "sa.ColumnElement[bool]") -> list[Sent]:
    asked = sa.select(local_events).where(local_events.c.kind == kind, where)
    with ledger.look() as tx:
        rows = tx.all(asked.order_by(local_events.c.at))
    return [Sent(row["target"], row["entry"], row["at"]) for row in rows]
