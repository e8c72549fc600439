"""`gristmill lineage`: what was published from what, for a catalogue of lineage."""

import argparse
from collections.abc import Iterable

from gristmill.catalogue import known_datasets
from gristmill.cli.show import Block, blocks
from gristmill.cli.show import show as print_value
from gristmill.errors import GristmillError
from gristmill.lineage import Sent
from gristmill.publish.locations import open_output, readable


def send(arguments: argparse.Namespace) -> None:
    """Send the events of what was published since the last time."""
    found = sent(arguments.output, arguments.to, arguments.namespace)
    print_value(found, as_json=arguments.json)


def sent(output: str, to: str, namespace: str) -> Sent:
    """Send the events of what was published in an output since the last time; gives how many.

    Raises `GristmillError` where a place does not take one.
    """
    try:
        from gristmill.lineage.sending import send_all  # noqa: PLC0415  it may not be installed
    except ModuleNotFoundError as error:
        raise GristmillError(
            "lineage takes openlineage-python: pip install gristmill[lineage]"
        ) from error
    storage = open_output(output)
    comments = {
        name: {field.name: field.help for field in dataset.fields}
        for name, dataset in known_datasets().items()
    }
    with readable(output):
        return send_all(storage, to, namespace, comments)


@blocks.register
def _(found: Sent) -> Iterable[Block]:
    told = "1 event" if found.events == 1 else f"{found.events:,} events"
    yield f"{told} sent: all up to entry {found.log_number:,} of the log have arrived"
