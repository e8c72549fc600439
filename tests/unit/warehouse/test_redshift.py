"""The statements for Redshift: of its grammar, and run by DuckDB in its place, but for COPY."""

import contextlib
import dataclasses
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from gristmill.cli.main import main
from gristmill.errors import UsageError
from gristmill.storage.local import LocalStorage
from gristmill.warehouse.redshift import plan_load, redshift_type
from tests.unit.publish.test_iceberg import EVENTS, put, row

ROLE = "arn:aws:iam::123456789012:role/redshift"
PLACE = "s3://lake/shop"


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def statements(root: LocalStorage, since: int = 0) -> tuple[str, ...]:
    return plan_load(root, "events", "public.events", ROLE, since, location=PLACE).statements


def run(
    warehouse: duckdb.DuckDBPyConnection, root: LocalStorage, some: Sequence[str], most: int = 999
) -> None:
    """Run statements in DuckDB, which has no LOCK and other words for the rest."""
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS public")
    for one in some[:most]:
        text = one.replace("SUPER", "JSON").replace("VARBYTE(1024000)", "BLOB")
        copied = re.match(r"COPY (\S+) FROM '(.*\.parquet)'", one)
        flat = "hive_partitioning = false"
        if copied:
            local = copied[2].replace(PLACE, root.root.removeprefix("file://"))
            text = f"INSERT INTO {copied[1]} SELECT * FROM read_parquet('{local}', {flat})"
        if not one.startswith("LOCK"):
            warehouse.execute(text)
    if most < len(some):
        # What a session that dies leaves.
        warehouse.execute("ROLLBACK")


def loaded(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    told = 'SELECT "item", "day", "shop", "count", "price" FROM public.events ORDER BY ALL'
    return warehouse.execute(told).fetchall()


def test_each_statement_is_of_redshifts_grammar(root: LocalStorage) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "it's"), row("2", None, None)])
    put(root, "b", [row("3", date(2026, 11, 21), "it's")])
    told = [*statements(root), *statements(root, 1)]
    for one in told:
        if not one.startswith("LOCK"):  # https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html
            parsed = sqlglot.parse_one(one, dialect="redshift")
            assert not isinstance(parsed, exp.Command), one
    # https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
    copies = [one for one in told if one.startswith("COPY")]
    shape = (
        r"COPY \S+ FROM 's3://.+\.parquet' IAM_ROLE 'arn:[^']+' FORMAT AS PARQUET SERIALIZETOJSON"
    )
    assert len(copies) == 3
    assert all(re.fullmatch(shape, one) for one in copies)


def test_types_are_those_of_redshift() -> None:
    kinds = {name: redshift_type(kind) for name, kind in EVENTS.fields}
    assert kinds["price"] == "DECIMAL(20,4)"
    assert kinds["tags"] == kinds["sizes"] == kinds["place"] == "SUPER"
    assert kinds["at"] == "TIMESTAMP"
    assert kinds["rank"] == "SMALLINT"


def test_the_table_follows_and_statements_that_are_run_again_do_nothing(
    root: LocalStorage, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "x"), row("2", None, None)])
    first = statements(root)
    run(warehouse, root, first)
    expected = [
        ("1", date(2026, 11, 21), "x", 1, row("1", None)["price"]),
        ("2", None, None, 1, row("2", None)["price"]),
    ]
    assert loaded(warehouse) == expected
    run(warehouse, root, first)
    assert loaded(warehouse) == expected
    # A correction of one partition, and another one.
    put(root, "b", [row("3", date(2026, 11, 21), "x"), row("4", date(2026, 11, 22), "x")])
    second = statements(root, 1)
    run(warehouse, root, second)
    assert [one[0] for one in loaded(warehouse)] == ["2", "3", "4"]
    for some in (second, first):
        run(warehouse, root, some)
        assert [one[0] for one in loaded(warehouse)] == ["2", "3", "4"]
    assert warehouse.execute("SELECT log_number FROM public.gristmill_loads").fetchall() == [(2,)]


def test_a_session_that_dies_at_any_statement_has_done_nothing(
    root: LocalStorage, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "x")])
    run(warehouse, root, statements(root))
    put(root, "b", [row("2", date(2026, 11, 21), "x")])
    some = statements(root, 1)
    for most in range(1, len(some)):
        run(warehouse, root, some, most)
        assert [one[0] for one in loaded(warehouse)] == ["1"], most
    run(warehouse, root, some)
    assert [one[0] for one in loaded(warehouse)] == ["2"]


def test_files_from_before_a_column_came_are_loaded_by_their_own(
    root: LocalStorage, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "x")])
    wider = dataclasses.replace(EVENTS, fields=(("new", "string"), *EVENTS.fields))
    put(root, "b", [row("2", date(2026, 11, 22), "x", new="n")], wider)
    run(warehouse, root, statements(root))
    told = warehouse.execute('SELECT "item", "new" FROM public.events ORDER BY 1').fetchall()
    assert told == [("1", None), ("2", "n")]


def test_a_column_that_comes_is_added_to_the_table_that_is_there(
    root: LocalStorage, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "x")])
    run(warehouse, root, statements(root))
    wider = dataclasses.replace(EVENTS, fields=(("new", "string"), *EVENTS.fields))
    put(root, "b", [row("2", date(2026, 11, 22), "x", new="n")], wider)
    told = 'SELECT "item", "new" FROM public.events ORDER BY 1'
    for _ in range(2):
        # The second time the column is there: the transaction ends, and nothing has changed.
        with contextlib.suppress(duckdb.Error):
            run(warehouse, root, statements(root, 1))
        with contextlib.suppress(duckdb.Error):
            warehouse.execute("ROLLBACK")
        assert warehouse.execute(told).fetchall() == [("1", None), ("2", "n")]


def test_what_cannot_be_is_refused(
    root: LocalStorage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21), "x")])
    with pytest.raises(UsageError, match="the log is at 1"):
        statements(root, 2)
    with pytest.raises(UsageError, match="no dataset nothing"):
        plan_load(root, "nothing", "t", ROLE, 0, location=PLACE)
    out = str(tmp_path / "out")
    assert main(["load", out, "events", "--to", "redshift", "--iam-role", ROLE]) == 2
    assert "--location" in capsys.readouterr().err
    assert main(["load", out, "events", "--to", "redshift", "--location", PLACE]) == 2
    assert "--iam-role" in capsys.readouterr().err
    told = ["--to", "redshift", "--location", PLACE, "--iam-role", ROLE, "--table", "web.events"]
    assert main(["load", out, "events", *told]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("-- events into web.events, from entry 0 to 1\nBEGIN;\n")
    assert printed.rstrip().endswith("COMMIT;")
