"""What Spark is told of S3, and the jars that it takes."""

import os
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import pyspark
import pytest

from gristmill.errors import GristmillError
from gristmill.spark import s3a as s3
from gristmill.spark.s3a import CONNECTOR, connector, settings
from gristmill.spark.session import s3_settings

_JARS = Path(pyspark.__file__).parent / "jars"


def hadoop(environ: dict[str, str]) -> dict[str, str]:
    """What Hadoop is told."""
    return {
        key.removeprefix("spark.hadoop."): value
        for key, value in settings(environ).items()
        if key.startswith("spark.hadoop.")
    }


def place(environ: dict[str, str]) -> dict[str, str]:
    """What Hadoop is told of where S3 is."""
    return {
        key.removeprefix("fs.s3a."): value
        for key, value in hadoop(environ).items()
        if re.match(r"fs\.s3a\.(endpoint|path\.style|connection\.ssl)", key)
    }


def refused(texts: Iterable[str]) -> None:
    raise AssertionError(list(texts))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python environment in which nothing has been fetched; gives where that would go."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "share" / "gristmill"


# Settings


def test_without_an_endpoint_it_is_aws_in_the_region_that_its_tools_find() -> None:
    assert place({}) == {}
    assert place({"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_REGION": ""}) == {}


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_the_region_is_that_of_the_environment(environ: dict[str, str], region: str) -> None:
    assert place(environ) == {"endpoint.region": region}


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ENDPOINT_URL": "http://store:9000"},
        {"AWS_ENDPOINT_URL_S3": "http://store:9000"},
        {"AWS_ENDPOINT_URL_S3": "http://store:9000", "AWS_ENDPOINT_URL": "http://other:1"},
        {"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": "http://store:9000"},
    ],
)
def test_another_server_is_named_by_the_variables_of_the_aws_tools(environ: dict[str, str]) -> None:
    assert place(environ) == {
        "endpoint": "http://store:9000",
        "path.style.access": "true",
        "endpoint.region": "us-east-1",
    }


def test_another_server_may_have_a_region_too() -> None:
    environ = {"AWS_ENDPOINT_URL": "https://store.example", "AWS_REGION": "north"}
    assert place(environ)["endpoint.region"] == "north"


@pytest.mark.parametrize(
    ("endpoint", "by_path"),
    [
        ("https://s3.eu-west-1.amazonaws.com", False),
        ("https://s3.eu-west-1.amazonaws.com:443/", False),
        ("https://s3.cn-north-1.amazonaws.com.cn", False),
        ("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", False),
        ("https://amazonaws.com.example", True),
        ("https://notamazonaws.com", True),
        ("http://[::1]:8333", True),
    ],
)
def test_buckets_are_part_of_the_path_on_all_servers_but_those_of_aws(
    endpoint: str, by_path: bool
) -> None:
    assert ("path.style.access" in place({"AWS_ENDPOINT_URL": endpoint})) == by_path


def test_both_schemes_write_through_the_magic_committer() -> None:
    told = hadoop({})
    factory = "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
    assert told["fs.s3a.committer.name"] == "magic"
    for scheme in ("s3", "s3a"):
        assert told[f"mapreduce.outputcommitter.factory.scheme.{scheme}"] == factory
    spark = settings({})
    assert spark["spark.sql.sources.commitProtocolClass"].endswith(".PathOutputCommitProtocol")
    committer = spark["spark.sql.parquet.output.committer.class"]
    assert committer.endswith(".BindingParquetOutputCommitter")


def test_s3_is_the_same_as_s3a() -> None:
    told = hadoop({})
    assert told["fs.s3.impl"] == "org.apache.hadoop.fs.s3a.S3AFileSystem"
    assert told["fs.AbstractFileSystem.s3.impl"] == "org.apache.hadoop.fs.s3a.S3A"


def test_no_secret_and_no_server_is_among_the_settings_of_its_own_accord() -> None:
    secrets = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_PROFILE": "me"}
    told = settings(secrets)
    assert told == settings({})
    assert not [key for key in told if re.search(r"endpoint|\.key$|secret|token|\.ssl\.", key)]
    assert not [value for value in told.values() if re.search(r"://|localhost|127\.0", value)]


# The jars


def test_the_versions_are_those_that_pyspark_comes_with() -> None:
    (api,) = _JARS.glob("hadoop-client-api-*.jar")
    version = api.stem.removeprefix("hadoop-client-api-")
    assert f"org.apache.hadoop:hadoop-aws:{version}" in CONNECTOR
    (scala,) = _JARS.glob("spark-core_*.jar")
    scala_version = scala.stem.removeprefix("spark-core_").partition("-")[0]
    cloud = f"org.apache.spark:spark-hadoop-cloud_{scala_version}:{pyspark.__version__}"
    assert cloud in CONNECTOR


def test_every_jar_is_named_once_and_none_is_part_of_pyspark() -> None:
    names = [coordinate.split(":")[1] for coordinate in CONNECTOR]
    assert len(set(names)) == len(names)
    there = {re.sub(r"-\d.*", "", jar.stem) for jar in _JARS.glob("*.jar")}
    assert not there & set(names)


def test_what_is_there_is_not_fetched_again(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_fetch", lambda scratch, home: made(scratch / "jars"))
    told: list[str] = []
    home = connector(told.append)
    assert told == ["fetching what Spark needs for S3 (11 MB, once)"]
    assert list(environment.iterdir()) == [home]
    assert [jar.name for jar in home.iterdir()] == ["some.jar"]
    monkeypatch.setattr(s3, "_fetch", refused)
    assert connector(refused) == home


def made(folder: Path) -> Path:
    folder.mkdir()
    (folder / "some.jar").touch()
    return folder


def test_of_two_that_fetch_at_once_the_second_takes_what_the_first_has(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(scratch: Path, home: Path) -> Path:
        made(home)
        return made(scratch / "jars")

    monkeypatch.setattr(s3, "_fetch", fetch)
    home = connector()
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
        connector()
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
    monkeypatch.setattr(s3, "_download", lambda _url: b"something else")
    with pytest.raises(GristmillError, match="what http://mirror/ has is not what Spark needs"):
        connector()
    assert list(environment.iterdir()) == []


def test_an_environment_that_cannot_be_written_to_is_told(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.parent.write_text("in the way")
    with pytest.raises(GristmillError, match=f"cannot keep .* in {environment}: .*of your own"):
        connector()


# What a session gets


def test_a_session_that_reads_and_writes_no_s3_gets_nothing_and_fetches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(s3, "connector", refused)
    local = ("data/in.gz", "/data", "file:///data", "hdfs://host/data", "s3/data", "s3n://b/x")
    assert s3_settings(local, refused) == {}


@pytest.mark.parametrize("uri", ["s3://bucket/data", "s3a://bucket/data"])
def test_a_session_on_this_machine_gets_the_jars_and_the_settings(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setattr(s3, "connector", lambda _notice: tmp_path)
    expected = settings(os.environ) | {"spark.driver.extraClassPath": f"{tmp_path}/*"}
    assert s3_settings(["/data", uri], refused) == expected


def test_under_spark_submit_the_cluster_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.setattr(s3, "connector", refused)
    assert s3_settings(["s3://bucket/data"], refused) == {}
