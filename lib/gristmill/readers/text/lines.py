"""Lines of text files, each with where it stood."""

import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TypeVar
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON
from gristmill.model.job import Reader, Reading
from gristmill.model.options import Options, option
from gristmill.publish import layout
from gristmill.readers.text import damage
from gristmill.readers.text.damage import Damage, find_damage
from gristmill.storage.hadoop import escaped, head, is_literal

RAW, SOURCE_FILE, BLOCK_START, LINE_NUMBER = "_raw", "_source_file", "_block_start", "_line_number"
ORIGIN = (RAW, SOURCE_FILE, BLOCK_START, LINE_NUMBER)
"""Columns that every row of a text file carries until it is valid, or rejected with them."""

Kind = TypeVar("Kind", bound=Hashable)

_HEAD = 64 * 1024
_LOOKED_AT = 64
_AT_ONCE = 16
_COMPARED = 64  # inputs, each of which is listed for it
_ROW_IN_PARTITION = (1 << 33) - 1
GZIP = b"\x1f\x8b"
_OTHER = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"BZh": "compressed with bzip2: use gzip or plain text",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: use gzip or plain text",
    b"\xfd7zXZ": "compressed with xz: use gzip or plain text",
    b"PAR1": "a Parquet file, not text",
    b"\xff\xfe": "UTF-16: iconv -f utf-16 -t utf-8 makes UTF-8 of it",
    b"\xfe\xff": "UTF-16: iconv -f utf-16 -t utf-8 makes UTF-8 of it",
}
_NOISE, _NULS = 0.05, 0.3
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))


@dataclass(frozen=True)
class TextFiles:
    """Text files found for a run: their lines, and the heads of some for a look at what they are.

    `lines` has the columns of `ORIGIN`; `files` are URIs. Of files that have `damage`, `lines` has
    what is whole.
    """

    spark: SparkSession
    lines: DataFrame
    files: tuple[str, ...]
    heads: Mapping[str, str]
    damage: Damage = field(default_factory=Damage)

    def alike(
        self, by: Callable[[str], Kind], apart: Collection[str] = ()
    ) -> Iterator[tuple[Kind, DataFrame, Sequence[str]]]:
        """The files that are alike `by` their heads: that, their lines, and the files.

        Those in `apart` and all others are never together. Only for files all of whose heads were
        looked at.
        """
        kinds: dict[tuple[Kind, bool], list[str]] = defaultdict(list)
        for file, text in self.heads.items():
            kinds[by(text), file in apart].append(file)
        for (kind, _), files in kinds.items():
            # Each kind is a scan of its own, so that a plan does not grow with the files.
            yield kind, self.lines if len(kinds) == 1 else self._lines_of(files), files

    def with_rejects(self, rows: DataFrame) -> DataFrame:
        """Judged rows, made of `lines`, and a reject for each file that has damage."""
        if not self.damage:
            return rows
        return rows.unionByName(self.damage.rejects(self.spark, ORIGIN), allowMissingColumns=True)

    def _lines_of(self, files: Sequence[str]) -> DataFrame:
        return _lines_of(self.spark, files, self.damage)


def text_files(
    spark: SparkSession,
    inputs: Sequence[str],
    look_at: int | None = _LOOKED_AT,
    *,
    strict: bool = True,
) -> TextFiles:
    r"""The lines of files, folders (at any depth) and globs, plain or `.gz`.

    Lines end with \n or \r\n; a byte order mark is dropped, and bytes that are not UTF-8 become
    U+FFFD. Names that start with `_` or `.` are passed over inside folders. The heads are those of
    `look_at` files or somewhat more, evenly spread; None for all. Raises `InputError` where there
    is nothing to read, or a file is not text. Unless `strict`, files that are cut off or damaged
    are looked for; else they fail the run when they are read.
    """
    found, files = _found(spark, inputs)

    def read(some: Sequence[str]) -> DataFrame:
        return found if len(some) == len(files) else _text_of(spark, some)

    hurt = Damage() if strict else find_damage(files, read, partial(_whole_text_of, spark))
    some = [file for file in _some(files, look_at) if file not in hurt.broken]
    lines = _lines_of(spark, files, hurt) if hurt else _lines(found)
    return TextFiles(spark, lines, files, _heads(spark, some), hurt)


