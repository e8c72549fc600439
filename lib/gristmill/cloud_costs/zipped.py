"""Lines of zip archives, as AWS's legacy reports may be delivered.

Neither Hadoop nor Spark reads zip, so Python does: a way for small exports, not the main road.
"""

import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pyspark import RDD
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.readers.text.delimited import header_record
from gristmill.readers.text.lines import (
    BLOCK_START,
    LINE_NUMBER,
    RAW,
    SOURCE_FILE,
    literal,
    source_file,
)

_SCHEMA = f"{RAW} string, {SOURCE_FILE} string, {BLOCK_START} bigint, {LINE_NUMBER} bigint"

Members = Mapping[str, Sequence[str]]
"""Files inside archives, by the URI of the archive."""


def members_by_header(spark: SparkSession, files: Sequence[str]) -> Mapping[str, Members]:
    """The .csv members of zip archives, by their header line; those that are empty are left out.

    Raises `InputError` for what is no zip archive, or holds no .csv.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for uri, member, header in sorted(_archives(spark, files).flatMap(_headers).collect()):
        if not member:
            raise InputError(f"{uri} {header}")
        if header:
            found[header][uri].append(member)
    return found


def zipped_lines(spark: SparkSession, members: Members) -> DataFrame:
    """The lines of members of zip archives, with the columns of `text.lines.ORIGIN`.

    The lines of an archive are numbered through all its members.
    """

    def lines(archive: Row) -> Iterator[tuple[str, str, int, int]]:
        uri, data = archive
        number = 0
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            for member in _members(opened):
                for line in _text(opened, member):
                    number += 1
                    if member in members[uri]:
                        yield line.rstrip("\r\n"), uri, 0, number

    return spark.createDataFrame(_archives(spark, list(members)).flatMap(lines), _SCHEMA)


def _archives(spark: SparkSession, files: Sequence[str]) -> RDD[Row]:
    read = spark.read.format("binaryFile").load([literal(file) for file in files])
    return read.select(source_file(), F.col("content")).rdd


def _headers(archive: Row) -> Iterator[tuple[str, str, str]]:
    """(URI, member, its header line) of each; what is wrong in place of a line without a member."""
    uri, data = archive
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            members = _members(opened)
            packed = next(filter(_is_packed, opened.namelist()), None)
            if packed:
                yield (
                    uri,
                    "",
                    f"holds {packed}, which is packed once more: unpack it first",
                )
            elif not members:
                yield uri, "", "holds no .csv"
            for member in members:
                yield uri, member, header_record(_text(opened, member))
    except (zipfile.BadZipFile, zlib.error, EOFError):
        yield uri, "", "is not a zip archive, or is damaged"
    except (RuntimeError, NotImplementedError) as error:
        yield uri, "", f"cannot be unpacked: {error}"


def _members(archive: zipfile.ZipFile) -> list[str]:
    # What macOS adds is named like the files that it describes.
    return [
        name
        for name in archive.namelist()
        if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
    ]


def _is_packed(member: str) -> bool:
    return member.lower().endswith((".csv.gz", ".zip", ".parquet"))


def _text(archive: zipfile.ZipFile, member: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(archive.open(member), "utf-8-sig", errors="replace", newline="\n")
