"""Sending what the outbox holds: by Apprise, by AWS, or as the next run of a chain."""

from collections.abc import Mapping
from typing import Any, Protocol

from gristmill.errors import GristmillError, UsageError
from gristmill.failpoints import point
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.notify.outbox import CHAIN, Message, has_due, not_sent, sent, take
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import DEFAULT, Notice, Settings, Step
from gristmill.manager.submit import submit_request

_AT_ONCE = 20


class Sink(Protocol):
    """What sends a message. Raises `GristmillError`; a `UsageError` where it never will."""

    def __call__(self, notice: Notice, message: Message, /) -> None: ...


def send_all(ledger: Ledger, sink: Sink | None = None) -> int:
    """Send what is due; gives how many messages went out.

    Each is marked after it was sent: who dies in between sends it again, with the same id.
    """
    with ledger.look() as tx:
        if not has_due(tx):
            return 0
        settings = load_settings(tx)
    with ledger.begin() as tx:
        messages = take(tx, _AT_ONCE)
    count = 0
    for message in messages:
        point("a message is about to be sent")
        error, for_good = "", False
        try:
            _send(ledger, settings, message, sink or by_kind)
        except UsageError as wrong:
            error, for_good = str(wrong), True
        except Exception as wrong:
            # A library that fails in its own way is no reason to keep the others back.
            error = str(wrong) or type(wrong).__name__
        point("a message was sent")
        with ledger.begin() as tx:
            if error:
                not_sent(tx, message, error, for_good=for_good)
            else:
                sent(tx, message)
                count += 1
    return count


def _send(ledger: Ledger, settings: Settings, message: Message, sink: Sink) -> None:
    if message.sink == CHAIN:
        submit_request(ledger, chained(message))
        return
    notice = settings.notices.get(message.sink)
    if notice is None:
        raise UsageError(f"there is no notice {message.sink} any more")
    sink(notice, message)


def chained(message: Message) -> RunRequest:
    """The run that follows on another: its key makes it one, however often it is submitted."""
    facts = message.facts
    number, told_step = facts["step"]["number"], dict(facts["step"])
    del told_step["number"]
    step = Step.model_validate(told_step)
    told = {"{run}": facts["run"], "{output}": facts.get("output") or ""}
    argv = []
    for word in step.args:
        for name, value in told.items():
            word = word.replace(name, value)  # noqa: PLW2901
        argv.append(word)
    key = f"{facts['run']}/{number}-{step.job}"
    queue = step.queue or DEFAULT
    return RunRequest(step.job, tuple(argv), folder=facts["folder"], key=key, queue=queue)


def by_kind(notice: Notice, message: Message) -> None:
    """Send a message by what its notice names."""
    if notice.url is not None:
        by_apprise(notice, message)
        return
    from gristmill.emr import messages  # noqa: PLC0415  it needs boto3

    title, body = rendered(notice, message.facts)
    if notice.sns is not None:
        messages.publish(notice.sns, title, body, message.id)
    elif notice.ses is not None:
        messages.mail(notice.sender or "", notice.ses, title, body, message.id)
    elif notice.sqs is not None:
        document = {"id": message.id, **message.facts}
        messages.send(notice.sqs, document, message.id, notice.claim_checks)


def by_apprise(notice: Notice, message: Message) -> None:
    """Send a message by Apprise, with its id in the text and, where the service has headers, there.

    Raises `GristmillError`.
    """
    import apprise  # noqa: PLC0415  it takes a moment to load

    title, body = rendered(notice, message.facts)
    sender = apprise.Apprise()
    if not sender.add(with_id(notice.url or "", message.id)):
        raise UsageError(f"Apprise does not know the URL of notice {message.sink}")
    if not sender.notify(title=title, body=f"{body}\nid {message.id}"):
        raise GristmillError("the service did not take it")


def with_id(url: str, name: str) -> str:
    """A URL whose messages carry an id in a header (+NAME=VALUE is Apprise's way to say so)."""
    scheme = url.partition("://")[0]
    if scheme not in {"json", "jsons", "xml", "xmls", "form", "forms"}:
        return url
    return f"{url}{'&' if '?' in url else '?'}+Idempotency-Key={name}"


def rendered(notice: Notice, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Title and body of a message; what a template names that is not there stays empty."""
    told = _Told({name: "" if value is None else value for name, value in facts.items()})
    told["kind"] = str(facts.get("kind", "")).replace("_", " ")
    names = [one["name"] for one in facts.get("datasets") or ()]
    told["datasets"] = ", ".join(names)
    return notice.title.format_map(told), notice.body.format_map(told).strip()


class _Told(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""
