"""Reading logs: the format recognised, every line parsed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from gristmill.model.checks import REASON, SKIPPED
from gristmill.model.job import Kernel, Reader, Reading
from gristmill.readers.logs import envelopes, formats, parquet
from gristmill.readers.logs.format import REASONS, Header, HeaderKernel, LogFormat
from gristmill.readers.logs.json_lines import json_format
from gristmill.readers.logs.json_loggers import PLAIN, mapped
from gristmill.readers.logs.layout.checking import check_zone
from gristmill.readers.logs.layout.compiled import compiled
from gristmill.readers.logs.layout.parse import layout_format
from gristmill.readers.logs.recognise import recognise
from gristmill.readers.text import damage
from gristmill.readers.text.lines import (
    BLOCK_START,
    LINE_NUMBER,
    SOURCE_FILE,
    TextFiles,
    find_files,
    heads,
    text_files,
)

AUTO, OWN = "auto", "layout"
_LOOKED_AT = 1000
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
_DIGEST = "_CloudTrail-Digest_"


class LogOptions(Protocol):
    """The options of a job that reads logs."""

    @property
    def format(self) -> str:
        """The name of a format, or `AUTO`."""

    @property
    def layout(self) -> str:
        """A layout of nginx or Apache, or its name; empty where the format says it."""

    @property
    def zone(self) -> str:
        """The zone of times that do not say theirs; empty where all do."""

    @property
    def map(self) -> tuple[str, ...]:
        """Keys of JSON for columns, as FIELD=KEY."""

    @property
    def strict(self) -> bool:
        """Whether a file that is cut off or damaged fails the run, and is not a reject."""


class LogReader(Reader[LogOptions]):
    """A reader that gives a row of its format's dataset for each line that is one."""

    help = "logs of web servers and of AWS, plain or .gz"

    @property
    def rejects(self) -> Mapping[str, str]:
        """The reasons of all formats, in the order in which they are looked for."""
        own = {code: text for found in formats().values() for code, text in found.rejects.items()}
        order = {code: place for place, code in enumerate(REASONS)}
        named = {
            code: REASONS.get(code, own[code])
            for code in sorted(own, key=lambda code: order.get(code, len(order)))
        }
        return {**named, **damage.REJECTS}

    def resolve(
        self, spark: SparkSession, inputs: Sequence[str], options: LogOptions
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The format that was recognised. Raises `InputError`; `UsageError` where its times do not
        say their zone, and the options do not either."""
        if options.map:
            return {"format": PLAIN.name}, ()
        if options.layout:
            named = options.layout in formats()
            return ({"format": options.layout, "layout": ""} if named else {"format": OWN}), ()
        if options.format != AUTO:
            return {}, ()
        files = find_files(spark, inputs)
        if parquet.are_parquet(files):
            chosen: str | None = parquet.recognised(spark, files)
        else:
            chosen = recognise(heads(spark, files, _LOOKED_AT))
        if chosen is None:
            return {"format": "combined"}, ()
        check_zone(formats()[chosen], options.zone)
        return {"format": chosen}, (f"format: {chosen} (recognised)",)

    def read(self, spark: SparkSession, inputs: Sequence[str], options: LogOptions) -> Reading:
        """Parse the lines of `inputs`."""
        chosen = formats()[options.format]
        if options.map:
            chosen = json_format(mapped(options.map))
        if options.layout:
            own = compiled(options.layout)
            chosen = layout_format(chosen.name, chosen.help, own)
        if chosen.in_zone:
            chosen = chosen.in_zone(options.zone)
        if chosen.cells and parquet.are_parquet(files := find_files(spark, inputs)):
            return Reading(partial(parquet.rows, spark, files, chosen), files=files)
        found, parts = _parts(spark, inputs, chosen, strict=options.strict)
        opened = _opened_by(chosen, found.heads)
        if opened:
            parts = [_Part(opened(found.lines), None, ())]
        is_whole = not (found.damage or options.strict)
        alike = [_kernel(chosen, part.files, part.header) for part in parts]
        kernels = tuple(kernel for kernel in alike if kernel and is_whole and not opened)
        digests = sum(_DIGEST in file for file in found.files)
        told = f"{digests:,} of {len(found.files):,} files are digests, not logs: skipped"
        notes = (told,) if digests else ()
        frame = partial(_rows, chosen, found, parts)
        return Reading(frame, notes, found.files, kernels=kernels)


@dataclass(frozen=True)
class _Part:
    """The lines of files that have the same header, or none."""

    lines: DataFrame
    header: Header | None
    files: Sequence[str]


def _parts(
    spark: SparkSession, inputs: Sequence[str], chosen: LogFormat, *, strict: bool
) -> tuple[TextFiles, list[_Part]]:
    if chosen.header is None or (
        chosen.header_is_rare
        and not _some_has(chosen.header, heads(spark, find_files(spark, inputs), _LOOKED_AT))
    ):
        found = text_files(spark, inputs, strict=strict)
        return found, [_Part(found.lines, None, found.files)]
    found = text_files(spark, inputs, look_at=None, strict=strict)
    by_header = found.alike(partial(_header, chosen.header))
    return found, [_Part(lines, header, files) for header, lines, files in by_header]


def _opened_by(
    chosen: LogFormat, found: Mapping[str, str]
) -> Callable[[DataFrame], DataFrame] | None:
    """What takes lines out of the envelopes that files have them in; None where they have none."""
    first = [envelopes.first_line(text) for text in found.values()]
    if any(map(envelopes.is_wrapped, first)):
        return envelopes.unwrapped
    exported = [line for line in first if envelopes.is_exported(line) and not chosen.matches(line)]
    if any(chosen.matches(envelopes.bare(line)) for line in exported):
        return envelopes.without_times
    return None


def _rows(chosen: LogFormat, found: TextFiles, parts: Sequence[_Part]) -> DataFrame:
    """The rows of files by the headers of these."""
    # There is no part where all files are damaged.
    parsed = [
        chosen.parse(one.lines, one.header) for one in parts or [_Part(found.lines, None, ())]
    ]
    rows = reduce(DataFrame.unionByName, parsed)
    return found.with_rejects(_first_of_each(rows, chosen.unique) if chosen.unique else rows)


def _some_has(header_of: Callable[[str], Header | None], found: Mapping[str, str]) -> bool:
    return any(_header(header_of, text) for text in found.values())


def _first_of_each(rows: DataFrame, column: str) -> DataFrame:
    """Rows that were delivered twice are skipped, but for the first, wherever they stand."""
    place = (SOURCE_FILE, BLOCK_START, LINE_NUMBER)
    # Rows without one would else all be one task's.
    each = F.coalesce(F.col(column), F.concat_ws(" ", *place))
    order = Window.partitionBy(each).orderBy(F.col(REASON).isNotNull(), *place)
    again = F.col(REASON).isNull() & F.col(column).isNotNull() & (F.row_number().over(order) > 1)
    return rows.withColumn(REASON, F.when(again, F.lit(SKIPPED)).otherwise(F.col(REASON)))


def _header(header_of: Callable[[str], Header | None], text: str) -> Header | None:
    for line in text.split("\n"):
        plain = line.strip("\ufeff\r")
        # One that stands behind other lines says nothing of them.
        if (names := header_of(plain)) or (plain.strip() and not plain.startswith("#")):
            return names
    return None


def _kernel(found: LogFormat, files: Sequence[str], header: Header | None) -> Kernel | None:
    if found.kernel is None:
        return None
    columns = {field.name: field.type for field in found.dataset.fields}
    parse = partial(_parsed, found.kernel, header)
    skips = partial(_skips, found.header, header, found.comment)
    return Kernel(tuple(files), columns, parse, lambda lines: found.parse(lines, header), skips)


def _skips(
    header_of: Callable[[str], Header | None] | None,
    header: Header | None,
    comment: str,
    line: bytes,
) -> bool:
    """Whether a line is the header by which its file is read, or a comment."""
    if header_of is None or b"\0" in line:
        return False
    try:
        text = line.decode().removesuffix("\r")
    except UnicodeDecodeError:
        return False
    names = header_of(text)
    if names is None:
        return bool(comment) and text.startswith(comment)
    return names == header


def _parsed(kernel: HeaderKernel, header: Header | None, lines: Sequence[bytes]) -> Any:
    return kernel(lines, header)
