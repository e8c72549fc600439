"""S3 as a storage: through Spark's Hadoop and without Spark, and each sees what the other did."""

import errno
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gristmill.storage import Storage
from gristmill.storage.hadoop import HadoopStorage, open_storage
from gristmill.storage.remote import RemoteStorage
from simulator.s3 import S3Server
from tests.support.storage_conformance import *  # noqa: F403

# SeaweedFS, unlike S3, goes on to list a folder whose files have gone.
del test_deletion_takes_a_folder_with_all_in_it  # noqa: F821


@pytest.fixture(name="another", params=["s3", "s3a", "remote"])
def views(request: pytest.FixtureRequest, spark: SparkSession, place: str) -> Callable[[], Storage]:
    if request.param == "remote":
        return lambda: RemoteStorage(f"s3://{place}/root")
    conf = spark._jsc.hadoopConfiguration()
    return lambda: HadoopStorage(spark._jvm, conf, f"{request.param}://{place}/root")


@pytest.fixture
def storage(another: Callable[[], Storage]) -> Storage:
    return another()


def test_deletion_takes_all_files_of_a_folder(storage: Storage) -> None:
    for path in ("a/b/c", "a/b/_d/e", "a/f"):
        storage.write(path, b"x")
    storage.delete("a/b")
    assert not storage.is_file("a/b/c")
    assert not storage.is_file("a/b/_d/e")
    assert [file.path for file in storage.data_files("a")] == ["f"]


def test_what_one_writes_the_other_sees_at_once(spark: SparkSession, place: str) -> None:
    hadoop, remote = open_storage(spark, f"s3://{place}"), RemoteStorage(f"s3a://{place}")
    assert remote.names("") == []
    hadoop.write("data/x=1/a", b"one")
    assert remote.names("data") == ["x=1"]
    assert remote.read("data/x=1/a") == b"one"
    assert not remote.create("data/x=1/a", b"two")
    remote.write("data/x=1/b", b"three")
    assert [file.path for file in hadoop.data_files("data")] == ["x=1/a", "x=1/b"]
    hadoop.move("data/x=1/b", "data/x=2/b")
    assert [file.path for file in remote.data_files("data")] == ["x=1/a", "x=2/b"]
    assert not hadoop.create("data/x=2/b", b"two")


def test_a_bucket_may_be_the_root(spark: SparkSession, server: S3Server) -> None:
    name = "whole-bucket"
    server.client().create_bucket(Bucket=name)
    for storage in (open_storage(spark, f"s3://{name}"), RemoteStorage(f"s3://{name}/")):
        storage.write("a/b", b"x")
        assert storage.names("") == ["a"]
        assert [file.path for file in storage.data_files("")] == ["a/b"]
        assert storage.read("a/b") == b"x"


def test_an_object_that_cannot_be_written_whole_is_not_published(
    spark: SparkSession, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(spark, f"s3://{place}")
    assert isinstance(storage, HadoopStorage)
    filesystem = storage._fs

    class Torn:
        """A stream that takes half of what it is given, as one to a full disk."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

        def write(self, data: bytearray) -> None:
            self._stream.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    class TornFilesystem:
        """The same filesystem, with such streams."""

        def __getattr__(self, name: str) -> Any:
            return getattr(filesystem, name)

        def create(self, *arguments: Any) -> Torn:
            return Torn(filesystem.create(*arguments))

    monkeypatch.setattr(storage, "_fs", TornFilesystem())
    with pytest.raises(OSError, match="No space left"):
        storage.write("a/b", b"whole")
    monkeypatch.undo()
    assert storage.read("a/b") is None
