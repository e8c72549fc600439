"""A dataset in PostgreSQL: what the table holds is what the output holds, whatever happened."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

import gristmill
from gristmill import failpoints
from gristmill.errors import GristmillError, UsageError
from gristmill.jobs import access_logs, billing_charges, word_count
from gristmill.publish.locations import open_output
from gristmill.sample import write_samples
from gristmill.warehouse.postgres import Loaded, Target, load
from tests.conftest import RunJob
from tests.support.postgres import postgres

Load = Callable[..., Loaded]


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with postgres() as server:
        yield server.uri


@pytest.fixture
def schema(uri: str, tmp_path: Path) -> str:
    """A schema of the test's own."""
    name = "".join(char if char.isalnum() else "_" for char in tmp_path.name)[-40:]
    with psycopg.connect(uri) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    return name


@pytest.fixture
def loaded(uri: str, schema: str, tmp_path: Path) -> Load:
    def run(dataset: str = "word_counts", table: str = "") -> Loaded:
        target = Target.of(f"{schema}.{table or dataset}")
        return load(open_output(str(tmp_path / "out")), dataset, uri, target, lambda _text: None)

    return run


@pytest.fixture
def count(run_job: RunJob, tmp_path: Path) -> Callable[[str, str], None]:
    def run(corpus: str, text: str) -> None:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "a.txt").write_text(text)
        options = word_count.JOB.options.parse([f"--corpus={corpus}"])
        run_job(word_count.JOB, tmp_path / "in", options=options)

    return run


def rows(uri: str, schema: str, table: str) -> list[dict[str, Any]]:
    with psycopg.connect(uri, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(
            sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
        ).fetchall()
    for row in found:
        del row["gristmill_file"]
    return sorted(found, key=repr)


def published(tmp_path: Path, dataset: str) -> list[dict[str, Any]]:
    found = gristmill.open(tmp_path / "out")[dataset].arrow().to_pylist()
    return sorted(({name: row[name] for name in row} for row in found), key=repr)


def test_the_table_follows_what_is_published(
    count: Callable[[str, str], None], loaded: Load, uri: str, schema: str, tmp_path: Path
) -> None:
    count("a", "one two two")
    count("b", "three, \"quoted\" 'words' \\ NULL \\N")
    first = loaded()
    assert (first.files_added, first.files_removed) == (2, 0)
    assert rows(uri, schema, "word_counts") == published(tmp_path, "word_counts")
    again = loaded()
    assert (again.rows_added, again.rows_removed) == (0, 0)
    assert again.log_number == first.log_number
    # Only what changed comes and goes.
    count("b", "four four")
    third = loaded()
    assert (third.files_added, third.rows_added, third.files_removed) == (1, 1, 1)
    assert rows(uri, schema, "word_counts") == published(tmp_path, "word_counts")


def test_killed_at_any_statement_and_run_again_it_is_the_same(
    count: Callable[[str, str], None],
    loaded: Load,
    uri: str,
    schema: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count("a", "one two two")
    loaded()
    before = rows(uri, schema, "word_counts")
    count("a", "three")
    count("b", "four four")

    class Killed(BaseException):
        """What nobody catches."""

    reached: list[str] = []
    for deadly in range(1, 100):
        reached.clear()

        def at(name: str, deadly: int = deadly) -> None:
            if name.startswith("load."):
                reached.append(name)
                if len(reached) == deadly:
                    raise Killed

        monkeypatch.setattr(failpoints, "at", at)
        try:
            loaded()
        except Killed:
            # Nothing of it is there.
            assert rows(uri, schema, "word_counts") == before
            continue
        break
    assert len(reached) > 12
    assert rows(uri, schema, "word_counts") == published(tmp_path, "word_counts")


def test_every_type_arrives_as_it_was(
    run_job: RunJob, loaded: Load, uri: str, schema: str, tmp_path: Path
) -> None:
    write_samples(tmp_path / "samples", requests=200, words=10, billing=40)
    run_job(access_logs.JOB, tmp_path / "samples" / "logs")
    options = billing_charges.JOB.options.parse(["--export=focus"])
    run_job(billing_charges.JOB, tmp_path / "samples" / "billing" / "focus", options=options)
    for dataset in ("web_requests", "charges"):
        loaded(dataset)
        there = published(tmp_path, dataset)
        for row in there:
            for name, value in row.items():
                # Maps are objects there, whose amounts are texts.
                if isinstance(value, list):
                    row[name] = {k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in value}
        assert rows(uri, schema, dataset) == sorted(there, key=repr)


def test_a_table_of_somebody_else_is_left_alone(
    count: Callable[[str, str], None], loaded: Load, uri: str, schema: str
) -> None:
    count("a", "one")
    with psycopg.connect(uri) as connection:
        connection.execute(
            sql.SQL("CREATE TABLE {} (word text)").format(sql.Identifier(schema, "mine"))
        )
    with pytest.raises(UsageError, match="a table of somebody else's"):
        loaded(table="mine")
    loaded()
    with pytest.raises(UsageError, match="holds word_counts of"):
        loaded("rejects", table="word_counts")
    with psycopg.connect(uri) as connection:
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN word TYPE varchar(9)").format(
                sql.Identifier(schema, "word_counts")
            )
        )
    count("a", "two")
    with pytest.raises(UsageError, match=r"word is character varying\(9\) and not text"):
        loaded()


def test_a_table_that_was_dropped_is_made_again_and_a_lost_column_comes_back(
    count: Callable[[str, str], None], loaded: Load, uri: str, schema: str, tmp_path: Path
) -> None:
    count("a", "one one")
    loaded()
    with psycopg.connect(uri) as connection:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, "word_counts")))
    assert loaded().files_added == 1
    assert rows(uri, schema, "word_counts") == published(tmp_path, "word_counts")


def test_what_cannot_be_reached_or_held_is_told(
    count: Callable[[str, str], None], tmp_path: Path, uri: str
) -> None:
    count("a", "one")
    storage = open_output(str(tmp_path / "out"))
    with pytest.raises(GristmillError, match="PostgreSQL: "):
        load(storage, "word_counts", "postgresql://127.0.0.1:1/x", Target.of("t"), print)
    with pytest.raises(UsageError, match="no dataset nope"):
        load(storage, "nope", uri, Target.of("t"), print)
    for text in ("a.b.c", "", "x" * 64):
        with pytest.raises(UsageError, match="names no table"):
            Target.of(text)
    assert json.dumps(str(Target.of("words"))) == '"public.words"'
