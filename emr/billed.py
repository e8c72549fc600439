"""What a run was billed: charges, told by their tags.

A tag is in AWS's exports only once it is activated as a cost allocation tag
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html), and each export
writes its key in a way of its own: `gristmill:run`, `user:gristmill:run`, `user_gristmill_run`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gristmill.emr.requests import CLUSTER_TAG, RUN_TAG
from gristmill.emr.runs import Record
from gristmill.runs import Handle

# EMR's own, on what a cluster is made of
# (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-tags.html).
_JOB_FLOW = "aws:elasticmapreduce:job-flow-id"
_PREFIX = re.compile(r"^(?:user|aws)_")


@dataclass(frozen=True)
class Billed:
    """The charges of a service, by an export: amortized (`effective`), as invoiced (`billed`), how
    many lines. What two exports tell of is the same money twice."""

    export: str
    service: str
    currency: str
    effective: Decimal
    billed: Decimal
    lines: int


def billed(
    rows: Iterable[Mapping[str, Any]],
    record: Record,
    handle: Handle,
    started: datetime | None,
    ended: datetime | None,
) -> tuple[str, tuple[Billed, ...]]:
    """Of what the charges are that have a run's tags, and these by service, the dearest first.

    `rows` are of `charges`. They are those of the run where any has its key; else those of its
    cluster by EMR's own tag; else of all that was made of its spec, on the days on which it ran:
    the last two are all that ran there.
    """
    kept: dict[int, list[Mapping[str, Any]]] = {0: [], 1: [], 2: []}
    first = (started or datetime.fromisoformat(record.created)).astimezone(UTC)
    days = (first.date(), (ended or first).astimezone(UTC).date())
    for row in rows:
        tags = {_plain(key): value for key, value in row["tags"] or ()}
        if tags.get(_plain(RUN_TAG)) == record.run:
            kept[0].append(row)
        if tags.get(_plain(_JOB_FLOW)) == handle.target:
            kept[1].append(row)
        if tags.get(_plain(CLUSTER_TAG)) == record.spec and _is_in(row, *days):
            kept[2].append(row)
    span = " to ".join(dict.fromkeys(str(day) for day in days))
    told = (
        f"run {record.run}, by the tag {RUN_TAG}",
        f"all that ran on {handle.target}, by the tag {_JOB_FLOW}",
        f"all that ran on {record.spec}, by the tag {CLUSTER_TAG}, {span} (UTC)",
    )
    for place, of in enumerate(told):
        if kept[place]:
            return of, _summed(kept[place])
    return told[0], ()


def _plain(key: str) -> str:
    """A tag's key as no export writes it otherwise."""
    return _PREFIX.sub("", re.sub(r"[^a-z0-9]+", "_", key.lower()))


def _is_in(row: Mapping[str, Any], first: Any, last: Any) -> bool:
    start, end = row["charge_period_start"], row["charge_period_end"]
    # A period ends before its end.
    return bool(start.date() <= last and (end - timedelta(microseconds=1)).date() >= first)


def _summed(rows: Iterable[Mapping[str, Any]]) -> tuple[Billed, ...]:
    sums: dict[tuple[str, str, str], Billed] = {}
    for row in rows:
        key = (row["export"], row["service_name"] or "", row["billing_currency"] or "")
        before = sums.get(key, Billed(*key, Decimal(0), Decimal(0), 0))
        sums[key] = Billed(
            *key,
            before.effective + (row["effective_cost"] or 0),
            before.billed + (row["billed_cost"] or 0),
            before.lines + 1,
        )
    return tuple(sorted(sums.values(), key=lambda one: (one.export, -one.effective, one.service)))
