"""A look at the files that a run reads, so that each is known again under another name."""

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

from gristmill.publish.contents import Content, Found
from gristmill.readers.text.lines import GZIP, unpacked
from gristmill.storage.hadoop import OBJECT_STORES, head, stats

_HEAD, _UNPACKED, _AT_ONCE = 4096, 1024, 16


def contents(spark: SparkSession, files: Sequence[str]) -> Mapping[str, Found]:
    """What each file holds, in short, by its URI.

    An object in a store is never appended to, and a look into each would cost a request: there
    size and time tell contents apart.
    """
    known = stats(spark, files)
    lying = [file for file in known if file.partition("://")[0] not in OBJECT_STORES]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        heads = dict(
            zip(lying, pool.map(lambda file: head(spark, file, _HEAD), lying), strict=True)
        )
    found = {}
    for file, (size, modified) in known.items():
        data = heads.get(file, b"")
        start = _start(data)
        found[file] = Found(Content.of(size, modified, start), start, data.startswith(GZIP))
    return found


def _start(data: bytes) -> bytes:
    if not data.startswith(GZIP):
        return data[:_UNPACKED]
    try:
        return unpacked(data, _UNPACKED)
    except zlib.error:
        return data[:_UNPACKED]
