"""Datasets as tables of Iceberg, on real Parquet, as pyiceberg reads them by their folder."""

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gristmill
from gristmill.cli.output import history
from gristmill.errors import GristmillError, InputError, OutputError, SchemaError, UsageError
from gristmill.model.schema import DatasetSchema
from gristmill.outputs.arrow import arrow_schema
from gristmill.publish import layout, tables
from gristmill.publish.iceberg.catalog import RootCatalog
from gristmill.publish.iceberg.expiry import expire_snapshots
from gristmill.publish.log import Log
from gristmill.publish.settle import recover
from gristmill.publish.state import read_state
from gristmill.publish.verify import verify
from gristmill.storage.local import LocalStorage
from tests.support.publishing import (
    REFUSED,
    STOCK,
    Time,
    Work,
    begin,
    publication,
    publish,
    stored,
    table_of,
    wrong,
)

EVENTS = DatasetSchema(
    "events",
    (
        ("day", "date"),
        ("shop", "string"),
        ("item", "string"),
        ("count", "bigint"),
        ("price", "decimal(20,4)"),
        ("at", "timestamp"),
        ("tags", "map<string,decimal(10,2)>"),
        ("sizes", "array<int>"),
        ("place", "struct<name:string,floor:int>"),
        ("rank", "smallint"),
        ("share", "double"),
        ("sold", "boolean"),
    ),
    ("day", "shop"),
    "partition",
)
AT = datetime(2026, 11, 21, 12, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "out"))


def row(item: str, day: date | None, shop: str | None = "a b/c=%", **more: Any) -> dict[str, Any]:
    return {
        "item": item,
        "count": 1,
        "price": Decimal("1.2500"),
        "at": AT,
        "tags": [("k", Decimal("0.10"))],
        "sizes": [1, None],
        "place": {"name": "x", "floor": None},
        "rank": 3,
        "share": 0.5,
        "sold": True,
        "day": day,
        "shop": shop,
        **more,
    }


def put(
    root: LocalStorage,
    salt: str,
    rows: list[dict[str, Any]],
    schema: DatasetSchema = EVENTS,
    clock: Callable[[], datetime] | None = None,
) -> None:
    """Publish rows of Parquet, written as Spark writes them: without the partitions' columns."""
    work = Work({schema: []})
    publishing = publication(root, salt, work, clock or Time(), "iceberg")
    begin(publishing)
    folder = Path(root.root.removeprefix("file://")) / publishing.folder(schema.name)
    inside = [one for one in schema.fields if one[0] not in schema.partitioned_by]
    by: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in rows:
        by.setdefault(tuple(one[name] for name in schema.partitioned_by), []).append(one)
    for values, some in by.items():
        pairs = zip(schema.partitioned_by, values, strict=True)
        place = folder.joinpath(*(f"{name}={_escaped(value)}" for name, value in pairs))
        place.mkdir(parents=True)
        table = pa.Table.from_pylist(some, arrow_schema(inside))
        pq.write_table(table, place / "part-0.parquet")
    counts = [pq.read_metadata(folder / file.path).num_rows for file in publishing.staged("events")]
    publishing.stage(schema, counts)
    publishing.commit(len(rows), 0)


def _escaped(value: Any) -> str:
    """As Spark spells a partition: https://github.com/apache/spark, ExternalCatalogUtils."""
    if value is None:
        return "__HIVE_DEFAULT_PARTITION__"
    return str(value).replace("%", "%25").replace("/", "%2F").replace("=", "%3D")


def scanned(root: LocalStorage, **scan: Any) -> list[dict[str, Any]]:
    table = table_of(root, "events")
    assert table is not None
    found: list[dict[str, Any]] = table.scan(**scan).to_arrow().to_pylist()
    return sorted(found, key=lambda one: one["item"])


