"""Migrations: they make what the code reads, and keep what is there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from gristmill.errors import UsageError
from gristmill.manager.ledger import open_ledger, schema
from gristmill.manager.ledger.tables import METADATA
from tests.support.ledgers import Bench, Clock, Databases


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


def at_revision(url: str, revision: str) -> sa.Engine:
    """A database that an older Gristmill has made."""
    engine = sa.create_engine(sa.make_url(url).set(drivername=DRIVERS[url.partition(":")[0]]))
    config = Config()
    folder = Path(schema.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def test_what_an_older_version_wrote_is_there_after_the_migrations(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.empty_url()
    engine = at_revision(url, "0001")
    row = {
        "id": "r1",
        "request": "x",
        "job": "word-count",
        "folder": "",
        "queue": "default",
        "priority": 0,
        "share": "default",
        "cores": 1.0,
        "memory": 1,
        "state": "ready",
        "submitter": "me",
        "max_attempts": 3,
        "due": 1.0,
        "created": 1.0,
        "updated": 1.0,
        "argv": '["--input", "in"]',
        "retry": "[]",
    }
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    with engine.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO runs ({names}) VALUES ({values})"), row)
        assert "schedules" not in sa.inspect(connection).get_table_names()
    engine.dispose()
    ledger = open_ledger(url)
    bench = Bench(ledger, Clock())
    (held,) = bench.claim()
    assert (held.id, held.argv) == ("r1", ("--input", "in"))
    bench.end(held)
    assert bench.events("r1")[-1] == ("starting", "succeeded")
    assert "schedules" in sa.inspect(ledger.engine).get_table_names()
    ledger.close()


def test_many_that_open_a_new_ledger_at_once_make_it_once(databases: Databases) -> None:
    url = databases.empty_url()
    with ThreadPoolExecutor(8) as pool:
        ledgers = list(pool.map(open_ledger, [url] * 8))
    for ledger in ledgers:
        with ledger.look() as tx:
            assert tx.all(sa.text("SELECT version_num FROM alembic_version")) == [
                {"version_num": schema.HEAD}
            ]
        ledger.close()
