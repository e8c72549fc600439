"""A storage in S3 that is reached through a proxy."""

import contextlib
from collections.abc import Iterator

from pyspark.sql import SparkSession

from gristmill.storage.hadoop import HadoopStorage
from tests.aws.proxy import Proxy, Rule

CHANGES = {"PUT", "POST", "DELETE"}
"""The methods of requests that change anything."""


@contextlib.contextmanager
def through(
    spark: SparkSession, proxy: Proxy, rule: Rule, root: str, **settings: str
) -> Iterator[HadoopStorage]:
    """A storage that reaches S3 through a proxy, with settings of its own."""
    jvm = spark._jvm
    assert jvm is not None
    conf = jvm.org.apache.hadoop.conf.Configuration(spark._jsc.hadoopConfiguration())
    # Another filesystem than the cached one, which goes straight to the server.
    conf.set("fs.s3.impl.disable.cache", "true")
    conf.set("fs.s3a.endpoint", proxy.endpoint)
    for name, value in settings.items():
        conf.set(f"fs.s3a.{name.replace('_', '.')}", value)
    proxy.rule = rule
    storage = HadoopStorage(jvm, conf, root)
    try:
        yield storage
    finally:
        storage._fs.close()