def test_every_type_and_partition_reads_as_it_was_written(root: LocalStorage) -> None:
    rows = [
        row("1", date(2026, 11, 21)),
        row("2", None, None),
        row("3", date(1969, 12, 31), "é", tags=None, sizes=[], place=None, price=None, at=None),
    ]
    put(root, "a", rows)
    assert scanned(root) == [{name: one[name] for name, _ in EVENTS.fields} for one in rows]
    # What the footers say spares readers files.
    assert [one["item"] for one in scanned(root, row_filter="item = '3'")] == ["3"]
    table = table_of(root, "events")
    assert table is not None
    plans = [len(list(table.scan(row_filter=f).plan_files())) for f in ("item = '3'", "count > 1")]
    assert plans == [1, 0]
    found = gristmill.open(root.root)["events"].arrow().to_pylist()
    assert sorted(found, key=lambda one: one["item"]) == scanned(root)


def test_columns_that_come_are_null_in_what_was_there(root: LocalStorage) -> None:
    put(root, "a", [row("1", date(2026, 11, 21))])
    wider = dataclasses.replace(EVENTS, fields=(("new", "array<string>"), *EVENTS.fields))
    put(root, "b", [row("2", date(2026, 11, 22), new=["x"])], wider)
    assert [one["new"] for one in scanned(root)] == [None, ["x"]]
    assert [one["tags"] for one in scanned(root)] == [[("k", Decimal("0.10"))]] * 2


def test_each_publish_is_a_snapshot_that_names_its_entry(root: LocalStorage) -> None:
    put(root, "a", [row("1", date(2026, 11, 21))])
    put(root, "b", [row("2", date(2026, 11, 21))])
    table = table_of(root, "events")
    assert table is not None
    told = [one.summary for one in table.snapshots() if one.summary]
    assert [one["gristmill.entry"] for one in told] == ["1", "2"]
    assert [str(one["gristmill.run"])[-1] for one in told] == ["a", "b"]
    first, second = (one.snapshot_id for one in table.snapshots())
    assert [one["item"] for one in scanned(root, snapshot_id=first)] == ["1"]
    assert tables.snapshots(root, "events") == {1: first, 2: second}


def test_manifests_of_many_publishes_are_brought_together(root: LocalStorage) -> None:
    clock = Time()
    put(root, "0", [row("00", date(2026, 1, 1))], clock=clock)
    catalog = RootCatalog(root)
    table = catalog.find("events")
    assert table is not None
    with table.transaction() as transaction:
        transaction.set_properties({"commit.manifest.min-count-to-merge": "4"})
    counts = []
    for number in range(1, 12):
        # One of them in the place of another, as its partition is there.
        day = date(2026, 1, 3 if number == 7 else 1 + number)
        put(root, f"{number}", [row(f"{number:02}", day)], clock=clock)
        table = catalog.find("events")
        assert table is not None
        snapshot = table.current_snapshot()
        assert snapshot is not None
        counts.append(len(snapshot.manifests(table.io)))
    assert max(counts) <= 5
    names = [f"{number:02}" for number in range(12)]
    assert [one["item"] for one in scanned(root)] == [one for one in names if one != "02"]
    first = [one.snapshot_id for one in table.snapshots()]
    for number, snapshot_id in enumerate(first[:7]):
        assert [one["item"] for one in scanned(root, snapshot_id=snapshot_id)] == names[
            : number + 1
        ]
    assert not wrong(root)
    expire_snapshots(root, catalog, "events", datetime.now(UTC) + timedelta(days=30))
    assert [one["item"] for one in scanned(root)] == [one for one in names if one != "02"]
    assert not wrong(root)


