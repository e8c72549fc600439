"""Compressed files that are cut off or damaged, found before a run reads them.

Of one that is cut off, what stands before the cut is as it was written. Of one whose bytes are
others (a checksum that does not fit, a block that is none) nothing is sure, whatever unpacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.diagnosis.causes import causes, is_cut_off, is_damaged
from gristmill.model.checks import REASON

TRUNCATED = "truncated_file"
REJECTS = {
    TRUNCATED: "a compressed file that is cut off, of which the whole lines were read, or damaged, "
    "of which none were"
}
"""What a reader adds to its own reasons where it reads such files."""


@dataclass(frozen=True)
class Damage:
    """The URIs of files that are `cut` off, each with how many whole lines it has, and `broken`."""

    cut: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cut or self.broken)

    def __contains__(self, file: str) -> bool:
        return file in self.cut or file in self.broken

    def rejects(self, spark: SparkSession, origin: Sequence[str]) -> DataFrame:
        """One reject for each such file, with the columns of `text.lines.ORIGIN`, which it takes.

        It stands behind the lines that were read.
        """
        told = [
            *((f"cut off behind line {lines:,}", file, lines) for file, lines in self.cut.items()),
            *(("damaged: no line of it was read", file, 0) for file in self.broken),
        ]
        rows = [(text, file, 0, lines + 1, TRUNCATED) for text, file, lines in told]
        raw, source, start, number = origin
        schema = f"{raw} string, {source} string, {start} bigint, {number} bigint, {REASON} string"
        return spark.createDataFrame(rows, schema)


def find_damage(
    files: Sequence[str],
    read: Callable[[Sequence[str]], DataFrame],
    read_what_is_whole: Callable[[Sequence[str]], DataFrame],
) -> Damage:
    """Unpack all that is packed of `files`, which costs little beside parsing it.

    `read` gives the lines of files, and `read_what_is_whole` ends quietly where one breaks off.
    """
    packed = [file for file in files if file.endswith(".gz")]
    cut: dict[str, int] = {}
    broken: list[str] = []
    while packed and (failed := _failure(read(packed))):
        file = _named(failed, packed) or next(file for file in packed if _failure(read([file])))
        packed.remove(file)
        if is_cut_off(_failure(read([file])) or failed):
            cut[file] = _count(read_what_is_whole([file]))
        else:
            broken.append(file)
    return Damage(cut, tuple(broken))


def _failure(lines: DataFrame) -> list[str] | None:
    """What was said of a file among these that is damaged; None where there is none."""
    try:
        _count(lines)
    except Exception as error:
        said = causes(error)
        if not is_damaged(said):
            raise
        return said
    return None


def _count(lines: DataFrame) -> int:
    row = lines.agg(F.count(F.lit(1))).first()
    return row[0] if row else 0


def _named(said: Sequence[str], files: Sequence[str]) -> str | None:
    """The file that a failure names: Spark writes local ones with one slash, or unquoted."""
    text = "\n".join(said).replace("file:///", "file:/")
    short = {file: file.replace("file:///", "file:/") for file in files}
    found = [file for file, uri in short.items() if uri in text or unquote(uri) in text]
    return max(found, key=len, default=None)
