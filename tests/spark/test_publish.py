"""Publishing: what a run replaces, and what is left when it is cut off."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill import publish
from gristmill.dataset import Dataset, Field
from gristmill.errors import OutputError
from gristmill.publish import Publication, open_root, run_id
from gristmill.storage import Storage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIELDS = (Field("item", "string", "a thing"), Field("shop", "string", "where it is sold"))
STOCK = Dataset("stock", "By shop.", FIELDS, ("shop",), replaces="partition")
SALES = Dataset("sales", "By batch.", FIELDS, ("shop",), replaces="batch")
Rows = list[tuple[str, str]]
Publish = Callable[..., Publication]


@pytest.fixture
def root(spark: SparkSession, tmp_path: Path) -> Storage:
    return Storage(spark, str(tmp_path / "out"))


@pytest.fixture
def prepare(spark: SparkSession, root: Storage) -> Publish:
    """Stage rows, as run `salt` of a batch."""

    def stage(
        salt: str,
        rows: Rows,
        dataset: Dataset = STOCK,
        batch: str = "b",
        scope: dict[str, str] | None = None,
    ) -> Publication:
        open_root(root, NOW)
        publication = Publication(root, run_id(NOW, salt), batch)
        frame = spark.createDataFrame(rows, "item string, shop string")
        publication.stage(dataset, frame, scope or {})
        return publication

    return stage


def stored(spark: SparkSession, root: Storage, dataset: Dataset = STOCK) -> Rows:
    if not root.data_files(dataset.name):
        return []
    frame = spark.read.schema("item string, shop string").parquet(root.uri(dataset.name))
    return sorted((row["item"], row["shop"]) for row in frame.collect())


def test_a_run_replaces_the_partitions_it_writes_and_no_other(
    spark: SparkSession, root: Storage, prepare: Publish
) -> None:
    prepare("1", [("a", "x"), ("b", "x"), ("c", "y")]).commit()
    prepare("2", [("d", "x"), ("e", "z")]).commit()
    assert stored(spark, root) == [("c", "y"), ("d", "x"), ("e", "z")]


def test_a_partition_in_scope_that_came_out_empty_is_emptied(
    spark: SparkSession, root: Storage, prepare: Publish
) -> None:
    prepare("1", [("a", "x/1: %"), ("b", "y")]).commit()
    prepare("2", [], scope={"shop": "x/1: %"}).commit()
    assert stored(spark, root) == [("b", "y")]
    assert root.names("stock") == ["shop=y"]


def test_a_batch_replaces_itself_in_every_partition_and_nothing_else(
    spark: SparkSession, root: Storage, prepare: Publish
) -> None:
    prepare("1", [("a", "x"), ("b", "y")], SALES, batch="13").commit()
    prepare("2", [("c", "x")], SALES, batch="14").commit()
    prepare("3", [("d", "x")], SALES, batch="13").commit()
    assert stored(spark, root, SALES) == [("c", "x"), ("d", "x")]
    empty = Publication(root, run_id(NOW, "4"), "14")
    empty.stage_nothing(SALES)
    empty.commit()
    assert stored(spark, root, SALES) == [("d", "x")]


def test_until_the_commit_nothing_has_changed_and_a_discard_leaves_no_trace(
    spark: SparkSession, root: Storage, prepare: Publish, tmp_path: Path
) -> None:
    prepare("1", [("a", "x")]).commit()
    before = sorted(path for path in (tmp_path / "out").rglob("*"))
    publication = prepare("2", [("b", "x")])
    assert stored(spark, root) == [("a", "x")]
    assert not [path for path in (tmp_path / "out" / "stock").rglob("*") if "staging" in str(path)]
    publication.discard()
    assert sorted(path for path in (tmp_path / "out").rglob("*")) == before


def test_an_apply_that_was_cut_off_anywhere_is_finished_by_the_next_run(
    spark: SparkSession,
    root: Storage,
    prepare: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class CutOffError(Exception):
        pass

    old: Rows = [("a", "x"), ("b", "y"), ("c", "z")]
    new: Rows = [("d", "x"), ("e", "y"), ("f", "w")]
    expected = [("c", "z"), ("d", "x"), ("e", "y"), ("f", "w")]
    saved = tmp_path / "saved"
    prepare("1", old).commit()
    shutil.copytree(tmp_path / "out", saved)
    cuts = 0
    for steps in range(100):
        shutil.rmtree(tmp_path / "out")
        shutil.copytree(saved, tmp_path / "out")
        left = steps

        def step(name: str, verb: Callable[..., None]) -> Callable[..., None]:
            def cut_off(*arguments: str) -> None:
                nonlocal left
                if left == 0:
                    raise CutOffError(name)
                left -= 1
                verb(*arguments)

            return cut_off

        publication = prepare("2", new)
        with monkeypatch.context() as patch:
            for verb in ("write_json", "move", "delete"):
                patch.setattr(root, verb, step(verb, getattr(root, verb)))
            try:
                publication.commit()
            except CutOffError:
                cuts += 1
            else:
                break
        committed = bool(list((tmp_path / "out" / "_staging").glob("*/commit.json")))
        if steps == 0:
            assert not committed
            assert stored(spark, root) == old
            continue
        open_root(root, NOW + timedelta(minutes=1))
        assert stored(spark, root) == expected, steps
        assert root.names("") == ["_gristmill.json", "stock"], steps
    # The commit, three moves in, two deletes, the stage and the empty staging folder.
    assert cuts == 8
    assert stored(spark, root) == expected


def test_a_stage_without_a_commit_is_dropped_once_it_is_old(
    spark: SparkSession, root: Storage, prepare: Publish
) -> None:
    prepare("1", [("a", "x")]).commit()
    prepare("2", [("b", "x")])
    open_root(root, NOW + timedelta(hours=23))
    assert root.names("_staging") == [run_id(NOW, "2")]
    open_root(root, NOW + timedelta(hours=25))
    assert root.names("_staging") == []
    assert stored(spark, root) == [("a", "x")]


def test_a_place_that_is_not_ours_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("x")
    (tmp_path / "new").mkdir()
    with pytest.raises(OutputError, match="is a file"):
        open_root(Storage(spark, str(tmp_path / "file")), NOW)
    with pytest.raises(OutputError, match=r"did not write \(cat.jpg"):
        open_root(Storage(spark, str(tmp_path / "photos")), NOW)
    open_root(Storage(spark, str(tmp_path / "new")), NOW)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_published_carries_its_run_and_lies_beside_no_other_file(
    root: Storage, prepare: Publish, tmp_path: Path
) -> None:
    prepare("1", [("a", "x")]).commit()
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in files) == [
        "_gristmill.json",
        f"stock/shop=x/{run_id(NOW, '1')}-00000.parquet",
    ]
    assert json.loads((tmp_path / "out" / publish.MARKER).read_text()) == {"layout": 1}
