"""The tables of workflows: executions and where they are, and what stands for AWS's services.

Times are seconds since 1970 in UTC.
"""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String

from gristmill.manager.ledger.tables import METADATA, partial

_Json = sa.JSON(none_as_null=False)
_Big = sa.BigInteger().with_variant(Integer, "sqlite")

machines = sa.Table(
    "machines",
    METADATA,
    Column("name", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("text", String, nullable=False),  # as it is written
    Column("digest", String, nullable=False),
    Column("express", Boolean, nullable=False),
    Column("created", Float, nullable=False),
)

executions = sa.Table(
    "executions",
    METADATA,
    Column("arn", String, primary_key=True),
    Column("machine", String, nullable=False),
    Column("name", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("document", _Json, nullable=False),  # gristmill.workflow.interpreter.branch.Execution
    Column("request", String, nullable=False),  # a hash: the same name, the same input
    Column("folder", String, nullable=False),  # where it was started, and finds its functions
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("owner", String),  # the worker that drives it
    Column("token", Integer, nullable=False, server_default="0"),
    Column("lease_until", Float),
    Column(
        "stop", sa.JSON(none_as_null=True)
    ),  # the error and the cause, where somebody asks to stop it
    sa.ForeignKeyConstraint(["machine", "revision"], ["machines.name", "machines.revision"]),
    sa.UniqueConstraint("machine", "name", name="one_execution_a_name"),
    Index("executions_running", "lease_until", **partial("status = 'RUNNING'")),
    Index("executions_by_start", "started"),
)


def _execution(*, is_key: bool = False) -> Column[str]:
    reference = ForeignKey("executions.arn", ondelete="CASCADE")
    return Column("execution", String, reference, primary_key=is_key, nullable=False)


branches = sa.Table(
    "branches",
    METADATA,
    _execution(is_key=True),
    Column("id", Integer, primary_key=True),
    Column("parent", Integer),
    Column("phase", String, nullable=False),
    Column("document", _Json, nullable=False),  # gristmill.workflow.interpreter.branch.Branch
    Index("branches_of", "execution", "parent", "phase"),
)

kept_items = sa.Table(  # the items of a Map that is under way
    "kept_items",
    METADATA,
    _execution(is_key=True),
    Column("name", String, primary_key=True),
    Column("value", _Json, nullable=False),
)

history = sa.Table(
    "history",
    METADATA,
    _execution(is_key=True),
    Column("id", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("details", _Json, nullable=False),
)

answers = sa.Table(  # what came back for a task's token
    "answers",
    METADATA,
    Column("id", _Big, primary_key=True, autoincrement=True),
    _execution(),
    Column("token", String, nullable=False),
    Column("kind", String, nullable=False),  # success, failure, heartbeat, taken
    Column("value", _Json, nullable=False),
    Column("at", Float, nullable=False),
    Index("answers_of", "execution", "id"),
)

tokens = sa.Table(  # what may still come back
    "tokens",
    METADATA,
    Column("token", String, primary_key=True),
    _execution(),
    Column("activity", String),  # what a worker takes up
    Column("input", _Json, nullable=False),
    Column("created", Float, nullable=False),
    Column("taken_by", String),
    Index("activities_waiting", "activity", "created", **partial("taken_by IS NULL")),
    Index("tokens_of", "execution"),
)

effects = sa.Table(  # what was done for a call, so that it is done once
    "effects",
    METADATA,
    Column("key", String, primary_key=True),
    Column("result", _Json, nullable=False),
    Column("at", Float, nullable=False),
)

local_messages = sa.Table(
    "local_messages",
    METADATA,
    Column("id", String, primary_key=True),
    Column("queue", String, nullable=False),
    Column("body", String, nullable=False),
    Column("attributes", _Json, nullable=False),
    Column("group", String),  # of a FIFO queue
    Column("duplicate", String),  # its deduplication id
    Column("sent", Float, nullable=False),
    Column("visible", Float, nullable=False),
    Column("receipt", String),
    Column("received", Integer, nullable=False, server_default="0"),
    Column("number", _Big, nullable=False),
    Index("messages_of_queue", "queue", "visible", "number"),
    Index("message_twice", "queue", "duplicate", unique=True, **partial("duplicate IS NOT NULL")),
)

local_items = sa.Table(
    "local_items",
    METADATA,
    Column("table", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("item", _Json, nullable=False),
)

local_events = sa.Table(  # events and mails that were sent
    "local_events",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("target", String, nullable=False),
    Column("entry", _Json, nullable=False),
    Column("at", Float, nullable=False),
    Index("local_events_of", "kind", "target", "at"),
)
