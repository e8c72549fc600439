"""Lineage of an output, sent on: what was made from what, and what failed."""

from typing import Any

from gristmill.catalogue import known_datasets
from gristmill.errors import GristmillError
from gristmill.lineage import Sent
from gristmill.lineage.failures import Failure, has_published, keep
from gristmill.model.report import Report
from gristmill.publish.locations import open_location, open_output, readable
from gristmill.publish.table_format import is_root


def sent(output: str, to: str, namespace: str) -> Sent:
    """Send the events of what was published in an output since the last time; gives how many.

    Raises `GristmillError` where a place does not take one.
    """
    sending = _sending()
    storage = open_output(output)
    comments = {name: dataset.comments for name, dataset in known_datasets().items()}
    with readable(output):
        found: Sent = sending.send_all(storage, to, namespace, comments)
        return found


def sent_failure(report: Report, to: str, namespace: str) -> None:
    """Send the event of a run that failed, with all that its output has to send.

    Raises `GristmillError` where a place does not take one: an output keeps it until then, and one
    that is not there yet does not.
    """
    sending, failure = _sending(), Failure.of(report)
    storage = open_location(report.output)
    with readable(report.output):
        if is_root(storage):
            if not has_published(storage, report):
                keep(storage, failure)
            sent(report.output, to, namespace)
        else:
            sending.send_failure(storage.root, failure, to, namespace)


def _sending() -> Any:
    try:
        from gristmill.lineage import sending  # noqa: PLC0415  it may not be installed
    except ModuleNotFoundError as error:
        raise GristmillError(
            "lineage takes openlineage-python: pip install gristmill[lineage]"
        ) from error
    return sending
