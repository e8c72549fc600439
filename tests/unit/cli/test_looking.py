"""`peek` and `sql`: figures against plain Python, over outputs that were published."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.cli import main
from gristmill.cli.peeking import bars, peek
from gristmill.cli.query import ask, write
from gristmill.errors import InputError, UsageError
from gristmill.jobs.word_count import WORD_COUNTS
from tests.support.outputs import publish

FIELDS = (
    ("moment", "timestamp"),
    ("status", "int"),
    ("cost", "decimal(10,2)"),
    ("path", "string"),
    ("tags", "array<string>"),
    ("date", "date"),
)
SCHEMA = pa.schema(
    [
        ("moment", pa.timestamp("us", tz="UTC")),
        ("status", pa.int32()),
        ("cost", pa.decimal128(10, 2)),
        ("path", pa.string()),
        ("tags", pa.list_(pa.string())),
    ]
)
START = datetime(2026, 3, 1, tzinfo=UTC)


def rows(day: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "moment": START + timedelta(days=day, minutes=number),
            "status": (200, 200, 200, 404)[number % 4],
            "cost": Decimal(number) / 4,
            "path": None if number % 5 == 0 else f"/{number % 3}",
            "tags": ["a", "b"],
        }
        for number in range(count)
    ]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    tables = {
        f"date=2026-03-0{day + 1}": pa.Table.from_pylist(rows(day, 40 * (day + 1)), SCHEMA)
        for day in range(3)
    }
    publish(tmp_path / "out", "requests", FIELDS, tables, by=["date"])
    return tmp_path / "out"


ALL = [row for day in range(3) for row in rows(day, 40 * (day + 1))]


def test_a_question_is_answered_over_all_partitions(out: Path) -> None:
    answer = ask(str(out), "SELECT status, count(*) AS n FROM requests GROUP BY 1 ORDER BY 1", 10)
    assert answer.rows == tuple(sorted(Counter(row["status"] for row in ALL).items()))
    assert [one.name for one in answer.columns] == ["status", "n"]
    by_day = ask(str(out), "SELECT date, sum(cost) FROM requests GROUP BY 1 ORDER BY 1", 10)
    assert [value for _, value in by_day.rows] == [
        sum(row["cost"] for row in rows(day, 40 * (day + 1))) for day in range(3)
    ]


def test_tables_are_those_that_ddl_makes(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as connection:
        assert main(["ddl", str(out), "--dialect", "duckdb"]) == 0
        for statement in capsys.readouterr().out.split(";\n\n"):
            connection.execute(statement)
        wanted = connection.sql("DESCRIBE requests").fetchall()
    assert [row[1] for row in wanted[:3]] == [
        "TIMESTAMP WITH TIME ZONE",
        "INTEGER",
        "DECIMAL(10,2)",
    ]
    assert ask(str(out), "DESCRIBE requests", 10).rows == tuple(wanted)


def test_tables_carry_what_is_said_of_them(tmp_path: Path) -> None:
    fields = (("word", "string"), ("count", "bigint"), ("corpus", "string"))
    table = pa.table({"word": ["a"], "count": pa.array([1], pa.int64())})
    publish(tmp_path / "out", "word_counts", fields, {"corpus=x": table}, by=["corpus"])
    statement = "SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal"
    found = dict(ask(str(tmp_path / "out"), statement, 10).rows)
    assert found == {field.name: field.help for field in WORD_COUNTS.fields}
    assert all(found.values())


def test_no_more_rows_are_shown_than_asked_for_and_that_is_said(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", str(out), "FROM requests ORDER BY moment", "-n", "2"]) == 0
    told = capsys.readouterr().out
    assert "2026-03-01 00:01:00" in told
    assert "00:02:00" not in told
    assert "more than 2, --csv or --to FILE gives all" in told
    assert main(["sql", str(out), "FROM requests WHERE status = 1"]) == 0
    assert "no rows" in capsys.readouterr().out


def test_json_and_csv_have_all_rows(out: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["sql", str(out), "FROM requests ORDER BY moment", "--json"]) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert len(document["rows"]) == len(ALL)
    assert document["columns"][0]["name"] == "moment"
    assert main(["sql", str(out), "SELECT path, tags FROM requests ORDER BY moment", "--csv"]) == 0
    found = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    assert [one["path"] or None for one in found] == [row["path"] for row in ALL]
    assert found[0]["tags"] == "['a', 'b']"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json", "a.jsonl"])
def test_an_answer_is_written_as_the_file_s_name_says(out: Path, tmp_path: Path, name: str) -> None:
    written = write(
        str(out), "SELECT path, status FROM requests ORDER BY moment", str(tmp_path / name)
    )
    assert written.rows == len(ALL)
    wanted = [(row["path"], row["status"]) for row in ALL]
    if name.endswith(".parquet"):
        found = [(row["path"], row["status"]) for row in pq.read_table(tmp_path / name).to_pylist()]
    elif name.endswith(".csv"):
        with (tmp_path / name).open() as file:
            found = [(row["path"] or None, int(row["status"])) for row in csv.DictReader(file)]
    else:
        lines = map(json.loads, (tmp_path / name).read_text().splitlines())
        found = [(row["path"], row["status"]) for row in lines]
    assert found == wanted


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "SELECT * FROM request",
            r"no dataset request; did you mean requests\?; there are: requests",
        ),
        ("SELECT nothing FROM requests", "nothing"),
        ("SELEC 1", "syntax error"),
        ("CREATE TABLE a (b INT)", "ask with one SELECT"),
        ("SELECT 1; SELECT 2", "ask with one SELECT"),
    ],
)
def test_a_wrong_question_says_what_is_wrong(out: Path, statement: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ask(str(out), statement, 10)


def test_a_file_that_fails_is_not_there_and_an_old_one_stays(out: Path, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("kept")
    statement = "SELECT CAST(path AS INT) FROM requests"
    with pytest.raises(UsageError, match="Could not convert"):
        write(str(out), statement, str(tmp_path / "old.csv"))
    assert (tmp_path / "old.csv").read_text() == "kept"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["old.csv"]
    with pytest.raises(UsageError, match=r"ends in none of \.csv"):
        write(str(out), "SELECT 1", str(tmp_path / "a.xlsx"))
    with pytest.raises(InputError, match="cannot be written"):
        write(str(out), "SELECT 1", str(tmp_path / "none" / "a.csv"))


def test_a_dataset_is_looked_at(out: Path) -> None:
    found = peek(str(out / "requests"), 2)
    assert (found.rows, found.files) == (len(ALL), 3)
    assert [(one.partition, one.rows) for one in found.partitions] == [
        *(("date=2026-03-01", 40), ("date=2026-03-02", 80), ("date=2026-03-03", 120))
    ]
    columns = {one.name: one for one in found.columns}
    status = columns["status"]
    assert (status.nulls, status.distinct, status.least, status.most) == (0, 2, 200, 404)
    assert status.spread == (180, *[0] * 10, 60)
    assert columns["path"].nulls == sum(row["path"] is None for row in ALL)
    tops = Counter(row["path"] for row in ALL if row["path"])
    assert columns["path"].spread == tuple(count for _, count in tops.most_common())
    # In twelfths of the time from the first to the last: by hand.
    low, high = ALL[0]["moment"].timestamp(), max(row["moment"] for row in ALL).timestamp()
    bins = Counter(
        min(11, int((row["moment"].timestamp() - low) / (high - low) * 12)) for row in ALL
    )
    assert columns["moment"].spread == tuple(bins[one] for one in range(12))
    assert len(found.first) == 2


def test_what_it_is_like_fits_a_terminal(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", str(out / "requests"), "-n", "1"]) == 0
    told = capsys.readouterr().out
    assert "requests: 240 rows in 3 files" in told
    assert "3 partitions, date=2026-03-01 to date=2026-03-03: ▄▆█" in told
    assert "row 1" in told


def test_an_empty_dataset_is_looked_at(tmp_path: Path) -> None:
    publish(tmp_path / "out", "none", FIELDS[:2], {"": SCHEMA.empty_table().select([0, 1])})
    found = peek(str(tmp_path / "out" / "none"), 3)
    assert (found.rows, found.first) == (0, ())
    assert [(one.name, one.spread) for one in found.columns] == [("moment", ()), ("status", ())]
    assert ask(str(tmp_path / "out"), "SELECT count(*) FROM none", 10).rows == ((0,),)


@pytest.mark.parametrize("values", [[1.0, float("nan"), 2.0], [float("inf"), 1.0], [None, None]])
def test_odd_numbers_are_looked_at(tmp_path: Path, values: list[float | None]) -> None:
    table = pa.table({"x": pa.array(values, pa.float64())})
    publish(tmp_path / "out", "odd", (("x", "double"),), {"": table})
    (column,) = peek(str(tmp_path / "out" / "odd"), 3).columns
    assert column.nulls == values.count(None)
    assert sum(column.spread) <= len(values)


def test_a_root_names_its_datasets(out: Path) -> None:
    with pytest.raises(InputError, match=r"gristmill peek .*/out/NAME, of requests"):
        peek(str(out), 3)


def test_bars_are_as_high_as_counts() -> None:
    assert bars([]) == bars([0, 0]) == ""
    assert bars([0, 1, 50, 100]) == " ▂▅█"


def test_an_output_that_is_written_meanwhile_is_asked_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gristmill.outputs.output import Table  # noqa: PLC0415

    real = Table.dataset
    tries = []

    def dataset(self: Table) -> Any:
        tries.append(self)
        if len(tries) == 1:
            for file in out.glob("requests/*/*.parquet"):
                file.rename(file.with_suffix(".away"))
            return real(self)
        for file in out.glob("requests/*/*.away"):
            file.rename(file.with_suffix(".parquet"))
        return real(self)

    monkeypatch.setattr(Table, "dataset", dataset)
    assert ask(str(out), "SELECT count(*) FROM requests", 1).rows == ((len(ALL),),)
    assert len(tries) == 2
