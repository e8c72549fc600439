"""Tables of an output in the AWS Glue Data Catalog."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.api.output import open as open_datasets
from gristmill.cli.ddl import described
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.emr.aws import Aws
from gristmill.emr.glue import Difference, Registered, Wanted, drop, register, verify
from gristmill.errors import DamagedError, UsageError
from gristmill.publish.locations import open_output
from gristmill.publish.state import read_state


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
    wanted = _wanted(arguments.output, arguments.location)
    found = verify(Aws(arguments.region), arguments.database, wanted)
    print_value(CatalogCheck(arguments.database, tuple(found)), as_json=arguments.json)
    if found:
        raise DamagedError(
            f"the catalogue is not what {arguments.output} holds: gristmill catalog register"
        )


def remove(arguments: argparse.Namespace) -> None:
    """Take the tables of an output out of the catalogue."""
    wanted = _wanted(arguments.output, arguments.location)
    found = drop(Aws(arguments.region), arguments.database, wanted)
    print_value(Catalogued(arguments.database, tuple(found)), as_json=arguments.json)


def registered(
    place: str, database: str, region: str | None, location: str | None = None
) -> list[Registered]:
    """Make the tables of an output in a database, or bring them up to date; gives what became of
    each. Raises `GristmillError`."""
    return register(Aws(region), database, _wanted(place, location))


def _wanted(named: str, location: str | None) -> list[Wanted]:
    output = open_datasets(named)
    place = (location or output.uri).rstrip("/")
    if not place.startswith(("s3://", "s3a://")):
        raise UsageError("Glue's tables lie in S3: --location s3://… says where the output will be")
    number = read_state(open_output(named)).number
    return [
        Wanted(
            described(output, name, place),
            place,
            number,
            output[name].rows,
            output[name].bytes,
            len(output[name].files),
        )
        for name in output
    ]


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
