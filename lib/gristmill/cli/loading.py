"""`gristmill load`: a dataset into a warehouse."""

import argparse
from collections.abc import Iterable

from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.errors import UsageError
from gristmill.publish.locations import open_output, readable
from gristmill.script.console import Console, Speech
from gristmill.warehouse.postgres import Loaded, Target, load


def show(arguments: argparse.Namespace) -> None:
    """Load a dataset, and show what came and went."""
    if arguments.to.partition("://")[0] not in {"postgresql", "postgres"}:
        raise UsageError("--to takes postgresql://USER@HOST/DATABASE (a password: PGPASSWORD)")
    tell = Console(Speech.of(arguments)).tell
    target = Target.of(arguments.table or arguments.dataset)
    storage = open_output(arguments.output)
    with readable(arguments.output):
        found = load(storage, arguments.dataset, arguments.to, target, tell)
    print_value(found, as_json=arguments.json)


@blocks.register
def _(found: Loaded) -> Iterable[Block]:
    if not (found.files_added or found.files_removed):
        yield f"{found.table} holds {found.dataset} as it is: nothing to do"
        return
    yield (
        f"{found.table}: {found.rows_added:,} rows came ({found.files_added:,} files), "
        f"{found.rows_removed:,} went ({found.files_removed:,} files)"
    )
