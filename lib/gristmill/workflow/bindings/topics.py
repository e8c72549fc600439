"""Topics: `sns:publish` to each subscriber's own queue.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.once import once
from gristmill.workflow.bindings.queues import Queue, put
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.values import Json, dump, timestamp


@dataclass(frozen=True)
class Subscription:
    """A queue that gets what is published. `filter` has, for an attribute, the values that it
    takes; none for all. A raw one gets the message without what SNS puts around it."""

    queue: str
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_raw: bool = False


@dataclass(frozen=True)
class Topic:
    """A topic, and who subscribes to it."""

    name: str
    subscriptions: tuple[Subscription, ...] = ()

    @property
    def is_fifo(self) -> bool:
        """Whether order counts."""
        return self.name.endswith(".fifo")


class Topics(Answering):
    """Publishes to the topics that are declared. A call that is repeated publishes once."""

    def __init__(
        self, ledger: Ledger, topics: Mapping[str, Topic], queues: Mapping[str, Queue]
    ) -> None:
        self._ledger = ledger
        self._topics = topics
        self._queues = queues

    def start(self, call: Call) -> Done:
        """Publish a message."""
        arguments = need(call.resource, call.arguments, "Message")
        arn = str(arguments.get("TopicArn") or arguments.get("TargetArn") or "")
        topic = self._topics.get(arn.rpartition(":")[2])
        if topic is None:
            raise refusal(
                call.resource,
                "NotFoundException",
                "Topic does not exist",
                code="NotFound",
                status=404,
            )
        if topic.is_fifo and not arguments.get("MessageGroupId"):
            raise refusal(
                call.resource,
                "InvalidParameterException",
                "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
                code="InvalidParameter",
            )
        answer = once(self._ledger, call.key, lambda tx: self._publish(tx, topic, arn, arguments))
        return Done(told(call.resource, answer))

    def _publish(
        self, tx: Transaction, topic: Topic, arn: str, arguments: Mapping[str, Json]
    ) -> dict[str, Json]:
        given = arguments["Message"]
        message = given if isinstance(given, str) else dump(given)
        attributes = arguments.get("MessageAttributes") or {}
        name = str(uuid.uuid4())
        envelope: dict[str, Json] = {
            "Type": "Notification",
            "MessageId": name,
            "TopicArn": arn,
            "Message": message,
            "Timestamp": timestamp(tx.now),
        }
        if "Subject" in arguments:
            envelope["Subject"] = arguments["Subject"]
        if attributes:
            envelope["MessageAttributes"] = {
                key: {"Type": one.get("DataType"), "Value": one.get("StringValue")}
                for key, one in attributes.items()
            }
        for one in topic.subscriptions:
            if not _passes(one, attributes):
                continue
            sent: dict[str, Json] = {"MessageBody": message if one.is_raw else envelope}
            if one.is_raw:
                sent["MessageAttributes"] = attributes
            for key in ("MessageGroupId", "MessageDeduplicationId"):
                if key in arguments:
                    sent[key] = arguments[key]
            put(tx, self._queues[one.queue], sent)
        if not topic.is_fifo:
            return {"MessageId": name}
        return {"MessageId": name, "SequenceNumber": f"{int(tx.now * 1_000_000):020d}"}


def _passes(subscription: Subscription, attributes: Mapping[str, Json]) -> bool:
    return all(
        attributes.get(name, {}).get("StringValue") in values
        for name, values in subscription.filter.items()
    )
