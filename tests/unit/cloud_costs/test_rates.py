"""Tables of exchange rates: what is one, and what is said of what is none."""

from datetime import date
from decimal import Decimal

import pytest

from gristmill.cloud_costs.rates import parse
from gristmill.errors import InputError

HEADER = "date,from,to,rate\n"
DAY = date(2024, 9, 30)


def test_columns_come_in_any_order_and_among_others() -> None:
    text = "Rate,source, TO ,date,from\r\n 1.0876 ,ECB,USD,2024-09-30,EUR\r\n"
    assert parse({"rates.csv": text}) == {(DAY, "EUR", "USD"): Decimal("1.0876")}


def test_several_files_are_one_table_and_may_repeat_a_rate() -> None:
    first = HEADER + "2024-09-30,EUR,USD,1.10\n"
    second = HEADER + "2024-09-30,EUR,USD,1.1\n2024-10-01,EUR,USD,1.2\n"
    assert parse({"a": first, "b": second}) == {
        (DAY, "EUR", "USD"): Decimal("1.1"),
        (date(2024, 10, 1), "EUR", "USD"): Decimal("1.2"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "rates.csv is no table of rates: its header lacks date, from, to, rate"),
        ("date,rate\n", "its header lacks from, to"),
        (HEADER + "2024-09-30,EUR,USD,1.1\n30.9.2024,EUR,USD,1.1\n", "line 3: .*'30.9.2024'"),
        (HEADER + '2024-09-30,EUR,USD,"1,1"\n', "line 2: .*'1,1'"),
        (HEADER + "2024-09-30,EUR\n", "line 2: .*''"),
        (HEADER + "2024-09-30,EUR,USD,0\n", "line 2: a rate is above 0 and below 10,000,000"),
        (HEADER + "2024-09-30,EUR,USD,-1\n", "above 0"),
        (HEADER + "2024-09-30,EUR,USD,NaN\n", "above 0"),
        (HEADER + "2024-09-30,EUR,USD,10000000\n", "below 10,000,000"),
        (HEADER + "2024-09-30,EUR,USD,0.1234567890123\n", "up to 12 digits after the point"),
        (
            HEADER + "2024-09-30,EUR,USD,1.1\n2024-09-30,EUR,USD,1.2\n",
            "rates.csv has two rates of EUR to USD on 2024-09-30: 1.1 and 1.2",
        ),
    ],
)
def test_what_is_no_rate_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse({"rates.csv": text})
