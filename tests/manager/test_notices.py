"""Messages: written with what they tell, sent at least once, always with the same id."""

from collections.abc import Iterator
from typing import Any

import pytest

from gristmill import failpoints
from gristmill.errors import GristmillError, UsageError
from gristmill.manager.ledger.acting import retry
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.ledger.looking import Filter, listed
from gristmill.manager.notify.following import late
from gristmill.manager.notify.outbox import DEAD_AFTER, LEASE, Message, unsent
from gristmill.manager.notify.sending import by_apprise, rendered, send_all, with_id
from gristmill.manager.settings import Notice, Settings, Step
from gristmill.manager.states import RunState
from gristmill.manager.statistics.alarms import watch_alarms
from tests.support.ledgers import Bench
from tests.support.mailbox import Mailbox
from tests.support.webhook import Webhook

ALL = ["succeeded", "failed", "set_aside", "late", "recovered", "alarm"]
FAILED = RunState.FAILED


class Sent:
    """A sink that keeps what it is given, and fails as it is told."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str]] = []
        self.trouble: BaseException | None = None

    def __call__(self, _notice: Notice, message: Message) -> None:
        if self.trouble:
            raise self.trouble
        facts = message.facts
        self.messages.append((message.id, facts["kind"], facts.get("run") or facts["job"]))

    @property
    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.messages]


@pytest.fixture
def sink() -> Sent:
    return Sent()


def notices(bench: Bench, **more: Any) -> None:
    notice = {"url": "json://localhost/", "on": ALL} | more
    document = {"notices": {"ops": notice}, "alarms": bench.settings.alarms}
    bench.settings = Settings.model_validate(document)
    with bench.tx() as tx:
        apply(tx, bench.settings)


def test_success_and_failure_are_told_once(bench: Bench, sink: Sent) -> None:
    notices(bench)
    good, bad = bench.submit("good").run, bench.submit("bad").run
    for run in bench.claim():
        bench.end(run, RunState.SUCCEEDED if run.id == good else FAILED)
    assert send_all(bench.ledger, sink) == 3
    assert send_all(bench.ledger, sink) == 0
    told = sorted((kind, run) for _, kind, run in sink.messages)
    assert told == [("failed", bad), ("set_aside", bad), ("succeeded", good)]


def test_an_attempt_that_is_tried_again_is_a_failure_and_not_set_aside(
    bench: Bench, sink: Sent
) -> None:
    notices(bench)
    bench.submit()
    (run,) = bench.claim()
    bench.end(run, RunState.READY, outcome="failed")
    send_all(bench.ledger, sink)
    assert sink.kinds == ["failed"]


def test_a_success_after_a_failure_is_a_recovery(bench: Bench, sink: Sent) -> None:
    notices(bench, on=["recovered"])
    first = bench.submit().run
    bench.do(first, state=FAILED)
    bench.clock.forward(1)
    second = bench.submit().run
    bench.do(second)
    bench.clock.forward(1)
    third = bench.submit().run
    bench.do(third)
    with bench.tx() as tx:
        retry(tx, first, "me")
    bench.do(first)
    send_all(bench.ledger, sink)
    assert [run for _, _, run in sink.messages] == [second, first]


def test_a_run_that_is_late_is_told_once(bench: Bench, sink: Sent) -> None:
    notices(bench)
    run = bench.submit(late_after=60.0).run
    for _ in range(3):
        bench.clock.forward(50)
        with bench.tx() as tx:
            late(tx, bench.settings)
    send_all(bench.ledger, sink)
    assert [(kind, one) for _, kind, one in sink.messages] == [("late", run)]


def test_of_an_array_its_parent_is_told(bench: Bench, sink: Sent) -> None:
    notices(bench)
    array = bench.submit(array=("", "")).run
    for run in bench.claim():
        bench.end(run)
    send_all(bench.ledger, sink)
    assert [(kind, one) for _, kind, one in sink.messages] == [("succeeded", array)]


def test_a_notice_hears_only_of_its_jobs_and_queues(bench: Bench, sink: Sent) -> None:
    notices(bench, jobs=["load-*"], queues=["default"])
    bench.submit("load-logs")
    bench.submit("word-count")
    for run in bench.claim():
        bench.end(run)
    assert send_all(bench.ledger, sink) == 1


def test_in_quiet_hours_nothing_is_sent(bench: Bench, sink: Sent) -> None:
    # The driven clock begins at 08:00 UTC.
    notices(bench, quiet={"start": "07:00", "end": "09:00"})
    bench.submit()
    (run,) = bench.claim()
    bench.end(run)
    assert send_all(bench.ledger, sink) == 0
    bench.clock.forward(3600)
    assert send_all(bench.ledger, sink) == 1


def test_what_cannot_be_sent_is_tried_again_for_a_day_and_then_shown(
    bench: Bench, sink: Sent
) -> None:
    notices(bench, on=["succeeded"])
    bench.submit()
    (run,) = bench.claim()
    bench.end(run)
    sink.trouble = GristmillError("no route")
    began, tries = bench.clock.now, 0
    while bench.clock.now - began < DEAD_AFTER + 7200:
        send_all(bench.ledger, sink)
        with bench.tx() as tx:
            (message,) = unsent(tx)
        tries = message["tries"]
        bench.clock.forward(600)
    assert message["dead"] is not None
    assert message["error"] == "no route"
    assert 24 < tries < 40


def test_what_can_never_be_sent_is_given_up_at_once(bench: Bench, sink: Sent) -> None:
    notices(bench, on=["succeeded"])
    bench.submit()
    (run,) = bench.claim()
    bench.end(run)
    sink.trouble = UsageError("no such topic")
    send_all(bench.ledger, sink)
    with bench.tx() as tx:
        (message,) = unsent(tx)
    assert (message["dead"] is not None, message["error"]) == (True, "no such topic")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["a message is about to be sent", "a message was sent"])
def test_a_sender_that_dies_loses_nothing_and_repeats_the_same_id(
    bench: Bench, sink: Sent, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices(bench, on=["succeeded"])
    for _ in range(3):
        bench.submit()
    for run in bench.claim():
        bench.end(run)

    def die(name: str) -> None:
        if name == where:
            raise Killed

    monkeypatch.setattr(failpoints, "at", die)
    with pytest.raises(Killed):
        send_all(bench.ledger, sink)
    monkeypatch.setattr(failpoints, "at", None)
    assert send_all(bench.ledger, sink) == 0
    bench.clock.forward(LEASE)
    assert send_all(bench.ledger, sink) == 3
    ids = [name for name, _, _ in sink.messages]
    assert len(set(ids)) == 3
    assert len(ids) == (4 if where == "a message was sent" else 3)


def test_what_follows_on_a_run_is_submitted_once(bench: Bench, sink: Sent) -> None:
    step = Step(job="traffic-summary", args=("--input", "{output}", "--output", "{output}"))
    first = bench.submit(then=(step,)).run
    (run,) = bench.claim()
    bench.end(run, result={"output": "/data/out", "datasets": []})
    assert send_all(bench.ledger, sink) == 1
    assert send_all(bench.ledger, sink) == 0
    with bench.tx() as tx:
        follower = next(row for row in listed(tx, Filter(), 10) if row["id"] != first)
    assert follower["job"] == "traffic-summary"
    assert follower["key"] == f"{first}/0-traffic-summary"
    assert follower["argv"] == ["--input", "/data/out", "--output", "/data/out"]


def test_what_cannot_follow_is_shown(bench: Bench, sink: Sent) -> None:
    bench.submit(then=(Step(job="no-such-job"),))
    (run,) = bench.claim()
    bench.end(run)
    send_all(bench.ledger, sink)
    with bench.tx() as tx:
        (message,) = unsent(tx)
    assert "no job is named" in message["error"]


def test_an_alarm_is_told_as_it_begins_and_as_it_ends(bench: Bench, sink: Sent) -> None:
    rules = {"many": {"rule": "failures > 1 in 1h"}, "long": {"rule": "oldest_wait >= 600"}}
    bench.settings = Settings.model_validate({"alarms": rules})
    notices(bench, on=["alarm"])
    for _ in range(2):
        run = bench.submit().run
        bench.do(run, state=FAILED)
    for _ in range(2):
        assert watch_alarms(bench.ledger) == ["many"]
    bench.submit()
    bench.clock.forward(601)
    assert sorted(watch_alarms(bench.ledger)) == ["long", "many"]
    bench.clock.forward(3000)
    assert watch_alarms(bench.ledger) == ["long"]
    send_all(bench.ledger, sink)
    assert sorted(job for _, _, job in sink.messages) == ["long", "many", "many"]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as one:
        yield one


FACTS = {
    "kind": "set_aside",
    "job": "load",
    "run": "r1",
    "reason": "no space",
    "advice": None,
    "datasets": [{"name": "web_requests"}],
}


def test_apprise_sends_to_a_webhook_with_the_id(webhook: Webhook) -> None:
    notice = Notice(url=f"json://127.0.0.1:{webhook.port}/hook")
    by_apprise(notice, Message("abc", "ops", FACTS, 0.0, 1))
    (request,) = webhook.requests
    assert request.headers["Idempotency-Key"] == "abc"
    assert request.document["title"] == "load set aside"
    assert "run r1\nno space" in request.document["message"]


def test_a_webhook_that_refuses_is_an_error(webhook: Webhook) -> None:
    webhook.status = 500
    notice = Notice(url=f"json://127.0.0.1:{webhook.port}/hook")
    with pytest.raises(GristmillError, match="did not take it"):
        by_apprise(notice, Message("abc", "ops", FACTS, 0.0, 1))


def test_apprise_sends_a_mail_with_the_id() -> None:
    with Mailbox() as mailbox:
        query = "smtp=127.0.0.1&mode=insecure&from=mill@example.org&to=ops@example.org"
        notice = Notice(url=f"mailto://127.0.0.1:{mailbox.port}?{query}")
        by_apprise(notice, Message("abc", "ops", FACTS, 0.0, 1))
        (mail,) = mailbox.mails
        assert (mail.sender, mail.receivers) == ("<mill@example.org>", ("<ops@example.org>",))
        assert mail.message["Subject"] == "load set aside"
        body = mail.message.get_body()
        assert body is not None
        text = body.get_content()
        assert "no space" in text
        assert "id abc" in text
        mailbox.code = 552
        with pytest.raises(GristmillError, match="did not take it"):
            by_apprise(notice, Message("abc", "ops", FACTS, 0.0, 1))


def test_a_url_of_no_service_is_given_up() -> None:
    with pytest.raises(UsageError, match="does not know the URL"):
        by_apprise(Notice(url="nothing://x"), Message("abc", "ops", FACTS, 0.0, 1))


def test_templates_fill_in_what_there_is() -> None:
    notice = Notice(url="json://h", title="{job}: {kind}", body="{datasets}|{advice}|{nonsense}|")
    assert rendered(notice, FACTS) == ("load: set aside", "web_requests|||")


def test_only_what_has_headers_gets_one() -> None:
    assert with_id("json://h/p?a=b", "x") == "json://h/p?a=b&+Idempotency-Key=x"
    assert with_id("mailto://me@example.org", "x") == "mailto://me@example.org"