def test_an_earlier_state_is_opened_by_entry_run_or_time(root: LocalStorage) -> None:
    clock = Time()
    put(root, "a", [row("1", date(2026, 11, 21))], clock=clock)
    clock.advance(timedelta(hours=1))
    put(root, "b", [row("2", date(2026, 11, 21))], clock=clock)

    def items(as_of: int | str | datetime | None) -> list[str]:
        found = gristmill.open(root.root, as_of=as_of)["events"].arrow(["item"])
        return list(found.column("item").to_pylist())

    run = [entry.run for _, entry in Log(root).since(0)]
    noon = datetime(2026, 11, 21, 12, 0)
    early: list[int | str | datetime] = [1, "1", run[0], "2026-11-21T12:59:59", noon]
    late: list[int | str | datetime | None] = [2, run[1], "2026-11-21T14:00:00+01:00", None]
    assert [items(when) for when in early] == [["1"]] * len(early)
    assert [items(when) for when in late] == [["2"]] * len(late)
    with pytest.raises(InputError, match="nothing had been published as of 2026-11-20"):
        items("2026-11-20")
    with pytest.raises(InputError, match="has no entry 3"):
        items(3)
    with pytest.raises(UsageError, match="neither the number of an entry"):
        items("yesterday")


def test_plain_parquet_keeps_no_earlier_state(root: LocalStorage) -> None:
    publish(root, "1", Work({STOCK: [("a", "x")]}))
    with pytest.raises(UsageError, match="plain Parquet, which keeps no earlier state"):
        gristmill.open(root.root, as_of=1)


def test_the_format_is_chosen_when_an_output_is_made(root: LocalStorage) -> None:
    work = Work({STOCK: [("a", "x")]})
    publish(root, "1", work, table_format="iceberg")
    publish(root, "2", work)
    with pytest.raises(OutputError, match=r"an output of iceberg, .* --table-format"):
        publish(root, "3", work, table_format="parquet")
    assert stored(root) == [("a", "x")]
    assert not wrong(root)


