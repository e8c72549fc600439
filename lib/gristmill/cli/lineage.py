"""`gristmill lineage`: what was made from what, and what failed, for a catalogue of lineage."""

import argparse
from collections.abc import Iterable

from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.followers.lineage import sent
from gristmill.lineage import Sent


def send(arguments: argparse.Namespace) -> None:
    """Send the events of what was published since the last time."""
    found = sent(arguments.output, arguments.to, arguments.namespace)
    print_value(found, as_json=arguments.json)


@blocks.register
def _(found: Sent) -> Iterable[Block]:
    told = "1 event" if found.events == 1 else f"{found.events:,} events"
    yield f"{told} sent: all up to entry {found.log_number:,} of the log have arrived"
