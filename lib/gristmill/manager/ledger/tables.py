"""The tables of the ledger. Times are seconds since 1970 in UTC; sizes are bytes.

Migrations make them (`migrations/versions`); a test holds both against each other.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, String

from gristmill.manager.states import ACTIVE, FINAL, RunState

METADATA = sa.MetaData()
_Big = sa.BigInteger().with_variant(Integer, "sqlite")
_Json = sa.JSON(none_as_null=True)


def _in(states: tuple[RunState, ...]) -> str:
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


_IS_ACTIVE = f"state IN {_in(ACTIVE)}"
_IS_FINAL = f"state IN {_in(FINAL)}"


def partial(text: str) -> dict[str, Any]:
    """An index of some rows only."""
    return {"sqlite_where": sa.text(text), "postgresql_where": sa.text(text)}


runs = sa.Table(
    "runs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("key", String, unique=True),  # two submits with one key are one run
    Column("request", String, nullable=False),  # a hash: the same key, the same request
    Column("job", String, nullable=False),
    Column("argv", _Json, nullable=False),
    Column("folder", String, nullable=False),  # where it was submitted, and runs on that machine
    Column("definition", String),  # the job definition and its revision, NAME:REVISION
    Column("queue", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("share", String, nullable=False),
    Column("pinned", String),  # the place that was asked for
    Column("cores", Float, nullable=False),
    Column("memory", _Big, nullable=False),
    Column("timeout", Float),  # seconds for each attempt
    Column("retry", _Json, nullable=False),  # rules: gristmill.manager.retry
    Column("late_after", Float),  # seconds after it was submitted
    Column("scope", String),  # one run at a time writes it
    Column("chain", _Json),  # what is submitted once it has succeeded
    Column("submitter", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),
    Column("cause", String, nullable=False, server_default=""),
    Column("deps_left", Integer, nullable=False, server_default="0"),
    Column("parent", String, ForeignKey("runs.id")),
    Column("index", Integer),
    Column("array_size", Integer),  # only of the parent of an array
    Column("fail_fast", Boolean, nullable=False, server_default=sa.false()),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False),
    Column("due", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("started", Float),  # of the first attempt
    Column("ended", Float),
    Column("place", String),
    Column("owner", String),  # the worker that holds it
    Column("token", Integer, nullable=False, server_default="0"),
    Column("lease_until", Float),
    Column("cancel_asked", Boolean, nullable=False, server_default=sa.false()),
    Column("progress", _Json),
    Column("result", _Json),  # what it published: gristmill.manager.places.Result
    Column("looked_at", Float),  # a failed run is a dead letter until somebody looks
    CheckConstraint(f"state IN {_in(tuple(RunState))}", name="state_known"),
    CheckConstraint(f"({_IS_ACTIVE}) = (owner IS NOT NULL)", name="active_owned"),
    CheckConstraint(f"({_IS_ACTIVE}) = (lease_until IS NOT NULL)", name="active_leased"),
    CheckConstraint(f"({_IS_FINAL}) = (ended IS NOT NULL)", name="final_ended"),
    CheckConstraint("(state = 'blocked') = (deps_left > 0)", name="blocked_waits"),
    CheckConstraint("deps_left >= 0", name="deps_counted"),
    CheckConstraint("attempt <= max_attempts", name="attempts_bounded"),
    CheckConstraint(f"array_size IS NULL OR NOT ({_IS_ACTIVE})", name="arrays_never_run"),
    sa.UniqueConstraint("parent", "index", name="one_child_an_index"),
    Index("one_writer_a_scope", "scope", unique=True, **partial(_IS_ACTIVE)),
    Index(
        "ready_runs",
        "queue",
        sa.text("priority DESC"),
        "due",
        "index",
        "id",
        **partial("state = 'ready'"),
    ),
    Index("active_runs", "queue", "owner", "lease_until", **partial(_IS_ACTIVE)),
    Index("runs_by_state", "state", "updated"),
    Index("runs_by_end", "ended"),
    Index("runs_by_job", "job", "created"),
)

attempts = sa.Table(
    "attempts",
    METADATA,
    Column("run", String, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run_key", String, nullable=False, unique=True),
    Column("place", String, nullable=False),
    Column("host", String),  # of what only that machine can see
    Column("handle", _Json),
    Column("worker", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("outcome", String),  # succeeded, failed, lost, cancelled, refused
    Column("exit_code", Integer),
    Column("cause", String, nullable=False, server_default=""),
    Column("reason", String, nullable=False, server_default=""),
    Column("advice", String, nullable=False, server_default=""),
    Column("logs", String, nullable=False, server_default=""),
    Column("cost", Float),  # US dollars
    CheckConstraint("(ended IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
    Index("one_open_attempt", "run", unique=True, **partial("ended IS NULL")),
)

events = sa.Table(  # written by triggers alone
    "events",
    METADATA,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("run", String, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),
    Column("before", String),
    Column("after", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("worker", String),
    Column("reason", String, nullable=False),
    Index("events_of_run", "run", "id"),
    Index("events_by_time", "at"),
)

dependencies = sa.Table(
    "dependencies",
    METADATA,
    Column("run", String, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("on_run", String, ForeignKey("runs.id"), primary_key=True),
    Column("any_end", Boolean, nullable=False),  # however it ends
    Column("satisfied", Boolean, nullable=False),
    Index("dependents", "on_run"),
)

definitions = sa.Table(  # places, queues, jobs, schedules …: gristmill.manager.settings
    "definitions",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("document", _Json, nullable=False),
    Column("created", Float, nullable=False),
    Column("retired", Float),
    Index("one_current", "kind", "name", unique=True, **partial("retired IS NULL")),
)

paused = sa.Table(
    "paused",
    METADATA,
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("since", Float, nullable=False),
    Column("by", String, nullable=False),
)

workers = sa.Table(
    "workers",
    METADATA,
    Column("id", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("boot", String, nullable=False),  # what the machine has since it was started
    Column("process", Integer, nullable=False),
    Column("process_started", String, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("cores", Float, nullable=False),
    Column("memory", _Big, nullable=False),
    Column("queues", _Json, nullable=False),  # empty: all
    Column("started", Float, nullable=False),
    Column("beat", Float, nullable=False),
    Column("state", String, nullable=False),  # working, draining, gone
    Column("busy_seconds", Float, nullable=False, server_default="0"),
    Column("finished", Integer, nullable=False, server_default="0"),
)

usage = sa.Table(  # core-seconds of a share, decayed to the time `at`
    "usage",
    METADATA,
    Column("queue", String, primary_key=True),
    Column("share", String, primary_key=True),
    Column("amount", Float, nullable=False),
    Column("at", Float, nullable=False),
)

schedules = sa.Table(  # up to when each was looked at
    "schedules",
    METADATA,
    Column("name", String, primary_key=True),
    Column("seen", Float, nullable=False),
)

fires = sa.Table(
    "fires",
    METADATA,
    Column("schedule", String, primary_key=True),
    Column("due", Float, primary_key=True),
    Column("at", Float, nullable=False),
    Column("outcome", String, nullable=False),  # submitted, skipped, missed
    Column("run", String, ForeignKey("runs.id", ondelete="CASCADE")),
    Column("execution", String),  # of a workflow
)

arrivals = sa.Table(
    "arrivals",
    METADATA,
    Column("source", String, primary_key=True),
    Column("uri", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("size", _Big, nullable=False),
    Column("seen", Float, nullable=False),
    Column("run", String),  # the run or execution that it went to
    Index("arrivals_waiting", "source", "seen", **partial("run IS NULL")),
)

outbox = sa.Table(
    "outbox",
    METADATA,
    Column("id", String, primary_key=True),  # goes with the message, however often that is sent
    Column("event", String, nullable=False),
    Column("sink", String, nullable=False),
    Column("message", _Json, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", Float, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent", Float),
    Column("dead", Float),
    Column("error", String, nullable=False, server_default=""),
    sa.UniqueConstraint("event", "sink", name="one_message_an_event"),
    Index("messages_due", "due", **partial("sent IS NULL AND dead IS NULL")),
)

rollups = sa.Table(  # runs that ended in an hour
    "rollups",
    METADATA,
    Column("hour", Float, primary_key=True),
    Column("queue", String, primary_key=True),
    Column("job", String, primary_key=True),
    Column("cause", String, primary_key=True),  # empty for those that succeeded
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("wait_p50", Float),
    Column("wait_p95", Float),
    Column("wait_max", Float),
    Column("took_p50", Float),
    Column("took_p95", Float),
    Column("took_max", Float),
    Column("rows", _Big, nullable=False),
    Column("bytes", _Big, nullable=False),
    Column("cost", Float, nullable=False),
)

alarms = sa.Table(
    "alarms",
    METADATA,
    Column("name", String, primary_key=True),
    Column("since", Float, nullable=False),
    Column("value", Float, nullable=False),
)

duties = sa.Table(  # what one worker at a time does, and when it is next to be done
    "duties",
    METADATA,
    Column("name", String, primary_key=True),
    Column("due", Float, nullable=False),
)

pruning = sa.Table(  # has a row only inside the transaction that prunes
    "pruning", METADATA, Column("since", Float, primary_key=True)
)
