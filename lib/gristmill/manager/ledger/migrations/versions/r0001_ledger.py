"""Runs, attempts, events, dependencies, definitions, workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "definitions",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("retired", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name", "revision"),
    )
    op.create_index(
        "one_current",
        "definitions",
        ["kind", "name"],
        unique=True,
        sqlite_where=sa.text("retired IS NULL"),
        postgresql_where=sa.text("retired IS NULL"),
    )
    op.create_table(
        "paused",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "pruning", sa.Column("since", sa.Float(), nullable=False), sa.PrimaryKeyConstraint("since")
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("argv", sa.JSON(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("share", sa.String(), nullable=False),
        sa.Column("pinned", sa.String(), nullable=True),
        sa.Column("cores", sa.Float(), nullable=False),
        sa.Column("memory", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("timeout", sa.Float(), nullable=True),
        sa.Column("retry", sa.JSON(), nullable=False),
        sa.Column("late_after", sa.Float(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("chain", sa.JSON(), nullable=True),
        sa.Column("submitter", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("cause", sa.String(), server_default="", nullable=False),
        sa.Column("deps_left", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("index", sa.Integer(), nullable=True),
        sa.Column("array_size", sa.Integer(), nullable=True),
        sa.Column("fail_fast", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=True),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("cancel_asked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("looked_at", sa.Float(), nullable=True),
        sa.CheckConstraint("(state = 'blocked') = (deps_left > 0)", name="blocked_waits"),
        sa.CheckConstraint(
            "(state IN ('starting', 'running')) = (lease_until IS NOT NULL)", name="active_leased"
        ),
        sa.CheckConstraint(
            "(state IN ('starting', 'running')) = (owner IS NOT NULL)", name="active_owned"
        ),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled', 'skipped')) = (ended IS NOT NULL)",
            name="final_ended",
        ),
        sa.CheckConstraint(
            "array_size IS NULL OR NOT (state IN ('starting', 'running'))", name="arrays_never_run"
        ),
        sa.CheckConstraint(
            "state IN ('blocked', 'ready', 'starting', 'running', "
            "'succeeded', 'failed', 'cancelled', 'skipped')",
            name="state_known",
        ),
        sa.CheckConstraint("attempt <= max_attempts", name="attempts_bounded"),
        sa.CheckConstraint("deps_left >= 0", name="deps_counted"),
        sa.ForeignKeyConstraint(
            ["parent"],
            ["runs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("parent", "index", name="one_child_an_index"),
    )
    op.create_index(
        "active_runs",
        "runs",
        ["queue", "owner", "lease_until"],
        unique=False,
        sqlite_where=sa.text("state IN ('starting', 'running')"),
        postgresql_where=sa.text("state IN ('starting', 'running')"),
    )
    op.create_index(
        "one_writer_a_scope",
        "runs",
        ["scope"],
        unique=True,
        sqlite_where=sa.text("state IN ('starting', 'running')"),
        postgresql_where=sa.text("state IN ('starting', 'running')"),
    )
    op.create_index("runs_by_end", "runs", ["ended"], unique=False)
    op.create_index("runs_by_job", "runs", ["job", "created"], unique=False)
    op.create_index("runs_by_state", "runs", ["state", "updated"], unique=False)
    op.create_table(
        "usage",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("share", sa.String(), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "share"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.String(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("cores", sa.Float(), nullable=False),
        sa.Column("memory", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("beat", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("busy_seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("finished", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "attempts",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=True),
        sa.Column("handle", sa.JSON(), nullable=True),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("advice", sa.String(), server_default="", nullable=False),
        sa.Column("logs", sa.String(), server_default="", nullable=False),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.CheckConstraint("(ended IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number"),
        sa.UniqueConstraint("run_key"),
    )
    op.create_index(
        "one_open_attempt",
        "attempts",
        ["run"],
        unique=True,
        sqlite_where=sa.text("ended IS NULL"),
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.create_table(
        "dependencies",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("on_run", sa.String(), nullable=False),
        sa.Column("any_end", sa.Boolean(), nullable=False),
        sa.Column("satisfied", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["on_run"],
            ["runs.id"],
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "on_run"),
    )
    op.create_index("dependents", "dependencies", ["on_run"], unique=False)
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_by_time", "events", ["at"], unique=False)
    op.create_index("events_of_run", "events", ["run", "id"], unique=False)
    op.create_index(
        "ready_runs",
        "runs",
        ["queue", sa.text("priority DESC"), "due", "index", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
