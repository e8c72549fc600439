"""What would a publish of plain Parquet take if it completed uploads in place of moving files?

    python -m benchmarks.pending_uploads [FILES…]

A prototype of the least that it could be, without log, lease, audit or tests: each file is staged
as an upload that is left open (as Hadoop's magic committer leaves it), and a publish completes
them all, sixteen at a time, and deletes the files that they replace. Seconds and requests from the
commit on, on an S3 server on this machine, to be held beside `benchmarks.publish_on_s3`; and what a
reader sees meanwhile. Results: docs/iceberg.md.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.publish_on_s3 import file
from simulator.s3 import S3Server, s3_server
from tests.aws.proxy import Proxy

_AT_ONCE = 16
_DELETED_AT_ONCE = 1000
_PREFIX = "pending/"


def stage(client: Any, bucket: str, generation: int, files: int) -> list[dict[str, Any]]:
    """Begin so many uploads, and give what completes them."""
    data = file()

    def put(one: int) -> dict[str, Any]:
        key = f"{_PREFIX}shop={one % 10}/part-{generation}-{one:05d}.parquet"
        begun = client.create_multipart_upload(Bucket=bucket, Key=key)
        where = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
        part = client.upload_part(**where, PartNumber=1, Body=data)
        parts = [{"ETag": part["ETag"], "PartNumber": 1}]
        return {**where, "MultipartUpload": {"Parts": parts}}

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(put, range(files)))


def publish(client: Any, bucket: str, staged: list[dict[str, Any]], old: list[str]) -> float:
    """Complete what is staged, and delete what it replaces; gives the seconds that it took."""
    began = time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda one: client.complete_multipart_upload(**one), staged))
    for at in range(0, len(old), _DELETED_AT_ONCE):
        listed = [{"Key": key} for key in old[at : at + _DELETED_AT_ONCE]]
        client.delete_objects(Bucket=bucket, Delete={"Objects": listed, "Quiet": True})
    return time.perf_counter() - began


def mixed_reads(client: Any, bucket: str, until: threading.Event) -> tuple[int, int]:
    """List the files again and again; gives how often, and how often two publishes were seen."""
    reads = mixed = 0
    while not until.is_set():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_PREFIX)
        seen = generations(one["Key"] for page in pages for one in page.get("Contents", ()))
        reads, mixed = reads + 1, mixed + (len(seen) > 1)
    return reads, mixed


def generations(keys: Iterable[str]) -> set[str]:
    """The publishes that files are of."""
    return {key.rpartition("part-")[2].partition("-")[0] for key in keys}


def measure(server: S3Server, proxy: Proxy, files: int) -> None:
    """Print a line of a table."""
    client, counted = server.client(), replace(server, endpoint=proxy.endpoint).client()
    first = stage(client, server.bucket, 0, files)
    publish(client, server.bucket, first, [])
    second = stage(client, server.bucket, 1, files)
    seconds = publish(client, server.bucket, second, [one["Key"] for one in first])
    before = len(proxy.exchanges)
    third = stage(counted, server.bucket, 2, files)
    begun = len(proxy.exchanges)
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(mixed_reads, client, server.bucket, done)
        publish(counted, server.bucket, third, [one["Key"] for one in second])
        done.set()
        reads, mixed = seen.result()
    requests = Counter(one.request.method for one in proxy.exchanges[begun:])
    told = ", ".join(f"{count:,} {method}" for method, count in sorted(requests.items()))
    staged = f"{begun - before:,} to stage"
    print(f"| {files:,} | {seconds:.1f} s | {told}; {staged} | {mixed} of {reads} |", flush=True)
    publish(client, server.bucket, [], [one["Key"] for one in third])


def main() -> None:
    """Measure as the command line says."""
    sizes = [int(one) for one in sys.argv[1:]] or [10, 1000]
    with s3_server() as server, Proxy(server.endpoint) as proxy:
        print("| files | seconds | requests | listings that saw two publishes |\n|---|---|---|---|")
        for files in sizes:
            measure(server, proxy, files)


if __name__ == "__main__":
    main()
