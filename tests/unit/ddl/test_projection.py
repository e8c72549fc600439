"""Partition projection, by the rules of Athena's documentation."""

import pytest

from gristmill.ddl.projection import projection

PLACE = "s3://lake/web/web_requests"


def test_days_are_counted_and_names_are_listed() -> None:
    columns = [("dataset", "string"), ("date", "date")]
    values = {"dataset": ["web", "app", "web"], "date": ["2026-10-05", "2026-10-04"]}
    assert projection(columns, values, PLACE) == {
        "projection.enabled": "true",
        "projection.dataset.type": "enum",
        "projection.dataset.values": "app,web",
        "projection.date.type": "date",
        "projection.date.format": "yyyy-MM-dd",
        "projection.date.range": "2026-01-01,NOW+1YEARS",
        "storage.location.template": f"{PLACE}/dataset=${{dataset}}/date=${{date}}/",
    }


def test_months_are_counted_by_months() -> None:
    found = projection([("billing_period", "string")], {"billing_period": ["2026-11"]}, PLACE)
    assert found is not None
    assert found["projection.billing_period.format"] == "yyyy-MM"
    assert found["projection.billing_period.interval.unit"] == "MONTHS"
    assert found["projection.billing_period.range"] == "2026-01,NOW+1YEARS"


def test_numbers_have_a_range() -> None:
    found = projection([("year", "int")], {"year": ["2026", "2025", "10000"]}, PLACE)
    assert found is not None
    assert found["projection.year.range"] == "2025,10000"


@pytest.mark.parametrize(
    "values",
    [
        {"corpus": [None, "a"]},  # a missing value has a folder of another name
        {"corpus": ["a%2Fb"]},  # a path that is written otherwise than its value
        {"corpus": ["a b"]},
        {"corpus": ["a,b"]},  # which would be two
        {"corpus": []},
        {},
    ],
)
def test_what_no_projection_can_say_is_left_to_a_catalogue(values: dict[str, list[str]]) -> None:
    assert projection([("corpus", "string")], values, PLACE) is None


def test_a_name_that_only_looks_like_a_day_is_a_name() -> None:
    found = projection([("batch", "string")], {"batch": ["2026-02-30", "2026-01-01"]}, PLACE)
    assert found is not None
    assert found["projection.batch.type"] == "enum"
