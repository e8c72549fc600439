"""What does a publish on S3 take, of plain Parquet and of tables of Iceberg?

    python -m benchmarks.publish_on_s3 [FILES…]

Publishes so many small files of Parquet (default: 10, 1000) in the place of as many, on an S3
server on this machine: from the commit to the end of the run, in seconds, and in a second publish
the requests that it made, by a proxy that counts them. Results: docs/iceberg.md.
"""

import io
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[1]))

from gristmill.model.schema import DatasetSchema
from gristmill.publish.lease import utc_now
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.publish.run_ids import run_id
from gristmill.spark.session import session, settings_for, use_java
from gristmill.storage import Storage
from gristmill.storage.hadoop import open_storage
from simulator.s3 import S3Server, s3_server
from tests.aws.proxy import Proxy
from tests.aws.through import through

_SCHEMA = DatasetSchema(
    "stock", (("item", "string"), ("count", "bigint"), ("shop", "string")), ("shop",), "partition"
)
_SHOPS = 10


def file() -> bytes:
    """A small file of Parquet."""
    made = io.BytesIO()
    pq.write_table(pa.table({"item": ["a", "b"], "count": [1, 2]}), made, compression="zstd")
    return made.getvalue()


def publish(storage: Storage, server: S3Server, kind: str, number: int, files: int) -> float:
    """Publish in the place of what was there; gives the seconds from the commit on."""
    run = run_id(utc_now(), f"{number:04d}")
    origin = Origin(run, "benchmark", {}, (), "", "benchmark")
    publication = Publication(storage, origin, [_SCHEMA], table_format=kind)
    publication.begin(wait=utc_now() - utc_now(), tell=lambda _text: None)
    folder = f"{storage.root}/{publication.folder('stock')}".removeprefix(f"s3://{server.bucket}/")
    client, data = server.client(), file()

    def put(one: int) -> None:
        key = f"{folder}/shop={one % _SHOPS}/part-{one:05d}.parquet"
        client.put_object(Bucket=server.bucket, Key=key, Body=data)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(files)))
    publication.stage(_SCHEMA, [2] * files)
    began = time.perf_counter()
    publication.commit(2 * files, 0)
    return time.perf_counter() - began


def measure(spark: SparkSession, server: S3Server, proxy: Proxy, files: int) -> None:
    """Print a line of a table for each kind."""
    for kind in ("parquet", "iceberg"):
        root = f"s3://{server.bucket}/publish/{kind}-{files}"
        storage = open_storage(spark, root)
        publish(storage, server, kind, 0, files)
        seconds = publish(storage, server, kind, 1, files)
        with through(spark, proxy, lambda _request: None, root) as counted:
            before = len(proxy.exchanges)
            publish(counted, server, kind, 2, files)
            requests = Counter(one.request.method for one in proxy.exchanges[before:])
        told = ", ".join(f"{count:,} {method}" for method, count in sorted(requests.items()))
        print(f"| {kind} | {files:,} | {seconds:.1f} s | {told} |", flush=True)


def main() -> None:
    """Measure as the command line says."""
    use_java()
    sizes = [int(one) for one in sys.argv[1:]] or [10, 1000]
    with s3_server() as server:
        os.environ |= server.environ
        spark = session("publish on S3", settings_for(["s3://bucket"], print))
        with Proxy(server.endpoint) as proxy:
            for files in sizes:
                measure(spark, server, proxy, files)
        spark.stop()


if __name__ == "__main__":
    main()
