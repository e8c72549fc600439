"""What the database itself refuses, and what it writes by itself.

- A run begins blocked, ready, or skipped where what it depends on has failed.
- It goes from state to state as `gristmill.manager.states` has it, and its token never falls.
- Each transition, and each change of hands, leaves an event. No code writes one.
- Events are neither changed nor deleted, but by `prune`, which says that it does in `pruning`.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from gristmill.manager.states import OF_ARRAYS, TRANSITIONS

_NAMES = ("runs_born", "runs_guarded", "runs_told", "runs_begun", "events_kept", "events_unchanged")
_INSERT = (
    "INSERT INTO events (run, at, before, after, attempt, token, worker, reason) VALUES "
    "(NEW.id, NEW.updated, {before}, NEW.state, NEW.attempt, NEW.token, {worker}, NEW.reason)"
)
_BEGUN = _INSERT.format(before="NULL", worker="NULL")
_TOLD = _INSERT.format(before="OLD.state", worker="COALESCE(NEW.owner, OLD.owner)")
_IS_TOLD = "OLD.state <> NEW.state OR OLD.token <> NEW.token"
_BORN = "('blocked', 'ready', 'skipped')"
_KEPT = "gristmill: events are kept as they are"
_ILLEGAL = "gristmill: no such transition of a run"
_IS_PRUNED = "(SELECT COUNT(*) FROM pruning) > 0"


def install(connection: sa.Connection) -> None:
    """Make the triggers anew, as they are in this version."""
    make = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    for statement in make():
        connection.exec_driver_sql(statement)


def _pairs(alone: frozenset[tuple[str, str]]) -> str:
    told = sorted((str(before), str(after)) for before, after in alone)
    return " OR ".join(f"(OLD.state = '{one}' AND NEW.state = '{two}')" for one, two in told)


def _is_legal() -> str:
    return (
        f"OLD.state = NEW.state OR {_pairs(TRANSITIONS)} "
        f"OR (NEW.array_size IS NOT NULL AND ({_pairs(OF_ARRAYS)}))"
    )


def _sqlite() -> Iterator[str]:
    for name in _NAMES:
        yield f"DROP TRIGGER IF EXISTS {name}"
    yield (
        f"CREATE TRIGGER runs_born BEFORE INSERT ON runs WHEN NEW.state NOT IN {_BORN} "
        f"BEGIN SELECT RAISE(ABORT, '{_ILLEGAL}'); END"
    )
    yield (
        f"CREATE TRIGGER runs_guarded BEFORE UPDATE ON runs WHEN NOT ({_is_legal()}) "
        "OR NEW.token < OLD.token OR NEW.id <> OLD.id "
        f"BEGIN SELECT RAISE(ABORT, '{_ILLEGAL}'); END"
    )
    yield (
        f"CREATE TRIGGER runs_told AFTER UPDATE OF state, token ON runs WHEN {_IS_TOLD} "
        f"BEGIN {_TOLD}; END"
    )
    yield f"CREATE TRIGGER runs_begun AFTER INSERT ON runs BEGIN {_BEGUN}; END"
    yield (
        f"CREATE TRIGGER events_kept BEFORE DELETE ON events WHEN NOT ({_IS_PRUNED}) "
        f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
    )
    yield (
        "CREATE TRIGGER events_unchanged BEFORE UPDATE ON events "
        f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
    )


def _postgresql() -> Iterator[str]:
    def function(name: str, body: str, gives: str) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION gristmill_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN {gives}; END $$"
        )

    refuse = "RAISE EXCEPTION '{}' USING ERRCODE = 'check_violation';"
    illegal = refuse.format(_ILLEGAL)
    yield function("runs_born", f"IF NEW.state NOT IN {_BORN} THEN {illegal} END IF;", "NEW")
    yield function(
        "runs_guarded",
        f"IF NOT ({_is_legal()}) OR NEW.token < OLD.token OR NEW.id <> OLD.id "
        f"THEN {illegal} END IF;",
        "NEW",
    )
    yield function("runs_told", f"IF {_IS_TOLD} THEN {_TOLD}; END IF;", "NULL")
    yield function("runs_begun", f"{_BEGUN};", "NULL")
    yield function(
        "events_kept", f"IF NOT ({_IS_PRUNED}) THEN {refuse.format(_KEPT)} END IF;", "OLD"
    )
    yield function("events_unchanged", refuse.format(_KEPT), "NEW")
    for name, when in (
        ("runs_born", "BEFORE INSERT ON runs"),
        ("runs_guarded", "BEFORE UPDATE ON runs"),
        ("runs_told", "AFTER UPDATE ON runs"),
        ("runs_begun", "AFTER INSERT ON runs"),
        ("events_kept", "BEFORE DELETE ON events"),
        ("events_unchanged", "BEFORE UPDATE ON events"),
    ):
        table = when.rpartition(" ")[2]
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield (f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION gristmill_{name}()")
