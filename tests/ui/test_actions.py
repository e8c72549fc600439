"""What may be changed, by whom: the token, the session, and the word in the form."""

import html
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gristmill.cli.ui.sessions import Sessions
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import apply, paused_names
from gristmill.manager.ledger.tables import runs
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from tests.support.ledgers import Bench
from tests.ui.conftest import TOKEN, Open
from tests.ui.test_screens import failed


def sign_in(page: TestClient) -> str:
    """Sign in; gives the word that forms have."""
    answer = page.post("/sign-in", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    found = re.search(r'name="form" value="([^"]+)"', page.get("/").text)
    assert found is not None
    return found[1]


def test_a_run_is_tried_again_and_cancelled(client: Open, bench: Bench) -> None:
    run = failed(bench)
    page = client(TOKEN)
    form = sign_in(page)
    assert "Try again" in page.get(f"/runs/{run}").text
    answer = page.post(f"/runs/{run}/retry", data={"form": form})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run}")
    assert bench.state(run) == "ready"
    page.post(f"/runs/{run}/cancel", data={"form": form})
    assert bench.state(run) == RunState.CANCELLED


def test_all_of_a_cause_are_tried_again_or_dismissed(client: Open, bench: Bench) -> None:
    first, second = failed(bench), failed(bench)
    page = client(TOKEN)
    form = sign_in(page)
    page.post("/dead-letters/retry", data={"form": form, "cause": "OTHER"})
    assert bench.states(first, second) == ["failed", "failed"]
    page.post("/dead-letters/retry", data={"form": form, "cause": "PYTHON"})
    assert bench.states(first, second) == ["ready", "ready"]
    third = failed(bench)
    page.post("/dead-letters/dismiss", data={"form": form, "cause": "PYTHON"})
    assert bench.state(third) == "failed"
    assert "There are none." in page.get("/dead-letters").text


def test_a_queue_is_paused_and_goes_on(client: Open, ledger: Ledger) -> None:
    page = client(TOKEN)
    form = sign_in(page)
    page.post("/queues/default/pause", data={"form": form})
    with ledger.look() as tx:
        assert set(paused_names(tx, "queue")) == {"default"}
    page.post("/queues/default/resume", data={"form": form})
    with ledger.look() as tx:
        assert set(paused_names(tx, "queue")) == set()
    assert page.post("/queues/none/pause", data={"form": form}).status_code == 404
    assert page.post("/worlds/none/pause", data={"form": form}).status_code == 404


@pytest.mark.parametrize("form", ["", "guessed", None])
def test_a_form_of_another_site_does_nothing(client: Open, bench: Bench, form: str | None) -> None:
    run = failed(bench)
    page = client(TOKEN)
    sign_in(page)
    data = {} if form is None else {"form": form}
    assert page.post(f"/runs/{run}/retry", data=data).status_code == 403
    assert bench.state(run) == "failed"


def test_who_has_not_signed_in_changes_nothing(client: Open, bench: Bench) -> None:
    run = failed(bench)
    signed_in, other = client(TOKEN), client(TOKEN)
    form = sign_in(signed_in)
    assert other.post(f"/runs/{run}/retry", data={"form": form}).status_code == 403
    signed_in.post("/sign-out", data={"form": form})
    assert signed_in.post(f"/runs/{run}/retry", data={"form": form}).status_code == 403
    assert bench.state(run) == "failed"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "ü" * 30])
def test_a_wrong_token_is_refused(client: Open, token: str) -> None:
    page = client(TOKEN)
    answer = page.post("/sign-in", data={"token": token})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_without_a_token_nobody_can_sign_in(client: Open, bench: Bench) -> None:
    run = failed(bench)
    page = client(None)
    for token in ("", "None", TOKEN):
        assert "set-cookie" not in page.post("/sign-in", data={"token": token}).headers
    assert page.post(f"/runs/{run}/retry", data={"form": ""}).status_code == 403
    assert '<form method="post"' not in page.get(f"/runs/{run}").text


def test_where_it_is_private_nothing_is_seen_before(client: Open) -> None:
    page = client(TOKEN, is_private=True)
    for path in ("/", "/runs", "/outputs/0/word_counts", "/outputs/0/report", "/live"):
        answer = page.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    sign_in(page)
    assert page.get("/runs").status_code == 200


def test_nothing_is_changed_by_a_link(client: Open, bench: Bench) -> None:
    run = failed(bench)
    page = client(TOKEN)
    sign_in(page)
    assert page.get(f"/runs/{run}/retry").status_code == 405
    assert bench.state(run) == "failed"


def test_a_large_form_is_refused(client: Open, bench: Bench) -> None:
    run = failed(bench)
    page = client(TOKEN)
    form = sign_in(page)
    answer = page.post(f"/runs/{run}/retry", data={"form": form, "more": "x" * 100_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/runs/a/retry", "/sign-in", "/sign-out", "/submit"])
def test_a_form_that_does_not_say_how_large_it_is_is_refused(client: Open, path: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b"token="
        yield b"x" * 100_000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = client(TOKEN).post(path, content=endless(), headers=kind)
    assert answer.status_code == 413


def test_a_run_is_submitted(client: Open, bench: Bench, ledger: Ledger) -> None:
    with ledger.begin() as tx:
        nightly = {"job": "word-count", "args": ["--min-count", "2"], "queue": "default"}
        apply(tx, Settings.model_validate({"jobs": {"nightly": nightly}}))
    page = client(TOKEN)
    form = sign_in(page)
    shown = page.get("/submit").text
    assert '<option value="word-count">' in shown
    assert '<option value="nightly">' in shown
    flags = "--input 'a b.txt' --output out"
    more = {"form": form, "job": "nightly", "flags": flags, "key": "one", "priority": "3"}
    where = page.post("/submit", data=more).headers["location"]
    assert page.post("/submit", data=more).headers["location"] == where
    run = bench.row(where.removeprefix("/runs/"))
    assert run["job"] == "word-count"
    assert run["argv"] == ["--min-count", "2", "--input", "a b.txt", "--output", "out"]
    assert (run["key"], run["priority"], run["state"]) == ("one", 3, "ready")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"job": "../evil.py"}, "submits what has a name"),
        ({"job": "/etc/passwd"}, "submits what has a name"),
        ({"job": "word-cuont"}, "did you mean word-count"),
        ({"flags": "--input a --output b --wat c"}, "--wat"),
        ({"flags": "'open"}, "words as in a shell"),
        ({"priority": "high"}, "priority is a number"),
        ({"queue": "none"}, "no queue"),
    ],
)
def test_what_can_never_run_is_not_submitted(
    client: Open, ledger: Ledger, wrong: dict[str, str], said: str
) -> None:
    page = client(TOKEN)
    form = sign_in(page)
    data = {"form": form, "job": "word-count", "flags": "--input a --output b"} | wrong
    answer = page.post("/submit", data=data)
    assert answer.status_code == 400
    assert said in html.unescape(answer.text)
    with ledger.look() as tx:
        assert tx.all(sa.select(runs.c.id)) == []


def test_no_more_sessions_are_kept_than_anybody_needs() -> None:
    sessions = Sessions(TOKEN)
    made = [sessions.sign_in(TOKEN) for _ in range(150)]
    assert all(made)
    assert sum(sessions.find(one.id) is not None for one in made if one) == 100
