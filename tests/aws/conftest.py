"""An S3 server on loopback, and a Spark that reaches it as it would reach AWS."""

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from gristmill.spark.session import session, settings_for, use_java
from simulator.s3 import S3Server, s3_server
from tests.aws.proxy import Proxy


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    """A server, named by the environment of this process and of those that it starts."""
    with s3_server() as running, pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in running.environ.items():
            patched.setenv(name, value)
        yield running


@pytest.fixture(scope="session")
def spark(server: S3Server) -> Iterator[SparkSession]:
    use_java()
    settings = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:-DontCompileHugeMethods",
    }
    reach = settings_for(["s3://bucket"], lambda text: print(text, file=sys.stderr))
    running = session("gristmill tests", settings | reach)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def proxy(server: S3Server) -> Iterator[Proxy]:
    with Proxy(server.endpoint) as running:
        yield running


@pytest.fixture
def place(server: S3Server, request: pytest.FixtureRequest) -> str:
    """A folder of the bucket for a test, as a URI without a scheme."""
    name = "".join(char if char.isalnum() else "-" for char in request.node.name)
    return f"{server.bucket}/{name}"
