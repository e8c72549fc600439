"""Tables of an output in the AWS Glue Data Catalog."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.emr.aws import Aws
from gristmill.emr.glue import Difference, Registered, drop, verify
from gristmill.errors import DamagedError
from gristmill.followers.catalog import registered, wanted_tables


@dataclass(frozen=True)
class Catalogued:
    """The tables of an output in a database, and what has become of them."""

    database: str
    tables: tuple[Registered, ...]


@dataclass(frozen=True)
class CatalogCheck:
    """Where tables are not what the output holds."""

    database: str
    differences: tuple[Difference, ...]


def make(arguments: argparse.Namespace) -> None:
    """Register the tables of an output."""
    found = registered(
        arguments.output, arguments.database, arguments.region, location=arguments.location
    )
    print_value(Catalogued(arguments.database, tuple(found)), as_json=arguments.json)


def check(arguments: argparse.Namespace) -> None:
    """Hold the tables against the output. Raises `DamagedError` where they are not that."""
    wanted = wanted_tables(arguments.output, arguments.location)
    found = verify(Aws(arguments.region), arguments.database, wanted)
    print_value(CatalogCheck(arguments.database, tuple(found)), as_json=arguments.json)
    if found:
        raise DamagedError(
            f"the catalogue is not what {arguments.output} holds: gristmill catalog register"
        )


def remove(arguments: argparse.Namespace) -> None:
    """Take the tables of an output out of the catalogue."""
    wanted = wanted_tables(arguments.output, arguments.location)
    found = drop(Aws(arguments.region), arguments.database, wanted)
    print_value(Catalogued(arguments.database, tuple(found)), as_json=arguments.json)


@blocks.register
def _(found: Catalogued) -> Iterable[Block]:
    rows = [
        (one.table, one.state, f"{one.partitions_added:,}", f"{one.partitions_removed:,}")
        for one in found.tables
    ]
    heading = (f"table of {found.database}", "is", "partitions came", "went")
    return [Table(heading, rows) if rows else "it has no table there"]


@blocks.register
def _(found: CatalogCheck) -> Iterable[Block]:
    rows = [(one.table, one.what) for one in found.differences]
    return [Table(("table", "how it differs"), rows) if rows else "all as the output holds it"]
