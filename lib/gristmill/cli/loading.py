"""`gristmill load`: a dataset into a warehouse."""

import argparse
from collections.abc import Iterable

from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.errors import UsageError
from gristmill.publish.locations import open_output, readable
from gristmill.script.console import Console, Speech
from gristmill.warehouse.postgres import Loaded, Target, load
from gristmill.warehouse.redshift import LoadPlan, plan_load


def show(arguments: argparse.Namespace) -> None:
    """Load a dataset, and show what came and went; for Redshift, print how."""
    if arguments.to == "redshift":
        _plan(arguments)
        return
    if arguments.role or arguments.since:
        raise UsageError("--iam-role and --since are for --to redshift")
    if arguments.to.partition("://")[0] not in {"postgresql", "postgres"}:
        raise UsageError(
            "--to takes postgresql://USER@HOST/DATABASE (a password: PGPASSWORD), or redshift"
        )
    tell = Console(Speech.of(arguments)).tell
    target = Target.of(arguments.table or arguments.dataset)
    storage = open_output(arguments.output)
    with readable(arguments.output):
        found = load(storage, arguments.dataset, arguments.to, target, tell)
    print_value(found, as_json=arguments.json)


def _plan(arguments: argparse.Namespace) -> None:
    storage = open_output(arguments.output)
    place = (arguments.location or storage.root).rstrip("/")
    if not place.startswith(("s3://", "s3a://")):
        raise UsageError("Redshift reads what is in S3: --location s3://… says where it will be")
    if not arguments.role:
        raise UsageError("--iam-role names the role with which Redshift reads S3")
    table = str(Target.of(arguments.table or arguments.dataset))
    with readable(arguments.output):
        found = plan_load(
            storage, arguments.dataset, table, arguments.role, arguments.since, location=place
        )
    print_value(found, as_json=arguments.json)


@blocks.register
def _(found: LoadPlan) -> Iterable[Block]:
    yield f"-- {found.dataset} into {found.table}, from entry {found.since} to {found.log_number}"
    for one in found.statements:
        yield f"{one};"


@blocks.register
def _(found: Loaded) -> Iterable[Block]:
    if not (found.files_added or found.files_removed):
        yield f"{found.table} holds {found.dataset} as it is: nothing to do"
        return
    yield (
        f"{found.table}: {found.rows_added:,} rows came ({found.files_added:,} files), "
        f"{found.rows_removed:,} went ({found.files_removed:,} files)"
    )
