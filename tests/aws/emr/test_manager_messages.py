"""Ways into the ledger and out of it, by SQS, SNS and SES of moto: repeats, disorder, lost answers.

One suite for the ledger itself and for queues: whoever asks for a run gets it, and gets it once.
"""

import json
import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from gristmill import failpoints
from gristmill.emr.aws import Aws
from gristmill.emr.messages import LARGEST, Inbox, mail, publish, send
from gristmill.errors import GristmillError, UsageError
from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.ledger.looking import Filter, listed
from gristmill.manager.settings import Arrival, Settings
from gristmill.manager.start.arrivals import take_arrivals
from gristmill.manager.start.inboxes import RequestMessage, take_events, take_requests
from gristmill.manager.start.places import look
from gristmill.manager.submit import submit_request
from simulator import Simulator

FLAGS = ["--input", "s3://in/x", "--output", "s3://out"]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield one
    one.close()


def keys(ledger: Ledger) -> list[str]:
    with ledger.look() as tx:
        return sorted(str(row["key"]) for row in listed(tx, Filter(), 1000))


class Way(Protocol):
    """A way to ask for runs, which may be asked again, and whose answers may get lost."""

    told: list[str]

    def ask(self, document: Any) -> None: ...

    def take(self) -> None: ...


class Direct:
    """The ledger itself: to ask again is to submit again."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.told: list[str] = []
        self._asked: list[Any] = []

    def ask(self, document: Any) -> None:
        self._asked.append(document)

    def take(self) -> None:
        # Who has no answer asks again.
        for document in list(self._asked):
            asked = RequestMessage.model_validate(document)
            submit_request(self.ledger, asked.request("none", "direct"))
            failpoints.point("a message was taken in")
            self._asked.remove(document)


class Queued:
    """A queue of SQS, which shows messages again at once."""

    def __init__(
        self, ledger: Ledger, simulator: Simulator, *, fifo: bool = False, most: int = 1000
    ) -> None:
        self.ledger = ledger
        self.told: list[str] = []
        client = simulator.client("sqs")
        name = secrets.token_hex(4)
        dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": most}
        attributes = {} if fifo else {"RedrivePolicy": json.dumps(policy)}
        attributes |= {"FifoQueue": "true"} if fifo else {}
        suffix = ".fifo" if fifo else ""
        made = client.create_queue(QueueName=f"{name}{suffix}", Attributes=attributes)
        self.url, self.dead, self.fifo = made["QueueUrl"], dead, fifo
        self.client = client
        self.inbox = Inbox(self.url, visible_after=0 if not fifo else 1)

    def ask(self, document: Any) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        more = {"MessageGroupId": "g", "MessageDeduplicationId": secrets.token_hex(4)}
        self.client.send_message(QueueUrl=self.url, MessageBody=text, **(more if self.fifo else {}))

    def take(self) -> None:
        take_requests(self.ledger, "main", self.inbox, self.told.append)


@pytest.fixture(params=["ledger", "sqs", "sqs-fifo"])
def way(request: pytest.FixtureRequest, ledger: Ledger, simulator: Simulator, reach: Aws) -> Way:
    if request.param == "ledger":
        return Direct(ledger)
    return Queued(ledger, simulator, fifo=request.param.endswith("fifo"))


@pytest.fixture
def queue(ledger: Ledger, simulator: Simulator, reach: Aws) -> Queued:
    return Queued(ledger, simulator)


def asked(key: str) -> dict[str, Any]:
    return {"job": "word-count", "args": FLAGS, "key": key}


def test_what_is_asked_for_is_submitted(way: Way, ledger: Ledger) -> None:
    way.ask(asked("a"))
    way.ask({**asked("b"), "queue": "default", "priority": 3, "array": 2, "retries": 0})
    way.take()
    assert keys(ledger) == ["a", "b"]


def test_repeats_are_one_run(way: Way, ledger: Ledger) -> None:
    for _ in range(3):
        way.ask(asked("a"))
    way.take()
    way.ask(asked("a"))
    way.take()
    assert keys(ledger) == ["a"]


def test_the_order_of_messages_does_not_matter(way: Way, ledger: Ledger) -> None:
    names = [f"k{number}" for number in range(12)] * 2
    random.Random(4).shuffle(names)
    for name in names:
        way.ask(asked(name))
    for _ in range(4):
        way.take()
    assert keys(ledger) == sorted(set(names))


class Killed(BaseException):
    pass


@pytest.mark.parametrize("way", ["ledger", "sqs"], indirect=True)
def test_a_taker_that_dies_before_it_answers_loses_and_doubles_nothing(
    way: Way, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        way.ask(asked(name))
    deaths = [0]

    def die(point: str) -> None:
        if point == "a message was taken in" and deaths[0] < 3:
            deaths[0] += 1
            raise Killed

    monkeypatch.setattr(failpoints, "at", die)
    for _ in range(3):
        with pytest.raises(Killed):
            way.take()
    way.take()
    assert keys(ledger) == ["a", "b", "c"]


def test_a_stale_receipt_deletes_nothing_that_is_needed(queue: Queued, ledger: Ledger) -> None:
    queue.ask(asked("a"))
    (first,) = queue.inbox.receive()
    (second,) = queue.inbox.receive()
    assert first.id == second.id
    assert second.received == 2
    queue.inbox.delete(second)
    queue.inbox.delete(first)
    assert queue.inbox.receive() == []


def test_without_a_key_the_message_is_its_own(queue: Queued, ledger: Ledger) -> None:
    document = {"job": "word-count", "args": FLAGS}
    queue.ask(document)
    (message,) = queue.inbox.receive()
    queue.take()
    queue.take()
    assert keys(ledger) == [f"inbox/main/{message.id}"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "no JSON"),
        ("[]", "message"),
        ({"args": []}, "job: Field required"),
        ({"job": "word-count", "arg": []}, "arg: "),
        ({"job": "no-such-job"}, "no job is named"),
        ({"job": "word-count", "args": [*FLAGS, "--no-such"]}, "--no-such"),
    ],
)
def test_what_makes_no_sense_is_told_and_goes_to_the_dead_letters(
    ledger: Ledger, simulator: Simulator, reach: Aws, document: Any, said: str
) -> None:
    queue = Queued(ledger, simulator, most=3)
    queue.ask(document)
    for _ in range(3):
        queue.take()
    assert keys(ledger) == []
    assert said in queue.told[0]
    (dead,) = Inbox(queue.dead).receive()
    assert dead.body


def test_a_large_request_lies_in_s3(queue: Queued, ledger: Ledger, simulator: Simulator) -> None:
    document = {**asked("large"), "array": [f"item-{number:06}" for number in range(30_000)]}
    checks = f"s3://{simulator.bucket}/checks"
    with pytest.raises(UsageError, match="claim_checks"):
        send(queue.url, document, "n1", None)
    send(queue.url, document, "n1", checks)
    (message,) = queue.inbox.receive()
    assert len(message.body) < 1000
    assert len(json.dumps(document)) > LARGEST
    queue.take()
    assert keys(ledger) == ["large"]


def test_a_claim_check_of_nothing_is_told(queue: Queued, simulator: Simulator) -> None:
    queue.ask({"gristmill_claim_check": f"s3://{simulator.bucket}/checks/none.json"})
    queue.take()
    assert "is not at s3://" in queue.told[0]


def put(simulator: Simulator, key: str, data: bytes = b"words") -> dict[str, Any]:
    """Put an object; gives what S3 tells of it."""
    answer = simulator.client("s3").put_object(Bucket=simulator.bucket, Key=key, Body=data)
    told = {"key": key.replace(" ", "+"), "size": len(data), "eTag": answer["ETag"].strip('"')}
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": simulator.bucket}, "object": told},
    }
    return {"Records": [record]}


def test_objects_that_s3_tells_of_and_that_a_listing_finds_come_once(
    queue: Queued, ledger: Ledger, simulator: Simulator, tmp_path: Path
) -> None:
    below = f"arrive-{secrets.token_hex(3)}"
    arrival = Arrival(
        job="word-count",
        args=("--output", "s3://out"),
        s3=f"s3://{simulator.bucket}/{below}",
        sqs=queue.url,
        pattern="*.txt",
        settle=0.0,
        folder=str(tmp_path),
    )
    with ledger.begin() as tx:
        apply(tx, Settings(arrivals={"texts": arrival}))
    told = put(simulator, f"{below}/a file.txt")
    put(simulator, f"{below}/lost.txt")
    for document in (told, told, {"Event": "s3:TestEvent"}, put(simulator, "elsewhere/b.txt")):
        queue.ask(document)
    assert take_events(ledger, "texts", arrival, queue.inbox, queue.told.append) == 1

    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    batches = take_arrivals(ledger, look, write, queue.told.append)
    batches += take_arrivals(ledger, look, write, queue.told.append)
    files = [name for batch in batches for name in batch.files]
    assert sorted(files) == [
        f"s3://{simulator.bucket}/{below}/a file.txt",
        f"s3://{simulator.bucket}/{below}/lost.txt",
    ]
    assert queue.told == []


def test_what_goes_out_by_sns_carries_its_id(queue: Queued, simulator: Simulator) -> None:
    sns = simulator.client("sns")
    topic = sns.create_topic(Name=secrets.token_hex(4))["TopicArn"]
    arn = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    publish(topic, "load: ausgefallen – später", "no space left", "id-1")
    (message,) = queue.inbox.receive()
    told = json.loads(message.body)
    assert told["Message"] == "no space left"
    assert told["Subject"] == "load: ausgefallen ? sp?ter"
    assert told["MessageAttributes"]["id"]["Value"] == "id-1"


def test_what_goes_out_by_sqs_carries_its_id(queue: Queued) -> None:
    send(queue.url, {"id": "id-1", "run": "r"}, "id-1", None)
    (message,) = queue.inbox.receive()
    assert json.loads(message.body) == {"id": "id-1", "run": "r"}


def test_mail_by_ses_is_sent_from_who_may(simulator: Simulator, reach: Aws) -> None:
    def sent() -> float:
        return float(simulator.client("ses").get_send_quota()["SentLast24Hours"])

    simulator.client("sesv2").create_email_identity(EmailIdentity="ops@example.org")
    before = sent()
    mail("ops@example.org", "me@example.org, you@example.org", "title", "body", "id-1")
    # SES counts those who got it.
    assert sent() == before + 2
    with pytest.raises(GristmillError, match="cannot send mail to"):
        mail("nobody@example.com", "me@example.org", "title", "body", "id-2")
