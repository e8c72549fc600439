"""Workflows: executions, and what stands here for AWS's services."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("fires", sa.Column("execution", sa.String(), nullable=True))
    op.create_table(
        "effects",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "local_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("local_events_of", "local_events", ["kind", "target", "at"], unique=False)
    op.create_table(
        "local_items",
        sa.Column("table", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("item", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("table", "key"),
    )
    op.create_table(
        "local_messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("group", sa.String(), nullable=True),
        sa.Column("duplicate", sa.String(), nullable=True),
        sa.Column("sent", sa.Float(), nullable=False),
        sa.Column("visible", sa.Float(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=True),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "message_twice",
        "local_messages",
        ["queue", "duplicate"],
        unique=True,
        sqlite_where=sa.text("duplicate IS NOT NULL"),
        postgresql_where=sa.text("duplicate IS NOT NULL"),
    )
    op.create_index(
        "messages_of_queue", "local_messages", ["queue", "visible", "number"], unique=False
    )
    op.create_table(
        "machines",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("express", sa.Boolean(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "revision"),
    )
    op.create_table(
        "executions",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("stop", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["machine", "revision"],
            ["machines.name", "machines.revision"],
        ),
        sa.PrimaryKeyConstraint("arn"),
        sa.UniqueConstraint("machine", "name", name="one_execution_a_name"),
    )
    op.create_index("executions_by_start", "executions", ["started"], unique=False)
    op.create_index(
        "executions_running",
        "executions",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'RUNNING'"),
        postgresql_where=sa.text("status = 'RUNNING'"),
    )
    op.create_table(
        "answers",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("execution", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["execution"], ["executions.arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("answers_of", "answers", ["execution", "id"], unique=False)
    op.create_table(
        "branches",
        sa.Column("execution", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["execution"], ["executions.arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution", "id"),
    )
    op.create_index("branches_of", "branches", ["execution", "parent", "phase"], unique=False)
    op.create_table(
        "history",
        sa.Column("execution", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["execution"], ["executions.arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution", "id"),
    )
    op.create_table(
        "kept_items",
        sa.Column("execution", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["execution"], ["executions.arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution", "name"),
    )
    op.create_table(
        "tokens",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("execution", sa.String(), nullable=False),
        sa.Column("activity", sa.String(), nullable=True),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["execution"], ["executions.arn"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index(
        "activities_waiting",
        "tokens",
        ["activity", "created"],
        unique=False,
        sqlite_where=sa.text("taken_by IS NULL"),
        postgresql_where=sa.text("taken_by IS NULL"),
    )
    op.create_index("tokens_of", "tokens", ["execution"], unique=False)
    # ### end Alembic commands ###
