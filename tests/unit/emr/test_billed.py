"""What a run was billed, told by tags as exports write them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gristmill.emr.billed import Billed, billed
from gristmill.emr.cost import idle_time
from gristmill.emr.runs import Record
from gristmill.runs import Handle, Submission

HANDLE = Handle("transient", "j-1", "s-1")
START = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
END = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
RECORD = Record(
    Submission("r1", "word-count", ()), "dev", "arm64", "s3://b/logs", (), START.isoformat(), "me",
    HANDLE,
)  # fmt: skip


def charge(day: int, effective: str, service: str = "Amazon EC2", **tags: str) -> dict[str, Any]:
    return {
        "export": "focus",
        "tags": list(tags.items()),
        "charge_period_start": datetime(2026, 11, day, tzinfo=UTC),
        "charge_period_end": datetime(2026, 11, day + 1, tzinfo=UTC),
        "service_name": service,
        "billing_currency": "USD",
        "effective_cost": Decimal(effective),
        "billed_cost": Decimal("0.5"),
    }


def of(*rows: dict[str, Any]) -> tuple[str, tuple[Billed, ...]]:
    return billed(rows, RECORD, HANDLE, START, END)


@pytest.mark.parametrize("key", ["gristmill:run", "user:gristmill:run", "user_gristmill_run"])
def test_a_run_s_own_tag_is_found_however_it_is_written(key: str) -> None:
    rows = [
        charge(21, "1.50", **{key: "r1"}),
        charge(22, "0.25", **{key: "r1"}),
        charge(22, "0.40", "Amazon EMR", **{key: "r1"}),
        charge(22, "9.00", **{key: "another"}),
        charge(22, "9.00"),
    ]
    told, found = of(*rows)
    assert told == "run r1, by the tag gristmill:run"
    assert found == (
        Billed("focus", "Amazon EC2", "USD", Decimal("1.75"), Decimal("1.0"), 2),
        Billed("focus", "Amazon EMR", "USD", Decimal("0.40"), Decimal("0.5"), 1),
    )


def test_two_exports_of_one_month_are_not_added_up() -> None:
    row = charge(21, "1.50", **{"gristmill:run": "r1"})
    _, found = of(row, row | {"export": "cur"})
    assert [(one.export, one.effective) for one in found] == [
        ("cur", Decimal("1.50")),
        ("focus", Decimal("1.50")),
    ]


def test_without_it_the_cluster_s_own_tag_counts() -> None:
    rows = [
        charge(21, "2", **{"aws:elasticmapreduce:job-flow-id": "j-1"}),
        charge(21, "9", **{"aws:elasticmapreduce:job-flow-id": "j-2"}),
        charge(21, "3", **{"gristmill:cluster": "dev"}),
    ]
    told, (found,) = of(*rows)
    assert "all that ran on j-1" in told
    assert found.effective == 2


def test_else_all_of_its_spec_on_its_days() -> None:
    rows = [charge(day, "1", **{"gristmill:cluster": "dev"}) for day in (20, 21, 22, 23)]
    told, (found,) = of(*rows)
    assert "all that ran on dev, by the tag gristmill:cluster, 2026-11-21 to 2026-11-22" in told
    assert found.effective == 2


def test_what_has_no_tag_costs_nothing_that_is_known() -> None:
    assert of(charge(21, "1")) == ("run r1, by the tag gristmill:run", ())
    row = charge(21, "1") | {"tags": None}
    assert of(row)[1] == ()


def test_the_idle_time_of_a_cluster_is_what_no_step_took() -> None:
    def at(minute: int) -> datetime:
        return datetime(2026, 11, 21, 12, minute, tzinfo=UTC)

    def idle(*spans: tuple[int, int]) -> float:
        found = idle_time(at(0), at(30), [(at(first), at(last)) for first, last in spans])
        return found.total_seconds() / 60

    assert idle() == 30
    assert idle((0, 30)) == 0
    assert idle((5, 10), (20, 25)) == 20
    assert idle((20, 25), (5, 10), (8, 12)) == 18
    assert idle((25, 59)) == 25
