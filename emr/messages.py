"""Messages by AWS: SNS, SES, and SQS with large bodies in S3.

Standard queues and topics give a message once or more often, in any order
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html):
who gets one has to know it again by its id.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gristmill.emr.aws import Aws, code, explained, parse_s3_uri
from gristmill.errors import InputError, UsageError

LARGEST = 256 * 1024
"""Bytes that a message may have on every queue (newer ones take 1 MiB:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)."""
_CHECK = "gristmill_claim_check"
_SUBJECT = 99  # of SNS: fewer than 100 characters of ASCII, without line breaks


@dataclass(frozen=True)
class Received:
    """A message that was received: its id, what it says, and the receipt to delete it by."""

    id: str
    body: str
    receipt: str
    received: int


def publish(topic: str, title: str, body: str, name: str) -> None:
    """Publish a message to an SNS topic, with its id as an attribute. Raises `GristmillError`."""
    subject = re.sub(r"[^\x20-\x7e]", "?", title)[:_SUBJECT] or "gristmill"
    more = {"MessageDeduplicationId": name, "MessageGroupId": "gristmill"}
    with explained(f"publish to {topic}"):
        Aws(_region(topic)).client("sns").publish(
            TopicArn=topic,
            Subject=subject,
            Message=body,
            MessageAttributes={"id": {"DataType": "String", "StringValue": name}},
            **(more if topic.endswith(".fifo") else {}),
        )


def mail(sender: str, to: str, title: str, body: str, name: str) -> None:
    """Send a mail by SES, with its id in a header. Raises `GristmillError`."""
    with explained(f"send mail to {to}"):
        Aws(None).client("sesv2").send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": [one.strip() for one in to.split(",")]},
            Content={
                "Simple": {
                    "Subject": {"Data": title, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": body, "Charset": "UTF-8"}},
                    "Headers": [{"Name": "X-Gristmill-Id", "Value": name}],
                }
            },
        )


def send(queue: str, document: Mapping[str, Any], name: str, claim_checks: str | None) -> None:
    """Send a document to an SQS queue; one that is too large lies in S3, and its claim check goes.

    Raises `UsageError` where it is too large and there is no folder for it, `GristmillError`.
    """
    aws = Aws(_region(queue))
    body = json.dumps(document, ensure_ascii=False)
    if len(body.encode()) > LARGEST:
        if claim_checks is None:
            raise UsageError(
                f"a message of {len(body.encode()):,} bytes is more than SQS takes: set "
                "claim_checks, a folder in S3"
            )
        uri = f"{claim_checks.rstrip('/')}/{name}.json"
        aws.write(uri, body.encode())
        body = json.dumps({_CHECK: uri})
    more = {"MessageDeduplicationId": name, "MessageGroupId": "gristmill"}
    with explained(f"send to {queue}"):
        aws.client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=body,
            MessageAttributes={"id": {"DataType": "String", "StringValue": name}},
            **(more if queue.endswith(".fifo") else {}),
        )


class Inbox:
    """An SQS queue that is read: what was received stays hidden for `visible_after` seconds, and
    comes again unless it is deleted."""

    def __init__(self, queue: str, visible_after: int = 120) -> None:
        self._queue = queue
        self._visible_after = visible_after
        self._aws = Aws(_region(queue))

    def receive(self, most: int = 10, wait: int = 0) -> list[Received]:
        """Messages, at most ten; waits `wait` seconds for the first. Raises `GristmillError`."""
        with explained(f"receive from {self._queue}"):
            answer = self._aws.client("sqs").receive_message(
                QueueUrl=self._queue,
                MaxNumberOfMessages=min(10, most),
                WaitTimeSeconds=wait,
                VisibilityTimeout=self._visible_after,
                AttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Received(
                one["MessageId"],
                one["Body"],
                one["ReceiptHandle"],
                int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for one in answer.get("Messages", ())
        ]

    def document(self, message: Received) -> Any:
        """What a message says, or what its claim check stands for. Raises `InputError`."""
        found = _json(message.body)
        if isinstance(found, dict) and set(found) == {_CHECK}:
            uri = str(found[_CHECK])
            parse_s3_uri(uri)
            data = self._aws.read(uri)
            if data is None:
                raise InputError(f"the body of message {message.id} is not at {uri}")
            return _json(data.decode("utf-8", "replace"))
        return found

    def delete(self, message: Received) -> None:
        """Take a message off the queue: it is dealt with. One that has come again since is left to
        who got it then. Raises `GristmillError`."""
        with explained(f"take a message off {self._queue}"):
            try:
                self._aws.client("sqs").delete_message(
                    QueueUrl=self._queue, ReceiptHandle=message.receipt
                )
            except ClientError as error:
                if code(error) != "ReceiptHandleIsInvalid":
                    raise


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"a message that is no JSON: {error}") from error


def _region(name: str) -> str | None:
    """The region that an ARN or the URL of a queue names; None where it names none."""
    if name.startswith("arn:"):
        return name.split(":")[3] or None
    found = re.match(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.", name)
    return (found[1] or found[2]) if found else None
