"""Jars that Spark takes for S3 and databases: fetched once, and what a session is told of them."""

import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from gristmill.errors import GristmillError
from gristmill.spark import jars
from gristmill.spark.jars import Jars
from gristmill.spark.jdbc import DRIVERS, database_kind
from gristmill.spark.s3a import JARS, settings
from gristmill.spark.session import settings_for


def refused(texts: Iterable[str]) -> None:
    raise AssertionError(list(texts))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python environment in which nothing has been fetched; gives where that would go."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "share" / "gristmill"


def test_what_is_there_is_not_fetched_again(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "_fetch", lambda _jars, scratch, home: made(scratch / "jars"))
    told: list[str] = []
    home = JARS.folder(told.append)
    assert told == ["fetching what Spark needs for S3 (11 MB, once)"]
    assert list(environment.iterdir()) == [home]
    assert [jar.name for jar in home.iterdir()] == ["some.jar"]
    monkeypatch.setattr(jars, "_fetch", refused)
    assert JARS.folder(refused) == home


def made(folder: Path) -> Path:
    folder.mkdir()
    (folder / "some.jar").touch()
    return folder


def test_of_two_that_fetch_at_once_the_second_takes_what_the_first_has(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_jars: Jars, scratch: Path, home: Path) -> Path:
        made(home)
        return made(scratch / "jars")

    monkeypatch.setattr(jars, "_fetch", fetch)
    home = JARS.folder()
    assert list(environment.iterdir()) == [home]


def test_a_repository_that_cannot_be_reached_is_named_with_what_to_do(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        repository = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", repository)
    # Or a proxy would be asked.
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(GristmillError) as caught:
        JARS.folder()
    said = str(caught.value)
    assert said.startswith(f"cannot fetch what Spark needs for S3 from {repository} (")
    assert "have DEFAULT_ARTIFACT_REPOSITORY name a mirror of Maven Central" in said
    assert str(environment) in said
    assert "\n" not in said
    assert list(environment.iterdir()) == []


def test_jars_that_are_not_the_right_ones_are_not_kept(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", "http://mirror/")
    monkeypatch.setattr(jars, "_download", lambda _url: b"something else")
    with pytest.raises(GristmillError, match="what http://mirror/ has is not what Spark needs"):
        JARS.folder()
    assert list(environment.iterdir()) == []


def test_an_environment_that_cannot_be_written_to_is_told(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.parent.write_text("in the way")
    with pytest.raises(GristmillError, match=f"cannot keep .* in {environment}: .*of your own"):
        JARS.folder()


# What a session gets


def test_a_session_that_reads_and_writes_no_s3_gets_nothing_and_fetches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(Jars, "folder", refused)
    local = ("data/in.gz", "/data", "file:///data", "hdfs://host/data", "s3/data", "s3n://b/x")
    assert settings_for(local, refused) == {}


@pytest.mark.parametrize("uri", ["s3://bucket/data", "s3a://bucket/data"])
def test_a_session_on_this_machine_gets_the_jars_and_the_settings(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(Jars, "folder", lambda _jars, _notice: tmp_path)
    expected = settings(os.environ) | {"spark.driver.extraClassPath": f"{tmp_path}/*"}
    assert settings_for(["/data", uri], refused) == expected


def test_under_spark_submit_the_cluster_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.setattr(Jars, "folder", refused)
    assert settings_for(["s3://bucket/data"], refused) == {}


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_session_that_reads_a_database_gets_its_driver_and_no_other(
    kind: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    asked: list[Jars] = []

    def folder(of: Jars, _notice: object) -> Path:
        asked.append(of)
        return environment / of.name

    monkeypatch.setattr(Jars, "folder", folder)
    found = settings_for([f"jdbc:{kind}://host/shop", "out", "jdbc:other:x"], refused)
    assert asked == [DRIVERS[kind]]
    assert found == {"spark.driver.extraClassPath": f"{environment / DRIVERS[kind].name}/*"}


def test_s3_and_a_database_are_reached_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(Jars, "folder", lambda of, _notice: Path("/jars") / of.name)
    found = settings_for(["jdbc:sqlite:/shop.db", "s3://bucket/out"], refused)
    paths = f"/jars/{DRIVERS['sqlite'].name}/*:/jars/{JARS.name}/*"
    assert found["spark.driver.extraClassPath"] == paths
    assert "spark.hadoop.fs.s3.impl" in found


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("jdbc:postgresql://host/shop", "postgresql"),
        ("jdbc:sqlite:/shop.db", "sqlite"),
        ("jdbc:", ""),
        ("s3://bucket/jdbc:sqlite:", None),
        ("data/in.csv", None),
    ],
)
def test_the_kind_of_a_database_stands_in_its_url(uri: str, kind: str | None) -> None:
    assert database_kind(uri) == kind
