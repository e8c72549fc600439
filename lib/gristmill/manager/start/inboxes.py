"""Messages of SQS: requests to submit, and what S3 tells of objects.

The queue is only the way in. A message is deleted once what it asks for is in the ledger; until
then it comes again. What came before is known by its key, so that order and repeats do not matter.
What makes no sense is left for the queue's own dead letters.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import Field, ValidationError

from gristmill.errors import GristmillError, InputError, UsageError
from gristmill.failpoints import point
from gristmill.manager.ledger import Ledger
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Arrival
from gristmill.manager.start.arrivals import fits, note
from gristmill.manager.start.places import objects_of
from gristmill.manager.submit import children, submit_request
from gristmill.manager.values import Name, Seconds, Size, Table

_ROUNDS = 10


class Message(Protocol):
    """A message as it was received."""

    @property
    def id(self) -> str:
        """What the queue calls it, each time that it comes."""


class Queue(Protocol):
    """An inbox, such as `gristmill.emr.messages.Inbox`. Its methods raise `GristmillError`."""

    def receive(self) -> Sequence[Any]:
        """Messages that nobody else has now."""

    def document(self, message: Any, /) -> Any:
        """What a message says. Raises `InputError`."""

    def delete(self, message: Any, /) -> None:
        """Take it off the queue; where it has come again since, that one is left."""


class RequestMessage(Table):
    """A message that asks for a run: fields as `gristmill submit` has flags."""

    job: str
    args: tuple[str, ...] = ()
    key: str | None = None
    queue: Name | None = None
    priority: int = 0
    share: Name | None = None
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    array: int | tuple[str, ...] | None = None
    retries: int = Field(default=2, ge=0, le=9)
    timeout: Seconds | None = None
    cores: float | None = None
    memory: Size | None = None
    on: str | None = None

    def request(self, message: str, inbox: str) -> RunRequest:
        """The run that it asks for: without a key of its own, the message's id is one."""
        told = {
            "queue": self.queue,
            "share": self.share,
            "cores": self.cores,
            "memory": self.memory,
        }
        return RunRequest(
            self.job,
            self.args,
            key=self.key or f"inbox/{inbox}/{message}",
            priority=self.priority,
            after=self.after,
            after_any=self.after_any,
            array=children(self.array),
            attempts=self.retries + 1,
            timeout=self.timeout,
            on=self.on,
            submitter=f"inbox {inbox}",
            **{name: value for name, value in told.items() if value is not None},  # type: ignore[arg-type]
        )


def take_requests(
    ledger: Ledger, name: str, queue: Queue, tell_wrong: Callable[[str], None]
) -> list[str]:
    """Submit what the messages of an inbox ask for; gives the runs that are new."""
    found: list[str] = []
    for message in _messages(queue):
        try:
            asked = RequestMessage.model_validate(queue.document(message))
            done = submit_request(ledger, asked.request(message.id, name))
        except (InputError, UsageError) as error:
            tell_wrong(f"inbox {name}: message {message.id}: {error}")
            continue
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            tell_wrong(f"inbox {name}: message {message.id}: {where}: {first['msg']}")
            continue
        except GristmillError as error:
            # Such as a full queue: it comes again.
            tell_wrong(f"inbox {name}: {error}")
            break
        found += [done.run] if done.is_new else []
        point("a message was taken in")
        queue.delete(message)
    return found


def take_events(
    ledger: Ledger,
    name: str,
    arrival: Arrival,
    queue: Queue,
    tell_wrong: Callable[[str], None],
) -> int:
    """Note the objects that messages of S3 tell of; gives how many are new."""
    count = 0
    below = str(arrival.s3).rstrip("/") + "/"
    for message in _messages(queue):
        try:
            seen = list(objects_of(queue.document(message)))
        except InputError as error:
            tell_wrong(f"arrival {name}: message {message.id}: {error}")
            continue
        ours = [
            one
            for one in seen
            if one.uri.startswith(below) and fits(one.uri.rpartition("/")[2], arrival.patterns)
        ]
        with ledger.begin() as tx:
            count += note(tx, name, ours)
        point("an event was taken in")
        queue.delete(message)
    return count


def _messages(queue: Queue) -> Sequence[Any]:
    found: dict[str, Any] = {}
    for _ in range(_ROUNDS):
        # Of one that comes again, the newest receipt counts.
        some = {message.id: message for message in queue.receive()}
        is_news = bool(some.keys() - found.keys())
        found |= some
        if not is_news:
            break
    return list(found.values())
