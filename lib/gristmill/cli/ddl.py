"""`gristmill ddl`: tables over an output, for other engines."""

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.ddl.dialects import DIALECTS
from gristmill.ddl.iceberg import TABLE_DIALECTS
from gristmill.errors import UsageError
from gristmill.nearest import nearest
from gristmill.outputs.described import described
from gristmill.outputs.output import open as open_datasets
from gristmill.publish.table_format import ICEBERG


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