def heads(spark: SparkSession, files: Sequence[str], look_at: int) -> Mapping[str, str]:
    """The starts of files, as `find_files` gives them: of `look_at` or somewhat more, by URI.

    That of a compressed file which is damaged so early is empty.
    """
    return _heads(spark, _some(files, look_at), strict=False)


def _some(files: Sequence[str], look_at: int | None) -> Sequence[str]:
    return files[:: max(1, len(files) // look_at)] if look_at else files


def has_odd_quotes() -> Column:
    """Whether a line has a double quote without its partner."""
    return (F.length(RAW) - F.length(F.replace(RAW, F.lit('"'), F.lit("")))) % 2 == 1


def find_files(spark: SparkSession, inputs: Sequence[str]) -> tuple[str, ...]:
    """The URIs of all files, text or not, in files, folders and globs. Raises `InputError`."""
    return _found(spark, inputs)[1]


def literal(uri: str) -> str:
    """The path that Spark takes for the file of a URI, and for no other."""
    return escaped(unquote(uri))


def source_file() -> Column:
    """The URI of the file that a row was read from, as `find_files` gives it."""
    path = F.col("_metadata.file_path")
    # Three slashes, as every other tool wants them.
    local = F.concat(F.lit("file://"), F.substr(path, F.lit(6)))
    is_short = F.startswith(path, F.lit("file:/")) & ~F.startswith(path, F.lit("file://"))
    return F.when(is_short, local).otherwise(path)


def row_number() -> Column:
    """The number of a row in its partition, from 1."""
    return F.monotonically_increasing_id().bitwiseAND(F.lit(_ROW_IN_PARTITION)) + F.lit(1)


def _found(spark: SparkSession, inputs: Sequence[str]) -> tuple[DataFrame, tuple[str, ...]]:
    paths = [_as_glob(spark, path) for path in inputs]
    try:
        found = _reader(spark).text(paths)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        missing = (error.getMessageParameters() or {}).get("path", ", ".join(inputs))
        raise InputError(f"no such input: {missing}") from error
    files = tuple(sorted(found.inputFiles()))
    if not files:
        raise InputError(
            f"no files in {', '.join(inputs)} (names that start with '_' or '.' are passed over: "
            "rename a file that is meant)"
        )
    of_tables = f"/{layout.DATA}/{layout.WRITER}="
    if any(of_tables in file for file in files):
        raise InputError(
            f"{', '.join(inputs)}: a table of Iceberg, in whose folder replaced files lie, too; a "
            "job that reads its dataset finds what is published"
        )
    once = _each_once(files)
    if len(once) < len(files) or _overlap(spark, paths, len(files)):
        return _text_of(spark, once), once
    return found, files


def _each_once(files: Sequence[str]) -> tuple[str, ...]:
    """Files without those that are the same by a link on this disk: of each, the first."""
    named: dict[str, str] = {}
    for file in files:
        is_here = file.startswith("file:///")
        real = os.path.realpath(unquote(file.removeprefix("file://"))) if is_here else file
        named.setdefault(real, file)
    return tuple(named.values())


def _overlap(spark: SparkSession, paths: Sequence[str], count: int) -> bool:
    """Whether inputs name some of the `count` files more than once, which Spark would read so."""
    if len(set(paths)) < len(paths):
        return True
    if not 1 < len(paths) <= _COMPARED:
        return False
    return sum(len(_reader(spark).text([path]).inputFiles()) for path in paths) > count


def _reader(spark: SparkSession) -> DataFrameReader:
    return spark.read.option("recursiveFileLookup", value=True).option("lineSep", "\n")


@dataclass(frozen=True)
class TextOptions(Options):
    """What to do about text files that are not whole."""

    strict: bool = option(
        default=False, help="fail where a compressed file is cut off or damaged, read nothing of it"
    )


class Lines(Reader[object]):
    """A reader that gives each line as a row: `line string`. It rejects what is no line any more.

    With options that are not `TextOptions`, a file that is not whole fails the run.
    """

    help = "text files, folders and globs, plain or .gz"

    @property
    def rejects(self) -> Mapping[str, str]:
        """A file that is not whole."""
        return damage.REJECTS

    def read(self, spark: SparkSession, inputs: Sequence[str], options: object) -> Reading:
        """Rows of `line string`, with the columns of `ORIGIN`."""
        strict = not isinstance(options, TextOptions) or options.strict
        found = text_files(spark, inputs, strict=strict)
        reason = F.lit(None).cast("string").alias(REASON)
        rows = found.lines.select(*ORIGIN, F.col(RAW).alias("line"), reason)
        return Reading(found.with_rejects(rows), files=found.files)


def _as_glob(spark: SparkSession, path: str) -> str:
    # Spark takes every input for a glob; a file that is really named `a[1].log` is meant as such.
    return escaped(path) if is_literal(spark, path) else path


def _lines(found: DataFrame) -> DataFrame:
    # A block is one partition (see session.py), so a row's number in it is the line's number.
    number = row_number()
    return found.select(
        cleaned("value").alias(RAW),
        source_file().alias(SOURCE_FILE),
        F.col("_metadata.file_block_start").alias(BLOCK_START),
        number.alias(LINE_NUMBER),
    )


def cleaned(line: str) -> Column:
    """A column of lines as `text_files` gives them: valid, without marks at its start or end."""
    value = F.make_valid_utf8(line)
    value = F.when(F.endswith(value, F.lit("\r")), F.rtrim(value, F.lit("\r"))).otherwise(value)
    return F.when(F.startswith(value, F.lit("\ufeff")), F.ltrim(value, F.lit("\ufeff"))).otherwise(
        value
    )


def _text_of(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    return _reader(spark).text([literal(file) for file in files])


def _whole_text_of(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    # For files that are known to be cut off alone: it ends as quietly where a connection breaks.
    reader = _reader(spark).option("ignoreCorruptFiles", value=True)
    return reader.text([literal(file) for file in files])


def _lines_of(spark: SparkSession, files: Sequence[str], hurt: Damage) -> DataFrame:
    """The lines of files, and what is whole of those that are cut off."""
    whole = [file for file in files if file not in hurt]
    cut = [file for file in files if file in hurt.cut]
    parts = [_lines(_text_of(spark, whole))] if whole else []
    parts += [_lines(_whole_text_of(spark, cut))] if cut else []
    nothing = "select '' {}, '' {}, 0L {}, 0L {} where false".format(*ORIGIN)
    return reduce(DataFrame.unionAll, parts) if parts else spark.sql(nothing)


def _heads(spark: SparkSession, files: Sequence[str], *, strict: bool = True) -> dict[str, str]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda file: _text(file, head(spark, file, _HEAD), strict=strict), files)
        return dict(zip(files, found, strict=True))


def _text(file: str, data: bytes, *, strict: bool = True) -> str:
    named_gzip = file.endswith(".gz")
    if named_gzip and data:
        try:
            data = unpacked(data, _HEAD)
        except zlib.error as error:
            if data.startswith(GZIP) and not strict:
                return ""
            raise InputError(f"{file} is named .gz but is not gzip: rename or repair it") from error
    elif data.startswith(GZIP):
        raise InputError(f"{file} is compressed with gzip: give it a name that ends in .gz")
    for magic, what in _OTHER.items():
        if data.startswith(magic):
            raise InputError(f"{file} is {what}")
    # A log that was truncated while its writer held it open starts with a run of NULs.
    data = data.lstrip(b"\0")
    # Nor need a run of NULs in its midst make it binary: its line is rejected, not the file.
    said = data.translate(None, b"\0")
    noise = len(said) - len(said.translate(None, _CONTROL))
    if noise > _NOISE * len(said) or len(data) - len(said) > _NULS * len(data):
        raise InputError(f"{file} is binary, not text: leave it out")
    return data.decode("utf-8", errors="replace")


def unpacked(data: bytes, most: int) -> bytes:
    """The start, `most` bytes at the most, of what the members of a gzip file hold, of which the
    first may be empty. Raises `zlib.error`."""
    start = b""
    while data and len(start) < most:
        member = zlib.decompressobj(wbits=31)
        start += member.decompress(data, most - len(start))
        data = member.unused_data if member.unused_data.startswith(GZIP) else b""
    return start
