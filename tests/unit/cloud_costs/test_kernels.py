"""Charges by polars: what the kernel gives is what plain Python makes of the line."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.kernels.exports import parse
from gristmill.cloud_costs.layout import Layout
from gristmill.model.job import PLACE
from gristmill.sample.billing import write_billing
from tests.support import reference_billing as reference


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("billing")
    write_billing(folder, seed=5, usage=2000)
    return folder


def charges(cells: list[dict[str, str]], *, is_cur: bool) -> dict[int, dict[str, Any]]:
    header, *lines = reference.to_csv(cells, cells[0]).splitlines()
    (names,) = csv.reader(io.StringIO(header))
    layout = Layout(header, ",", tuple(names), is_cur, "default")
    found = parse([line.encode() for line in lines], layout)
    rows = {row.pop(PLACE): row for row in found.to_dicts()}
    return {
        place: {name: _plain(value) for name, value in row.items()} for place, row in rows.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return {entry["key"]: entry["value"] for entry in value}
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


@pytest.mark.parametrize("kind", ["cur", "focus"])
def test_all_lines_of_the_sample_are_read_and_are_what_they_say(samples: Path, kind: str) -> None:
    said = reference.cur if kind == "cur" else reference.focus
    files = sorted((samples / kind).rglob("*.csv.gz"))
    assert files
    for file in files:
        cells = reference.rows_of(file)
        rows = charges(cells, is_cur=kind == "cur")
        assert len(rows) == len(cells)
        for place, row in rows.items():
            wanted = said(cells[place])
            assert {name: row[name] for name in wanted} == wanted, cells[place]


LINE = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), "1.5"),
    "BillingCurrency": "EUR",
    "BillingAccountId": "1",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-09-05T10:00:00Z",
    "ChargePeriodEnd": "2026-09-05T11:00:00Z",
    "ChargeCategory": "Usage",
    "ServiceName": "x",
    "Tags": "",
}


@pytest.mark.parametrize(
    "cells",
    [
        {"BilledCost": "1,234.56"},
        {"BilledCost": "1E-19"},
        {"BilledCost": "1234567890123456"},
        {"BilledCost": "0.1234567890123456789"},
        {"BilledCost": "1.23456789012345678E-7"},
        {"BilledCost": "x"},
        {"BillingPeriodStart": ""},
        {"ChargePeriodEnd": "2026-09-05T11:00:00+02:00"},
        {"ChargePeriodEnd": "2026-02-30T11:00:00Z"},
        {"ChargePeriodEnd": "2026-09-05T11:00:00.1234567Z"},
        {"BillingCurrency": " "},
        {"Tags": "x"},
        {"Tags": '{"a": 5}'},
        {"Tags": '{"a": "b", "a": "c"}'},
    ],
)
def test_what_is_odd_is_left(cells: Mapping[str, str]) -> None:
    rows = charges([LINE, LINE | dict(cells), LINE], is_cur=False)
    assert rows.keys() == {0, 2}


@pytest.mark.parametrize("time", ["2026-09-05T10:00Z", "2026-09-05 10:00", "2026-09-05T10:00:00"])
def test_a_time_may_lack_its_seconds(time: str) -> None:
    (found,) = charges([LINE | {"ChargePeriodStart": time}], is_cur=False).values()
    assert found["charge_period_start"] == datetime.fromisoformat("2026-09-05T10:00")


def test_columns_are_those_of_the_dataset() -> None:
    rows = charges([LINE], is_cur=False)
    assert {*rows[0], "source_file"} == {field.name for field in CHARGES.fields}


def test_a_period_is_of_the_month_that_its_middle_lies_in() -> None:
    periods = {
        "2026-09": ("2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z"),
        "2026-12": ("2026-12-01T00:00:00Z", ""),
    }
    lines = [
        LINE | {"BillingPeriodStart": start, "BillingPeriodEnd": end}
        for start, end in periods.values()
    ]
    rows = charges(lines, is_cur=False)
    assert [row["billing_period"] for row in rows.values()] == list(periods)