def test_without_pyiceberg_nothing_is_begun(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(GristmillError, match=r"pip install gristmill\[iceberg\]"):
        publish(root, "1", Work({STOCK: [("a", "x")]}), table_format="iceberg")
    assert root.read(layout.MARKER) is None


def test_a_partition_that_iceberg_cannot_have_is_refused_before_anything_is_published(
    root: LocalStorage,
) -> None:
    by_share = DatasetSchema("events", EVENTS.fields, ("share",), "partition")
    publishing = publication(root, "1", Work({by_share: []}), Time(), "iceberg")
    with pytest.raises(SchemaError, match="partitioned by share, double"):
        begin(publishing)
    assert not publishing.finish()
    assert read_state(root).datasets == {}


def test_what_was_replaced_stays_for_a_week_after_that(root: LocalStorage) -> None:
    day = date(2026, 11, 21)
    for salt in "abc":
        put(root, salt, [row(salt, day)])
    catalog = RootCatalog(root)
    table = table_of(root, "events")
    assert table is not None
    # A snapshot ages from the moment at which another took its place.
    replaced = [datetime.fromtimestamp(one.timestamp_ms / 1000, UTC) for one in table.snapshots()]
    week = timedelta(days=7)
    first = gristmill.open(root.root, as_of=1)["events"]
    assert first.arrow(["item"]).column("item").to_pylist() == ["a"]
    assert expire_snapshots(root, catalog, "events", replaced[1] + week) == 0
    later = replaced[1] + week + timedelta(milliseconds=1)
    assert expire_snapshots(root, catalog, "events", later) > 0
    assert list(tables.snapshots(root, "events")) == [2, 3]
    assert len(root.data_files("events/data")) == 2
    with pytest.raises(InputError, match="as of 1 is not kept any more"):
        gristmill.open(root.root, as_of=1)["events"]
    # One that was asked for before does not turn into the newest.
    with pytest.raises(InputError, match="as of 1 is not kept any more"):
        first.arrow()
    assert expire_snapshots(root, catalog, "events", later + week) > 0
    assert list(tables.snapshots(root, "events")) == [3]
    assert [one["item"] for one in scanned(root)] == ["c"]
    assert not wrong(root)
    lists = [name for name in root.names("events/metadata") if name.endswith(".avro")]
    assert len(lists) == 1 + len(table_manifests(root))


def table_manifests(root: LocalStorage) -> set[str]:
    table = table_of(root, "events")
    snapshot = table.current_snapshot() if table else None
    assert snapshot is not None
    assert table is not None
    return {one.manifest_path for one in snapshot.manifests(table.io)}


def test_history_names_entries_and_snapshots_and_needs_no_pyiceberg(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for salt in "ab":
        put(root, salt, [row(salt, date(2026, 11, 21))])
    kept = tables.snapshots(root, "events")
    told = history(root.root, None, 9)
    assert [one.number for one in told.entries] == [1, 2]
    assert [dict(one.snapshots) for one in told.entries] == [{"events": kept[n]} for n in (1, 2)]
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert [dict(one.snapshots) for one in history(root.root, None, 9).entries] == [{}, {}]


def test_an_output_that_was_moved_is_followed_anew(root: LocalStorage, tmp_path: Path) -> None:
    put(root, "a", [row("1", date(2026, 11, 21)), row("2", date(2026, 11, 22))])
    moved = LocalStorage(str(tmp_path / "moved"))
    (tmp_path / "out").rename(tmp_path / "moved")
    put(moved, "b", [row("3", date(2026, 11, 21))])
    assert [one["item"] for one in scanned(moved)] == ["2", "3"]
    assert not wrong(moved)


def test_a_table_that_is_lost_is_made_again_of_the_log(root: LocalStorage) -> None:
    for salt in "ab":
        put(root, salt, [row(salt, date(2026, 11, 21))])
    root.delete("events/metadata")
    tables.follow(root, ["events"])
    assert [one["item"] for one in scanned(root)] == ["b"]
    assert not wrong(root)


def test_verify_holds_files_and_table_against_the_log(root: LocalStorage) -> None:
    put(root, "a", [row("1", date(2026, 11, 21))])
    put(root, "b", [row("2", date(2026, 11, 21))])

    def rows_of(path: str) -> int:
        place = Path(root.root.removeprefix("file://")) / path
        return int(pq.read_metadata(place).num_rows)

    def told() -> list[str]:
        return [line for one in verify(root, read_state(root), rows_of) for line in one.wrong]

    assert told() == []
    root.write("events/data/gristmill_run=b-x/day=2026-11-21/part-9.parquet", b"x")
    assert told() == ["events/data/gristmill_run=b-x/day=2026-11-21/part-9.parquet: stray"]
    root.delete("events/data/gristmill_run=b-x")
    # As after a metadata folder that was brought back from a copy.
    root.delete("events/metadata/v3.metadata.json")
    (path,) = read_state(root).datasets["events"].files
    assert f"events/{path}: not in the table of Iceberg" in told()
    recover(root, "me", datetime.now(UTC))
    tables.follow(root, ["events"])
    assert told() == []


def test_a_clock_that_goes_back_makes_no_table_that_readers_refuse(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "a", [row("1", date(2026, 11, 21))])
    then = time.time() - 7200
    monkeypatch.setattr("pyiceberg.table.snapshots.time.time", lambda: then)
    put(root, "b", [row("2", date(2026, 11, 22))])
    monkeypatch.undo()
    table = table_of(root, "events")
    assert table is not None
    times = [one.timestamp_ms for one in table.snapshots()]
    assert times == sorted(times)
    assert table.metadata.last_updated_ms >= times[-1]
    assert [one.timestamp_ms for one in table.history()] == sorted(times)


def test_what_did_not_concern_a_table_is_not_read_again_for_ever(
    root: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root, "0", Work({STOCK: [("a", "x")], REFUSED: []}), table_format="iceberg")
    for number in range(1, 24):
        publish(root, f"{number}", Work({STOCK: [(f"i{number}", "x")], REFUSED: []}))
    read: list[int] = []
    monkeypatch.setattr(Log, "read", lambda _self, number: read.append(number))
    tables.follow(root, ["refused"])
    assert len(read) < 20
    monkeypatch.undo()
    publish(root, "99", Work({STOCK: [("z", "x")], REFUSED: [("r", "x")]}))
    assert stored(root, REFUSED) == [("r", "x")]
    assert not wrong(root)
