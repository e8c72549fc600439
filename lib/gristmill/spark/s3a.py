"""What a Spark of one's own needs for `s3://` and `s3a://`; a cluster on AWS brings its own.

pyspark comes without S3A, Hadoop's client for S3. `JARS` are that and the parts of the AWS
SDK that it loads: 11 MB, where the SDK's bundle that it asks for has 600.
"""

import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from gristmill.errors import GristmillError
from gristmill.spark.jars import Jars

SCHEMES = ("s3", "s3a")
"""The schemes of the URIs that the connector is for."""

_HADOOP = "3.4.2"
# The latest that S3A works with on stores other than AWS's own (HADOOP-19490).
_SDK = "2.29.52"
_SDK_MODULES = (
    "annotations apache-client arns auth aws-core aws-json-protocol aws-query-protocol "
    "aws-xml-protocol checksums checksums-spi crt-core endpoints-spi http-auth http-auth-aws "
    "http-auth-aws-eventstream http-auth-spi http-client-spi identity-spi json-utils metrics-spi "
    "netty-nio-client profiles protocol-core regions retries retries-spi s3 s3-transfer-manager "
    "sdk-core sso ssooidc sts third-party-jackson-core utils"
)

CONNECTOR = (
    f"org.apache.hadoop:hadoop-aws:{_HADOOP}",
    "org.apache.spark:spark-hadoop-cloud_2.13:4.1.1",
    "org.reactivestreams:reactive-streams:1.0.4",
    "software.amazon.eventstream:eventstream:1.0.1",
    *(f"software.amazon.awssdk:{module}:{_SDK}" for module in _SDK_MODULES.split()),
)
"""The Maven coordinates of the jars, all of them: what else they need is part of pyspark."""

JARS = Jars(
    f"s3-{_HADOOP}",
    "S3 (11 MB, once)",
    CONNECTOR,
    "071c453abbc3b615786ac4b2651b94a82e88dc595e8bf2f855a863dd7c75852a",
)
"""The connector's jars, for `spark.driver.extraClassPath`."""


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The Spark settings with which it reads and writes S3, as `environ` says.

    Credentials are found as the AWS tools find them. AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
    names another server than AWS, and AWS_REGION or AWS_DEFAULT_REGION a region. Parquet is
    written through the magic committer, which publishes a job's files as the job commits.
    """
    filesystem = {
        # As on EMR.
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
        "fs.s3a.aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        ),
        "fs.s3a.committer.name": "magic",
        **{
            f"mapreduce.outputcommitter.factory.scheme.{scheme}": (
                "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
            )
            for scheme in SCHEMES
        },
        **_PATIENCE,
        **_endpoint(environ),
    }
    cloud = "org.apache.spark.internal.io.cloud"
    return {
        "spark.sql.sources.commitProtocolClass": f"{cloud}.PathOutputCommitProtocol",
        "spark.sql.parquet.output.committer.class": f"{cloud}.BindingParquetOutputCommitter",
        **{f"spark.hadoop.{key}": value for key, value in filesystem.items()},
    }


# An operation fails where the server is silent for some two minutes, busy for one, or gone for 20
# seconds; as S3A comes, it would go on for four times as long, and at a busy server for hours.
_PATIENCE = {
    "fs.s3a.connection.establish.timeout": "15s",
    "fs.s3a.connection.timeout": "20s",
    "fs.s3a.connection.request.timeout": "60s",
    "fs.s3a.attempts.maximum": "1",
    "fs.s3a.retry.limit": "2",
    "fs.s3a.retry.interval": "2s",
    "fs.s3a.retry.throttle.limit": "6",
    "fs.s3a.retry.throttle.interval": "500ms",
}


def _endpoint(environ: Mapping[str, str]) -> dict[str, str]:
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    endpoint_settings = {}
    if endpoint:
        endpoint_settings["fs.s3a.endpoint"] = endpoint
        host = urlsplit(endpoint).hostname or ""
        if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            # Other servers seldom have a host name for every bucket.
            endpoint_settings["fs.s3a.path.style.access"] = "true"
        region = region or "us-east-1"
    if region:
        endpoint_settings["fs.s3a.endpoint.region"] = region
    return endpoint_settings


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{JARS.folder()}\n")
    except GristmillError as failure:
        sys.exit(f"gristmill: {failure}")
