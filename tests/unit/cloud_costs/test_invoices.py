"""What is said of invoices that charges are on and no file lists."""

from decimal import Decimal

from gristmill.cloud_costs.invoices import Invoice, unlisted

LISTED = {
    "a": Invoice(Decimal(1), "USD", None),
    "b": Invoice(Decimal(2), None, None),
}


def test_all_that_is_listed_is_passed_over() -> None:
    sums = {"a": {"USD": Decimal(1)}, "b": {"CHF": Decimal(5)}, "free": {"USD": Decimal(0)}}
    assert unlisted(sums, LISTED) is None


def test_what_is_not_is_told_the_largest_first() -> None:
    sums = {
        "a": {"USD": Decimal(1), "JPY": Decimal(700)},
        "credit": {"USD": Decimal("-1200.5")},
        **{f"c{number}": {"USD": Decimal(number)} for number in range(1, 6)},
    }
    assert unlisted(sums, LISTED) == (
        "--invoices does not list what charges are on: credit (-1200.50 USD), a (700 JPY), "
        "c5 (5.00 USD), c4 (4.00 USD), c3 (3.00 USD) and 2 more"
    )
