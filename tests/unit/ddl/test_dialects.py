"""Tables in other engines' SQL: parsed by a parser of theirs, held against their grammar."""

import re
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from gristmill.catalogue import known_jobs
from gristmill.cli.main import main
from gristmill.ddl.dialects import DIALECTS, Described, hive_text, sql_text
from gristmill.model.schema import DatasetSchema

SCHEMA = DatasetSchema(
    "web_requests",
    (
        ("timestamp", "timestamp"),
        ("user", "string"),
        ("it's", "map<string,string>"),
        ("cost", "decimal(38,9)"),
        ("date", "date"),
        ("site", "string"),
    ),
    ("date", "site"),
    "batch",
)
FOUND = Described(
    SCHEMA,
    "s3://lake/web/web_requests",
    {"date": ["2026-10-04"], "site": ["shop"]},
    "What came in, a row a request: it's all there.",
    comments={"user": "who it was; it's \\ null elsewhere", "date": "day, UTC"},
)


def parsed(dialect: str, found: Described = FOUND) -> list[Any]:
    return [
        sqlglot.parse_one(one, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        for one in DIALECTS[dialect](found, "lake")
        if not one.startswith(("MSCK", "CALL"))  # which no parser here takes apart
    ]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_each_statement_is_one_of_its_engine(dialect: str) -> None:
    for one in parsed(dialect):
        assert not list(one.find_all(exp.Command)), "it was taken as text"


@pytest.mark.parametrize("dialect", ["athena", "spark", "trino"])
def test_a_table_has_all_columns_in_their_order_and_their_comments(dialect: str) -> None:
    (create,) = parsed(dialect)
    names = [one.name for one in create.find_all(exp.ColumnDef)]
    assert sorted(names) == sorted(name for name, _ in SCHEMA.fields)
    assert names[-2:] == ["date", "site"]
    comments = {
        one.find_ancestor(exp.ColumnDef).name: one.this.this
        for one in create.find_all(exp.CommentColumnConstraint)
    }
    assert comments == dict(FOUND.comments)


def test_athena_knows_the_partitions_without_being_told() -> None:
    (statement,) = DIALECTS["athena"](FOUND, "lake")
    assert statement.startswith("CREATE EXTERNAL TABLE IF NOT EXISTS `lake`.`web_requests` (")
    order = [
        "COMMENT '",
        "PARTITIONED BY (",
        "STORED AS PARQUET",
        "LOCATION 's3://",
        "TBLPROPERTIES (",
    ]
    # The order of clauses is that of AWS's grammar.
    places = [
        statement.rindex(one) if one != "COMMENT '" else statement.index("\nCOMMENT '")
        for one in order
    ]
    assert places == sorted(places)
    assert "'projection.date.type' = 'date'" in statement
    assert "LOCATION 's3://lake/web/web_requests/'" in statement


def test_partitions_that_cannot_be_worked_out_are_registered() -> None:
    odd = Described(SCHEMA, FOUND.location, {"date": ["2026-10-04"], "site": [None]})
    made, repair = DIALECTS["athena"](odd, "lake")
    assert "projection" not in made
    assert repair == "MSCK REPAIR TABLE `lake`.`web_requests`"
    assert DIALECTS["spark"](FOUND, "lake")[1] == repair
    assert DIALECTS["trino"](FOUND, "lake")[1] == (
        "CALL hive.system.sync_partition_metadata('lake', 'web_requests', 'FULL')"
    )


def test_a_dataset_without_partitions_says_nothing_of_them() -> None:
    plain = DatasetSchema("t", (("a", "int"),), (), "dataset")
    for dialect, make in DIALECTS.items():
        text = "\n".join(make(Described(plain, "s3://lake/t"), "lake"))
        assert not re.search("partition|MSCK|CALL", text, re.IGNORECASE), dialect


def test_s3a_is_what_hadoop_calls_it() -> None:
    found = Described(SCHEMA, "s3a://lake/t", FOUND.partitions)
    assert "s3a" not in DIALECTS["athena"](found, "lake")[0]
    assert "s3a" not in DIALECTS["trino"](found, "lake")[0]


@pytest.mark.parametrize("text", ["it's", "a\\b", "'", "\\'", "a\nb"])
def test_text_is_the_same_when_it_is_read_back(text: str) -> None:
    assert sqlglot.parse_one(hive_text(text), dialect="spark").this == text
    assert sqlglot.parse_one(sql_text(text), dialect="duckdb").this == text


def test_no_comment_is_longer_than_glue_takes() -> None:
    # https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
    for found in known_jobs().values():
        for dataset in found.job.writes:
            assert [f.name for f in dataset.fields if len(f.help.encode()) > 255] == []


def test_what_is_not_in_s3_is_no_table_of_athena(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_gristmill" / "log").mkdir(parents=True)
    (tmp_path / "_gristmill" / "layout.json").write_text('{"layout": 1}')
    assert main(["ddl", str(tmp_path), "--dialect", "athena"]) == 2
    assert "--location s3://" in capsys.readouterr().err
    assert main(["ddl", str(tmp_path), "nope", "--dialect", "spark"]) == 2
    assert "no dataset nope" in capsys.readouterr().err
    assert main(["ddl", str(tmp_path), "--dialect", "spark", "--database", "a`b"]) == 2
    assert "letters, digits" in capsys.readouterr().err
