"""`gristmill ddl`: tables over an output, for other engines."""

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from gristmill.api.output import Output, Table
from gristmill.api.output import open as open_datasets
from gristmill.catalogue import known_datasets
from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.ddl.dialects import DIALECTS, Described
from gristmill.ddl.iceberg import TABLE_DIALECTS
from gristmill.errors import UsageError
from gristmill.nearest import nearest
from gristmill.publish.batch import one_spelling
from gristmill.publish.table_format import ICEBERG
from gristmill.storage.partitions import NOTHING


@dataclass(frozen=True)
class Statements:
    """The statements that make tables in an engine, in their order."""

    dialect: str
    statements: tuple[str, ...]


def show(arguments: argparse.Namespace) -> None:
    """Print the statements by which an engine has the datasets of an output as tables."""
    output = open_datasets(arguments.output)
    wanted = [arguments.dataset] if arguments.dataset else list(output)
    if unknown := [name for name in wanted if name not in output]:
        raise UsageError(f"no dataset {unknown[0]}; {nearest(unknown[0], list(output))}")
    place = (arguments.location or output.uri).rstrip("/")
    if arguments.dialect in {"athena", "trino"} and not place.startswith(("s3://", "s3a://")):
        raise UsageError(
            f"{arguments.dialect} reads what is in S3: --location s3://… says where it will be"
        )
    is_table = output.table_format == ICEBERG
    made = (TABLE_DIALECTS if is_table else DIALECTS)[arguments.dialect]
    database = arguments.database or ("main" if arguments.dialect == "duckdb" else "default")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database):
        raise UsageError(f"--database takes letters, digits and _, not {database!r}")
    found: list[str] = []
    for name in wanted:
        found += made(described(output, name, place), database)
    print_value(Statements(arguments.dialect, tuple(found)), as_json=arguments.json)


@blocks.register
def _(found: Statements) -> Iterable[Block]:
    return [f"{one};\n" for one in found.statements]


def described(output: Output, name: str, place: str) -> Described:
    """A dataset with all that is known of it; `place` is where its output is, or will be."""
    metadata = output.table_metadata(name)
    if metadata and one_spelling(f"{place}/{name}") != one_spelling(output[name].uri):
        raise UsageError(f"{name} is a table of Iceberg, which is of the place where it was made")
    table, known = output[name], known_datasets().get(name)
    said, comments = (known.help, known.comments) if known else ("", {})
    return Described(
        table.dataset_schema,
        f"{place}/{name}",
        _values(table),
        said,
        is_empty=not table.files,
        comments=comments,
        folders={_of(folder): folder for folder in table.partitions if folder},
        metadata=metadata,
    )


def _values(table: Table) -> dict[str, list[str | None]]:
    """The values of the columns by which a dataset is partitioned, as its folders have them."""
    found: dict[str, list[str | None]] = {}
    for folder in table.partitions:
        for part in folder.split("/"):
            name, _, value = part.partition("=")
            known = found.setdefault(unquote(name), [])
            text = None if value == NOTHING else unquote(value)
            # A path that is written otherwise than its value cannot be worked out.
            known.append(text if text is None or text == value else value)
    return found


def _of(folder: str) -> tuple[str, ...]:
    """The values of a partition's folder, as a catalogue has them."""
    return tuple(unquote(part.partition("=")[2]) for part in folder.split("/"))
