"""Tables of an output in Glue's catalogue, as moto has it: they follow what is published."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from pyspark.sql import SparkSession

from gristmill.emr.aws import Aws
from gristmill.emr.glue import Registered
from gristmill.engine.run import Run, execute
from gristmill.errors import GristmillError
from gristmill.followers.catalog import registered
from gristmill.jobs import word_count
from gristmill.model.job import Request
from gristmill.storage.local import LocalStorage
from simulator import Simulator
from tests.aws.proxy import Fault, Proxy, on
from tests.support.process import BIN, Finished, finish
from tests.support.publishing import SALES, Work, publish

Catalog = Callable[..., Finished]
PLACE = "s3://lake/words"


@pytest.fixture
def count(spark: SparkSession, tmp_path: Path) -> Callable[[str, str], None]:
    def run(corpus: str, text: str) -> None:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "a.txt").write_text(text)
        request = Request(
            inputs=(str(tmp_path / "in"),),
            output=str(tmp_path / "out"),
            options=word_count.JOB.options.parse([f"--corpus={corpus}"]),
        )
        execute(spark, word_count.JOB, request, Run.new(), lambda _text: None)

    return run


@pytest.fixture
def catalog(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    for name, value in simulator.environ.items():
        monkeypatch.setenv(name, value)
    database = f"d_{tmp_path.name}"

    def run(verb: str, *more: str) -> Finished:
        words = (verb, str(tmp_path / "out"), "--database", database, "--location", PLACE)
        return finish([BIN / "gristmill", "catalog", *words, *more])

    return run


def tables(done: Finished) -> dict[str, tuple[str, int, int]]:
    assert done.code == 0, done.err
    return {
        one["table"]: (one["state"], one["partitions_added"], one["partitions_removed"])
        for one in json.loads(done.out)["tables"]
    }


def table(simulator: Simulator, tmp_path: Path) -> dict[str, Any]:
    glue = simulator.client("glue")
    found: dict[str, Any] = glue.get_table(DatabaseName=f"d_{tmp_path.name}", Name="word_counts")
    return found["Table"]  # type: ignore[no-any-return]


def test_tables_follow_what_is_published(
    count: Callable[[str, str], None], catalog: Catalog, simulator: Simulator, tmp_path: Path
) -> None:
    count("greek", "one two two")
    assert tables(catalog("register", "--json"))["word_counts"] == ("made", 0, 0)
    found = table(simulator, tmp_path)
    assert found["StorageDescriptor"]["Location"] == f"{PLACE}/word_counts/"
    assert found["PartitionKeys"][0]["Name"] == "corpus"
    assert all(one["Comment"] for one in found["StorageDescriptor"]["Columns"])
    assert found["Parameters"]["projection.corpus.values"] == "greek"
    assert found["Parameters"]["recordCount"] == "2"
    assert tables(catalog("register", "--json"))["word_counts"] == ("the same", 0, 0)
    assert catalog("verify").code == 0
    # A new corpus that no projection can say: from now on they are registered.
    count("it's latin", "three")
    behind = catalog("verify")
    assert behind.code == 1
    assert "of the log" in behind.out
    assert tables(catalog("register", "--json"))["word_counts"] == ("changed", 2, 0)
    assert "projection.enabled" not in table(simulator, tmp_path)["Parameters"]
    glue = simulator.client("glue")
    parts = glue.get_partitions(DatabaseName=f"d_{tmp_path.name}", TableName="word_counts")
    assert {
        one["Values"][0]: one["StorageDescriptor"]["Location"] for one in parts["Partitions"]
    } == {
        "greek": f"{PLACE}/word_counts/corpus=greek/",
        "it's latin": f"{PLACE}/word_counts/corpus=it%27s latin/",
    }
    assert catalog("verify").code == 0
    # A partition that nobody published goes.
    glue.create_partition(
        DatabaseName=f"d_{tmp_path.name}",
        TableName="word_counts",
        PartitionInput={"Values": ["old"], "StorageDescriptor": {"Location": "s3://lake/old/"}},
    )
    assert catalog("verify").code == 1
    assert tables(catalog("register", "--json"))["word_counts"] == ("the same", 0, 1)


def test_what_is_of_somebody_else_is_left_alone(
    count: Callable[[str, str], None], catalog: Catalog, simulator: Simulator, tmp_path: Path
) -> None:
    count("greek", "one")
    glue, database = simulator.client("glue"), f"d_{tmp_path.name}"
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "word_counts"})
    for verb in ("register", "drop"):
        done = catalog(verb)
        assert done.code == 2
        assert "is of somebody else" in done.err
    assert "it is of somebody else" in catalog("verify").out
    assert [one["Name"] for one in glue.get_tables(DatabaseName=database)["TableList"]] == [
        "word_counts"
    ]
    glue.delete_table(DatabaseName=database, Name="word_counts")
    assert tables(catalog("register", "--json"))["word_counts"][0] == "made"
    assert set(tables(catalog("drop", "--json"))) == {"word_counts", "rejects"}
    assert glue.get_tables(DatabaseName=database)["TableList"] == []
    assert "it is not there" in catalog("verify").out


@pytest.fixture
def registers(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Proxy, Callable[[], list[Registered]]]]:
    """Registers through a proxy; an output with partitions that no projection can say."""
    root = LocalStorage(str(tmp_path / "out"))
    publish(root, "1", Work({SALES: [("a", "x's"), ("b", "y")]}))
    for name, value in simulator.environ.items():
        monkeypatch.setenv(name, value)
    with Proxy(simulator.environ["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        # What is asked again by itself hides what the next registration mends.
        once = Config(retries={"mode": "standard", "total_max_attempts": 1})
        monkeypatch.setattr(Aws.client, "__defaults__", (once,))
        where = f"d_{tmp_path.name}"
        yield proxy, lambda: registered(str(tmp_path / "out"), where, None, location=PLACE)


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.LOSE_REPLY])
def test_a_registration_that_is_cut_off_anywhere_is_brought_up_by_the_next(
    registers: tuple[Proxy, Callable[[], list[Registered]]],
    simulator: Simulator,
    tmp_path: Path,
    fault: Fault,
) -> None:
    proxy, register = registers
    glue, where = simulator.client("glue"), f"d_{tmp_path.name}"
    nth = 0
    for nth in range(1, 30):
        rule = on(fault, nth=[nth])
        proxy.rule = rule
        failed = False
        try:
            register()
        except GristmillError:
            failed = True
        proxy.rule = lambda _request: None
        assert {one.state for one in register()} <= {"made", "changed", "the same"}
        parts = glue.get_partitions(DatabaseName=where, TableName="sales")["Partitions"]
        assert sorted(one["Values"][0] for one in parts) == ["x's", "y"]
        assert [one.state for one in register()] == ["the same"]
        glue.delete_table(DatabaseName=where, Name="sales")
        if not failed:
            break
    assert nth > 3
    assert not failed
