"""A dataset: its name, columns, partitions, key, checks, and what a run replaces of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import SchemaError
from gristmill.model.checks import Check
from gristmill.model.schema import DatasetSchema


@dataclass(frozen=True)
class Field:
    """A column: its name, its Spark type as `simpleString` gives it, and what it holds."""

    name: str
    type: str
    help: str


@dataclass(frozen=True)
class Extent:
    """How much a partition holds, by which it is seen that a run does not replace it by less.

    Of the values of `sets` none may go, and no sum of `sums` may fall: columns, by what they are
    called in messages. All is looked at for each value of `by`, a column.
    """

    sets: Mapping[str, Callable[[], Column]]
    sums: Mapping[str, Callable[[], Column]]
    by: str


@dataclass(frozen=True)
class Dataset:
    """Partitioned Parquet under `<output>/<name>/`.

    `write_mode` says what a run takes the place of: `partition`, every partition that it writes;
    `batch`, what an earlier run wrote from the same files or under the same name. `key` are the
    columns that tell the rows of a run apart (empty where rows may repeat): a run that makes two
    with one key publishes nothing. `sorted_by` orders the rows inside a file, a name with a `-`
    before it downwards. A run that is not forced to replaces no partition that `is_final` (an
    aggregate) by one that is not, nor one by another of less `extent`.
    """

    name: str
    help: str
    fields: tuple[Field, ...]
    partitioned_by: tuple[str, ...]
    write_mode: Literal["partition", "batch"]
    key: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    is_final: Callable[[], Column] | None = None
    extent: Extent | None = None

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        for wanted in (*self.partitioned_by, *self.key):
            if wanted not in names:
                raise ValueError(f"{self.name}: no field {wanted!r}")
        if not self.partitioned_by:
            raise ValueError(f"{self.name}: a dataset needs a partition column")
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a field is declared twice")

    @property
    def ddl(self) -> str:
        """The schema as Spark's DDL."""
        return ", ".join(f"`{field.name}` {field.type}" for field in self.fields)

    @property
    def comments(self) -> dict[str, str]:
        """What is said of each column, by its name."""
        return {field.name: field.help for field in self.fields}

    @property
    def schema(self) -> DatasetSchema:
        """What it promises to its readers, to be remembered by the output root."""
        fields = tuple((field.name, field.type) for field in self.fields)
        return DatasetSchema(self.name, fields, self.partitioned_by, self.write_mode)

    def conform(self, frame: DataFrame) -> DataFrame:
        """`frame` with exactly this dataset's columns, in order.

        Columns that the dataset does not name are dropped. Raises `SchemaError`, naming every
        column that is missing or of another type.
        """
        found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
        wrong = [
            f"{field.name} is missing"
            if field.name not in found
            else f"{field.name} is {found[field.name]}, not {field.type}"
            for field in self.fields
            if found.get(field.name) != field.type
        ]
        if wrong:
            raise SchemaError(f"dataset {self.name}: {'; '.join(wrong)}")
        return frame.select([F.col(f"`{field.name}`") for field in self.fields])


REJECTS = Dataset(
    name="rejects",
    help="Every line of input that did not become a row, and why.",
    fields=(
        Field("job", "string", "the job that rejected it"),
        Field("reason", "string", "a stable code; `gristmill jobs show JOB` lists them"),
        Field("source_file", "string", "the file, as a URI"),
        Field("block_start", "bigint", "the byte at which the block that held it starts"),
        Field("line_number", "bigint", "its number in that block, from 1"),
        Field("raw", "string", "the line as it stood"),
    ),
    partitioned_by=("job",),
    # Without a key: a line that holds several records may have several rejects.
    write_mode="batch",
)
