"""Migrations: they make what the code reads, and keep what is there."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gristmill.errors import UsageError
from gristmill.manager.ledger import open_ledger, schema
from gristmill.manager.ledger.tables import METADATA
from tests.support.ledgers import Bench


@pytest.mark.filterwarnings("ignore:autogenerate skipping:UserWarning")
def test_migrations_make_the_tables_that_the_code_knows(bench: Bench) -> None:
    with bench.ledger.engine.connect() as connection:
        options = {"compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    # Autogenerate reads an index over expressions back in other words.
    assert [one for one in found if "ready_runs" not in str(one)] == []


def test_the_constraints_are_those_that_the_code_knows(bench: Bench) -> None:
    inspector = sa.inspect(bench.ledger.engine)
    for table in METADATA.tables.values():
        named = {str(one.name) for one in table.constraints if isinstance(one, sa.CheckConstraint)}
        assert {one["name"] for one in inspector.get_check_constraints(table.name)} == named
        indexes = {one["name"] for one in inspector.get_indexes(table.name)}
        assert {str(one.name) for one in table.indexes} <= indexes


def test_the_head_is_the_newest_migration() -> None:
    folder = Path(schema.__file__).parent / "migrations" / "versions"
    assert sorted(folder.glob("r*.py"))[-1].name.startswith(f"r{schema.HEAD}_")


def test_a_ledger_of_a_later_version_is_refused(url: str) -> None:
    ledger = open_ledger(url)
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(UsageError, match="made by a later Gristmill"):
        open_ledger(url)
