"""Queues: `sqs:sendMessage`, and what takes messages out again, as SQS does it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.
"""

import hashlib
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.workflow_tables import local_messages
from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.once import once
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json, dump

_DEDUPLICATION = 300.0


@dataclass(frozen=True)
class Queue:
    """A queue. Its name ends in .fifo where order counts. Times are in seconds. After `most`
    receipts a message goes to `dead_letters`."""

    name: str
    visibility: float = 30.0
    dead_letters: str | None = None
    most: int = 3

    @property
    def is_fifo(self) -> bool:
        """Whether messages of a group come out in the order that they went in."""
        return self.name.endswith(".fifo")


@dataclass(frozen=True)
class Message:
    """A message that was taken out, until it is visible again. `received` counts from 1."""

    id: str
    body: str
    attributes: Mapping[str, Json]
    receipt: str
    received: int


class Queues(Answering):
    """Sends to the queues that are declared. A call that is repeated sends once."""

    def __init__(self, ledger: Ledger, queues: Mapping[str, Queue]) -> None:
        self._ledger = ledger
        self._queues = queues

    def start(self, call: Call) -> Done:
        """Send a message."""
        arguments = need(call.resource, call.arguments, "QueueUrl", "MessageBody")
        url = str(arguments["QueueUrl"])
        queue = self._queues.get(url.rstrip("/").rpartition("/")[2])
        if queue is None:
            host = url.partition("://")[2].partition("/")[0] or url
            if host in {url.partition("://")[2], url}:
                raise StatesError(
                    "SQS.SdkClientException",
                    f"Unable to execute HTTP request: {host}: Name or service not known",
                )
            raise refusal(
                call.resource,
                "QueueDoesNotExistException",
                "The specified queue does not exist.",
                code="AWS.SimpleQueueService.NonExistentQueue",
            )
        answer = once(self._ledger, call.key, lambda tx: put(tx, queue, arguments))
        return Done(told(call.resource, answer))


def put(tx: Transaction, queue: Queue, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Put a message into a queue; gives what SQS answers. Raises `StatesError`."""
    given = arguments["MessageBody"]
    body = given if isinstance(given, str) else dump(given)
    attributes = arguments.get("MessageAttributes") or {}
    group = arguments.get("MessageGroupId")
    twice = arguments.get("MessageDeduplicationId")
    if queue.is_fifo and group is None:
        raise StatesError(
            "SQS.AmazonSQSException", "The request must contain the parameter MessageGroupId."
        )
    duplicate = None
    if queue.is_fifo:
        # Within five minutes the same is one message.
        window = int(tx.now // _DEDUPLICATION)
        duplicate = f"{twice or hashlib.sha256(body.encode()).hexdigest()}/{window}"
    number = tx.one(sa.select(sa.func.max(local_messages.c.number).label("last")))
    values = {
        "id": str(uuid.uuid4()),
        "queue": queue.name,
        "body": body,
        "attributes": attributes,
        "group": group,
        "duplicate": duplicate,
        "sent": tx.now,
        "visible": tx.now + float(arguments.get("DelaySeconds") or 0),
        "number": (number["last"] if number and number["last"] else 0) + 1,
    }
    tx.run(tx.insert(local_messages).values(values).on_conflict_do_nothing())
    answer: dict[str, Json] = {
        "MD5OfMessageBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "MessageId": values["id"],
    }
    if queue.is_fifo:
        answer["SequenceNumber"] = f"{values['number']:020d}"
    if attributes:
        answer["MD5OfMessageAttributes"] = _md5(attributes)
    return answer


def _md5(attributes: Mapping[str, Json]) -> str:
    """The digest of attributes, as SQS forms it."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        one = attributes[name]
        for text in (name, one.get("DataType", "String")):
            digest.update(struct.pack(">I", len(text.encode())) + text.encode())
        value = str(one.get("StringValue", "")).encode()
        digest.update(b"\x01" + struct.pack(">I", len(value)) + value)
    return digest.hexdigest()


def receive(ledger: Ledger, queue: Queue, most: int = 1) -> list[Message]:
    """Take messages out of a queue: each is unseen by others until its time is over."""
    found: list[Message] = []
    with ledger.begin() as tx:
        held = sa.select(local_messages.c.group).where(
            local_messages.c.queue == queue.name,
            local_messages.c.visible > tx.now,
            local_messages.c.receipt.is_not(None),
            local_messages.c.group.is_not(None),
        )
        asked = (
            sa.select(local_messages)
            .where(local_messages.c.queue == queue.name, local_messages.c.visible <= tx.now)
            .where(sa.or_(local_messages.c.group.is_(None), local_messages.c.group.not_in(held)))
            .order_by(local_messages.c.number)
            .limit(most)
        )
        if tx.is_postgresql:
            asked = asked.with_for_update(skip_locked=True)
        for row in tx.all(asked):
            if queue.dead_letters and row["received"] >= queue.most:
                tx.run(
                    sa.update(local_messages)
                    .where(local_messages.c.id == row["id"])
                    .values(queue=queue.dead_letters, received=0, receipt=None, duplicate=None)
                )
                continue
            receipt = str(uuid.uuid4())
            tx.run(
                sa.update(local_messages)
                .where(local_messages.c.id == row["id"])
                .values(
                    receipt=receipt, received=row["received"] + 1, visible=tx.now + queue.visibility
                )
            )
            found.append(
                Message(row["id"], row["body"], row["attributes"], receipt, row["received"] + 1)
            )
    return found


def delete(ledger: Ledger, message: Message) -> bool:
    """Take a message away for good; gives whether the receipt was still good."""
    with ledger.begin() as tx:
        gone = tx.run(
            sa.delete(local_messages).where(
                local_messages.c.id == message.id, local_messages.c.receipt == message.receipt
            )
        )
    return gone == 1


def waiting(ledger: Ledger, queue: Queue) -> int:
    """How many messages are in a queue, seen or unseen."""
    with ledger.look() as tx:
        asked = sa.select(sa.func.count().label("count")).where(
            local_messages.c.queue == queue.name
        )
        found = tx.one(asked)
    return int(found["count"]) if found else 0
