"""Lines of zip archives, as AWS's legacy reports may be delivered.

Neither Hadoop nor Spark reads zip, so Python does: a way for small exports, not the main road.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence

from pyspark.sql import DataFrame, SparkSession

from gristmill.errors import InputError
from gristmill.text.lines import BLOCK_START, LINE_NUMBER, RAW, SOURCE_FILE

_SCHEMA = f"{RAW} string, {SOURCE_FILE} string, {BLOCK_START} bigint, {LINE_NUMBER} bigint"


def zipped_lines(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """The lines of the .csv members of zip archives, with the columns of `text.lines.ORIGIN`.

    The lines of an archive are numbered through all its members.
    """
    archives = spark.sparkContext.binaryFiles(",".join(files), len(files))
    return spark.createDataFrame(archives.flatMap(_lines), _SCHEMA)


def _lines(archive: tuple[str, bytes]) -> Iterator[tuple[str, str, int, int]]:
    uri, data = archive
    number = 0
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        members = [name for name in opened.namelist() if name.lower().endswith(".csv")]
        if not members:
            raise InputError(f"{uri} holds no .csv")
        for member in members:
            text = io.TextIOWrapper(
                opened.open(member), "utf-8-sig", errors="replace", newline="\n"
            )
            for line in text:
                number += 1
                yield line.rstrip("\r\n"), uri, 0, number
