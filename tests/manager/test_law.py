"""What the database itself refuses, whoever asks."""

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gristmill.manager.ledger.tables import attempts, events, runs
from tests.support.ledgers import START, Bench

STATES = ["blocked", "ready", "starting", "running", "succeeded", "failed", "cancelled", "skipped"]
# By hand, from the design: not from the table that makes the triggers.
LEGAL = {
    "blocked": "ready skipped cancelled",
    "ready": "starting cancelled",
    "starting": "running ready succeeded failed cancelled",
    "running": "ready succeeded failed cancelled",
    "succeeded": "",
    "failed": "ready",
    "cancelled": "ready",
    "skipped": "blocked ready cancelled",
}
OF_ARRAYS = {"blocked": "succeeded failed", "failed": "blocked", "cancelled": "blocked"}
ROUTES = {
    "blocked": [],
    "ready": ["ready"],
    "starting": ["ready", "starting"],
    "running": ["ready", "starting", "running"],
    "succeeded": ["ready", "starting", "succeeded"],
    "failed": ["ready", "starting", "failed"],
    "cancelled": ["cancelled"],
    "skipped": ["skipped"],
}


def values(state: str) -> dict[str, Any]:
    """What a run in such a state has, so that nothing but the transition can be wrong."""
    is_active = state in {"starting", "running"}
    return {
        "state": state,
        "deps_left": 1 if state == "blocked" else 0,
        "owner": "w" if is_active else None,
        "lease_until": START if is_active else None,
        "ended": START if state in {"succeeded", "failed", "cancelled", "skipped"} else None,
    }


def insert(bench: Bench, name: str, state: str = "blocked", **more: Any) -> None:
    row = {
        "id": name,
        "request": "",
        "job": "j",
        "argv": [],
        "folder": "",
        "queue": "default",
        "priority": 0,
        "share": "default",
        "cores": 1.0,
        "memory": 0,
        "retry": [],
        "submitter": "",
        "max_attempts": 3,
        "due": START,
        "created": START,
        "updated": START,
    }
    with bench.tx() as tx:
        tx.run(runs.insert().values(row | values(state) | more))


def change(bench: Bench, name: str, **more: Any) -> None:
    with bench.tx() as tx:
        assert tx.run(runs.update().where(runs.c.id == name).values(more)) == 1


def is_refused(bench: Bench, name: str, **more: Any) -> bool:
    try:
        change(bench, name, **more)
    except DBAPIError:
        return True
    return False


@pytest.mark.parametrize("is_array", [False, True])
def test_only_what_may_follow_follows(bench: Bench, is_array: bool) -> None:
    wrong = []
    for before, after in itertools.product(STATES, STATES):
        if before == after or (is_array and {before, after} & {"starting", "running"}):
            continue
        name = f"{before}-{after}"
        insert(bench, name, array_size=2 if is_array else None)
        route = ROUTES[before]
        if is_array and "starting" in route:
            route = ["failed" if before == "failed" else "succeeded"]
        for state in route:
            change(bench, name, **values(state))
        legal = LEGAL[before].split()
        if is_array:
            legal += OF_ARRAYS.get(before, "").split()
        if is_refused(bench, name, **values(after)) == (after in legal):
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize("state", ["starting", "running", "succeeded", "failed", "cancelled"])
def test_a_run_begins_where_it_can(bench: Bench, state: str) -> None:
    with pytest.raises(DBAPIError):
        insert(bench, "x", state)


@pytest.mark.parametrize(
    "more",
    [
        {"state": "lost"},
        {"owner": "w"},
        {"owner": "w", "lease_until": START},
        {"ended": START},
        {"deps_left": 0},
        {"deps_left": -1, "state": "ready"},
        {"attempt": 4},
        {"array_size": 2, **values("starting")},
    ],
)
def test_a_run_is_what_its_state_says(bench: Bench, more: dict[str, Any]) -> None:
    insert(bench, "x")
    assert is_refused(bench, "x", **more)


def test_a_token_never_falls(bench: Bench) -> None:
    insert(bench, "x", "ready")
    change(bench, "x", token=5)
    assert is_refused(bench, "x", token=4)
    assert not is_refused(bench, "x", token=5)


def test_one_key_is_one_run_and_one_index_one_child(bench: Bench) -> None:
    insert(bench, "x", key="k")
    insert(bench, "y", key=None)
    insert(bench, "y:0", parent="y", index=0)
    with pytest.raises(DBAPIError):
        insert(bench, "z", key="k")
    with pytest.raises(DBAPIError):
        insert(bench, "y:x", parent="y", index=0)


def test_two_never_write_one_scope(bench: Bench) -> None:
    for name in ("x", "y"):
        insert(bench, name, "ready", scope="out/words")
    change(bench, "x", **values("starting"))
    assert is_refused(bench, "y", **values("starting"))


def test_a_run_has_one_attempt_at_a_time(bench: Bench) -> None:
    insert(bench, "x", "ready")
    row = {"run": "x", "place": "local", "worker": "w", "started": START}
    with bench.tx() as tx:
        tx.run(attempts.insert().values(**row, number=1, run_key="x-1"))
    with pytest.raises(DBAPIError), bench.tx() as tx:
        tx.run(attempts.insert().values(**row, number=2, run_key="x-2"))


def test_events_stay_as_they_are(bench: Bench) -> None:
    insert(bench, "x", "ready")
    for statement in (events.delete(), events.update().values(reason="no")):
        with pytest.raises(DBAPIError), bench.tx() as tx:
            tx.run(statement)


def test_a_change_of_hands_leaves_an_event(bench: Bench) -> None:
    insert(bench, "x", "ready")
    change(bench, "x", token=1, **values("starting"))
    change(bench, "x", token=2, owner="v", reason="taken up")
    with bench.tx() as tx:
        found = tx.all(sa.select(events).order_by(events.c.id))
    assert [(row["before"], row["after"], row["token"], row["worker"]) for row in found] == [
        (None, "ready", 0, None),
        ("ready", "starting", 1, "w"),
        ("starting", "starting", 2, "v"),
    ]
