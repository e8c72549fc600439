"""Tables of databases: typed, or rejected, and read once."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import gristmill
from gristmill import Dataset, Job, Options
from gristmill.errors import InputError, UsageError
from gristmill.model.checks import REASON
from gristmill.readers.tables import DatabaseReader, TableColumn
from gristmill.readers.tables.database import PASSWORD, USER
from tests.conftest import RunJob
from tests.support.postgres import Postgres, postgres

COLUMNS = (
    TableColumn("id", "bigint"),
    TableColumn("amount", "decimal(8,2)"),
    TableColumn("ratio", "double", required=False),
    TableColumn("placed", "date"),
    TableColumn("note", "string", required=False),
)


def read(
    spark: SparkSession, reader: DatabaseReader, url: str
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows and the reasons of the rejects, both in order; and nothing is lost."""
    found = reader.read(spark, [url], Options()).rows.collect()
    names = [column.name for column in reader.columns]
    rows = [tuple(row[name] for name in names) for row in found if row[REASON] is None]
    return sorted(rows, key=repr), sorted(row[REASON] for row in found if row[REASON])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite database with a table of orders."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute(
            'create table "the orders" (id integer primary key, Amount, ratio real, placed, note)'
        )
    return path


def fill(path: Path, *rows: tuple[object, ...]) -> str:
    with sqlite3.connect(path) as database:
        database.executemany('insert or ignore into "the orders" values (?, ?, ?, ?, ?)', rows)
    return f"jdbc:sqlite:{path}"


ORDERS = DatabaseReader(COLUMNS, "the orders", key="id")


def test_sqlite_holds_anything_in_any_column_and_nothing_of_it_is_bent(
    spark: SparkSession, shop: Path
) -> None:
    url = fill(
        shop,
        (1, 0.1 + 0.2, 0.1 + 0.2, "2026-01-05", 'a "b"\nc'),
        (2, "12.50", None, "2026-01-05", 7),
        (3, "much", None, "2026-01-05", None),
        (4, None, 1, "2026-01-05", None),
        (5, 1, "x", "2026-01-05", None),
        (6, 1.005, 1e300, "2026-01-05", None),
        (-7, 1, 0.5, 20260105, None),
    )
    rows, reasons = read(spark, ORDERS, url)
    day = date(2026, 1, 5)
    assert rows == [
        (1, Decimal("0.30"), 0.1 + 0.2, day, 'a "b"\nc'),
        (2, Decimal("12.50"), None, day, "7"),
    ]
    assert reasons == [
        "amount.missing",
        "amount.not_decimal",
        "amount.too_precise",
        "placed.not_date",
        "ratio.not_number",
    ]


@pytest.mark.parametrize("key", [None, "id", "ID"])
@pytest.mark.parametrize("count", [0, 1, 5, 1000])
def test_in_pieces_or_as_one_every_row_comes_once(
    spark: SparkSession, shop: Path, key: str | None, count: int
) -> None:
    ids = [number * number - 500 for number in range(1, count + 1)]  # far from even
    url = fill(shop, *((number, 1, None, "2026-01-05", None) for number in ids))
    reader = DatabaseReader(COLUMNS, "the orders", key=key, parts=4)
    found = reader.read(spark, [url], Options()).rows
    assert sorted(row["id"] for row in found.collect()) == ids
    assert found.rdd.getNumPartitions() == (4 if key and count >= 5 else 1)


@pytest.mark.parametrize(
    ("columns", "table", "key", "told"),
    [
        (COLUMNS, "orders", None, "no such table: orders"),
        (COLUMNS, "the orders", "idd", r"has no idd\. Its columns are: id, Amount"),
        ((TableColumn("amout", "int"),), "the orders", None, r"has no amout\. Its columns are: id"),
        (COLUMNS, "the orders", "note", "the key note is not a whole number: 'a', 'b'"),
    ],
)
def test_what_is_not_there_is_told(
    spark: SparkSession,
    shop: Path,
    columns: tuple[TableColumn, ...],
    table: str,
    key: str | None,
    told: str,
) -> None:
    url = fill(shop, (1, 1, 1, "2026-01-05", "a"), (2, 1, 1, "2026-01-05", "b"))
    with pytest.raises(InputError, match=told):
        read(spark, DatabaseReader(columns, table, key), url)


def test_a_column_that_may_be_missing_is_null(spark: SparkSession, shop: Path) -> None:
    url = fill(shop, (1, 1, 1, "2026-01-05", "a"))
    reader = DatabaseReader(
        (TableColumn("id", "int"), TableColumn("other", "string", required=False)), "the orders"
    )
    assert read(spark, reader, url) == ([(1, None)], [])


