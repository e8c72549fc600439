"""Files as a task of Spark's reaches them without Java: on this disk, and in S3.

S3 is for pyarrow's own client, which knows the usual AWS environment and nothing of Hadoop's
settings. So it is taken only where those are the ones that `spark.s3a` makes of that environment:
not where Java would use other credentials, a key to encrypt with, or a proxy.
"""

import io
import os
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from pyspark.sql import SparkSession

from gristmill.jvm import java_class
from gristmill.readers import kernels
from gristmill.storage.hadoop import OBJECT_STORES

_CONFIGURATION = "org.apache.hadoop.conf.Configuration"
_S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"
_PREFIX = "fs.s3a."
# What makes no difference to what is read or written, by how it starts, and what is followed here.
_SAME = (
    *("attempts.", "block.size", "committer.", "connection.", "experimental.", "fast.upload"),
    *("multipart.", "path.style.access", "retry.", "socket.", "threads.", "vectored."),
)
_ENDPOINT, _REGION, _PROVIDER = "endpoint", "endpoint.region", "aws.credentials.provider"
_USUAL = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
_KEYS = {
    "access.key": "AWS_ACCESS_KEY_ID",
    "secret.key": "AWS_SECRET_ACCESS_KEY",
    "session.token": "AWS_SESSION_TOKEN",
}
_AT_ONCE = 8 * 1024 * 1024
_CONNECTED, _ANSWERED, _ATTEMPTS = 15, 20, 4  # seconds, as `spark.s3a` has them


@dataclass(frozen=True)
class S3:
    """A server, empty for AWS's own, and its region, empty for what the environment says."""

    endpoint: str
    region: str


@dataclass(frozen=True)
class Direct:
    """Files by their URIs, in which nothing is escaped. `s3` is None where all are on this disk."""

    s3: S3 | None = None

    def opened(self, uri: str) -> BinaryIO:
        """A file to read, which the caller closes. Raises `OSError`."""
        if uri.startswith("file:///"):
            return Path(uri.removeprefix("file://")).open("rb")
        stream = _filesystem(self.s3).open_input_file(_key(uri))
        return io.BufferedReader(stream, _AT_ONCE)

    def created(self, uri: str) -> AbstractContextManager[Any]:
        """A new file to write. In S3 it is there once it is closed. Raises `OSError`."""
        if uri.startswith("file:///"):
            path = Path(uri.removeprefix("file://"))
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb")
        stream: AbstractContextManager[Any] = _filesystem(self.s3).open_output_stream(_key(uri))
        return stream


def reached(spark: SparkSession, uris: Collection[str]) -> Direct | None:
    """What reaches files from all tasks as Spark does; None where that is not sure."""
    is_anywhere = all(uri.partition(":")[0] in OBJECT_STORES for uri in uris)
    return direct(spark, uris) if is_anywhere or kernels.are_here(spark) else None


def direct(spark: SparkSession, uris: Iterable[str]) -> Direct | None:
    """What reaches files as Spark does; None where that is not sure."""
    schemes = {uri.partition(":")[0] for uri in uris}
    if not schemes <= {"file", *OBJECT_STORES}:
        return None
    schemes.discard("file")
    if not schemes:
        return Direct()
    conf = spark._jsc.hadoopConfiguration()
    if any(conf.get(f"fs.{scheme}.impl", _S3A) != _S3A for scheme in schemes):
        return None
    own = conf.getPropsWithPrefix(_PREFIX)
    own.entrySet().removeAll(_defaults(spark).getPropsWithPrefix(_PREFIX).entrySet())
    found = dict(own)
    s3 = S3(found.pop(_ENDPOINT, ""), found.pop(_REGION, ""))
    provider = found.pop(_PROVIDER, None)
    keys = {key: found.pop(key, None) for key in _KEYS}
    # Spark sets keys by the environment. They are used where Hadoop's own providers are.
    as_usual = all(value == os.environ.get(_KEYS[key]) for key, value in keys.items())
    is_same = provider == _USUAL or (provider is None and as_usual)
    return Direct(s3) if is_same and all(key.startswith(_SAME) for key in found) else None


def _defaults(spark: SparkSession) -> Any:
    conf = java_class(spark._jvm, _CONFIGURATION)(False)
    conf.addResource("core-default.xml")
    return conf


@cache
def _filesystem(s3: S3 | None) -> Any:
    from pyarrow import fs  # noqa: PLC0415 - for whoever has it

    if s3 is None:
        raise ValueError("no S3")
    scheme, _, host = s3.endpoint.rpartition("://")
    return fs.S3FileSystem(
        endpoint_override=host or None,
        scheme=scheme or "https",
        region=s3.region or None,
        connect_timeout=_CONNECTED,
        request_timeout=_ANSWERED,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def _key(uri: str) -> str:
    return uri.partition("://")[2]
