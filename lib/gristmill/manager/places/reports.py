"""What a run's own report says of it."""

import json
from collections.abc import Mapping
from typing import Any

from gristmill.model.report import Report


def result_of(report: Report) -> dict[str, Any]:
    """What a run published, as JSON."""
    return {
        "output": report.output,
        "published": report.run,
        "datasets": [
            {"name": one.name, "uri": one.uri, "rows": one.rows, "partitions": one.partitions}
            for one in report.datasets
        ],
        "rows": sum(one.rows for one in report.datasets),
        "bytes": sum(one.bytes for one in report.datasets),
        "lines": report.lines,
        "rejected": report.rejected,
        "seconds": report.seconds,
        "phases": dict(report.phases),
    }


def read_report(data: bytes | None) -> Report | None:
    """The report in a file; None where there is none, or it is none."""
    if data is None:
        return None
    try:
        return Report.from_bytes(data)
    except ValueError:
        return None


def read_progress(data: bytes | None) -> Mapping[str, Any] | None:
    """What `gristmill.script.progress` wrote; None where it is nothing of the kind."""
    try:
        found = json.loads(data or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