@pytest.mark.parametrize(
    ("url", "error", "told"),
    [
        ("jdbc:mysql://host/shop", InputError, "jdbc:postgresql:… or jdbc:sqlite:…"),
        ("data/orders.csv", InputError, "is not the JDBC URL"),
        ("jdbc:sqlite:shop.db", InputError, "give the whole path"),
        ("jdbc:sqlite:/nowhere/shop.db", InputError, "no SQLite database at /nowhere/shop.db"),
        ("jdbc:postgresql://host/shop?user=a&password=b", UsageError, PASSWORD),
        ("jdbc:postgresql://a:b@host/shop", UsageError, PASSWORD),
        ("jdbc:postgresql://host/shop?ssl=true&sslpassword=b", UsageError, PASSWORD),
    ],
)
def test_a_url_that_does_not_do_is_told(
    spark: SparkSession, url: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as caught:
        read(spark, ORDERS, url)
    assert told in str(caught.value)


def test_a_server_that_does_not_answer_is_told(spark: SparkSession) -> None:
    url = "jdbc:postgresql://127.0.0.1:1/shop"
    with pytest.raises(InputError, match=rf"cannot read {url}: .*refused"):
        read(spark, ORDERS, url)


SHOP = Dataset(
    name="shop_orders",
    help="Orders, as the shop has them.",
    fields=ORDERS.fields,
    partitioned_by=("placed",),
    write_mode="batch",
    key=("id",),
)


def test_a_run_reads_once_though_the_table_changes_meanwhile(
    run_job: RunJob, shop: Path, tmp_path: Path
) -> None:
    url = fill(shop, (1, 1, 1, "2026-01-05", "a"), (2, "x", 1, "2026-01-05", "b"))

    def change(rows: DataFrame, _options: Options) -> dict[str, DataFrame]:
        # All that the run asks of its rows from here on has to be what it has read.
        rows.count()
        fill(shop, (3, "y", 1, "2026-01-05", "c"), (4, 1, 1, "2026-01-05", "d"))
        return {SHOP.name: rows}

    job = Job(
        name="shop-orders",
        help="Load orders.",
        options=Options,
        reads=ORDERS,
        writes=(SHOP,),
        transform=change,
    )
    report = run_job(job, url)
    assert (report.lines, report.rejected, report.rejects) == (2, 1, {"amount.not_decimal": 1})
    table = gristmill.open(tmp_path / "out")[SHOP.name].arrow()
    assert table.column("id").to_pylist() == [1]
    (reject,) = gristmill.open(tmp_path / "out")["rejects"].arrow().to_pylist()
    assert reject["source_file"] == f"{url}#the orders"
    assert '"amount":"x"' in reject["raw"]
    # The same database again: it replaces what was loaded from it before.
    assert run_job(job, url).lines == 4
    table = gristmill.open(tmp_path / "out")[SHOP.name].arrow()
    assert sorted(table.column("id").to_pylist()) == [1, 4]


# PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        running.run(
            """
            create schema "Shop";
            create table "Shop".orders (
                id bigint primary key, amount numeric, ratio double precision, paid boolean,
                placed date, at timestamptz, seen timestamp, note text, tags text[], more jsonb);
            insert into "Shop".orders values
                (1, 12.5, 0.1, true, '2026-01-05', '2026-01-05 10:00:00+02',
                 '2026-01-05 10:00:00', 'Zoë', '{a,b}', '{"a": 1}'),
                (9007199254740993, 123456.78, 'NaN', false, '2026-01-05',
                 '2026-01-05 10:00:00.123456+00', null, null, null, null),
                (3, 1.005, 1, null, '2026-01-05', '2026-01-05', null, '', null, null),
                (4, 'NaN', 1, null, '2026-01-05', '2026-01-05', null, '', null, null),
                (5, 1, 1, null, '2026-01-05', 'infinity', null, '', null, null);
            create role reader login password 'secret';
            grant usage on schema "Shop" to reader;
            grant select on "Shop".orders to reader;
            """
        )
        yield running


WIDE = (
    TableColumn("id", "bigint"),
    TableColumn("amount", "decimal(10,2)"),
    TableColumn("ratio", "double", required=False),
    TableColumn("paid", "boolean", required=False),
    TableColumn("placed", "date"),
    TableColumn("at", "timestamp"),
    TableColumn("seen", "timestamp", required=False, zone="Europe/Berlin"),
    TableColumn("note", "string", required=False),
    TableColumn("tags", "string", required=False),
    TableColumn("more", "string", required=False),
)


def test_every_type_of_postgresql_comes_without_loss(
    spark: SparkSession, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER, "reader")
    monkeypatch.setenv(PASSWORD, "secret")
    reader = DatabaseReader(WIDE, "Shop.orders", key="id", parts=3)
    rows, reasons = read(spark, reader, server.url)
    at = datetime(2026, 1, 5, 8, tzinfo=UTC).replace(tzinfo=None)
    seen = datetime(2026, 1, 5, 9, tzinfo=UTC).replace(tzinfo=None)
    day = date(2026, 1, 5)
    assert rows == [
        (1, Decimal("12.50"), 0.1, True, day, at, seen, "Zoë", "{a,b}", '{"a": 1}'),
    ]
    assert reasons == [
        "amount.not_decimal",
        "amount.too_precise",
        "at.not_timestamp",
        "ratio.not_number",
    ]


def test_who_may_not_read_is_told(
    spark: SparkSession, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER, "nobody")
    with pytest.raises(InputError, match=r'cannot read .*role "nobody" does not exist'):
        read(spark, DatabaseReader(WIDE, "Shop.orders"), server.url)


def test_a_large_number_of_rows_comes_in_pieces(
    spark: SparkSession, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER, "postgres")
    server.run("create table many as select n as id from generate_series(1, 30000) n")
    reader = DatabaseReader((TableColumn("id", "int"),), "many", key="id")
    found = reader.read(spark, [server.url], Options()).rows
    ids = [row["id"] for row in found.collect()]
    assert sorted(ids) == list(range(1, 30001))
    assert found.rdd.getNumPartitions() == 8
