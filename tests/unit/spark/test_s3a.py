"""What Spark is told of S3, and the jars that it takes."""

import re
from pathlib import Path

import pyspark
import pytest

from gristmill.spark.s3a import CONNECTOR, settings

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
