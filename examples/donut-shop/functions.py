"""The shop's two functions, as Lambda would call them."""

from typing import Any

STOCK = {"Glazed": (200, 1), "Chocolate": (100, 2), "Jelly Bismarck": (60, 2)}
PURSE = 50


class NotEnoughInventory(Exception):  # noqa: N818  the catcher's name for it
    """There are fewer donuts than are asked for."""


class NotEnoughFunds(Exception):  # noqa: N818  the catcher's name for it
    """It costs more than there is."""


def look_up_inventory(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Whether the donuts are there, and what one costs in dollars."""
    there, price = STOCK[event["donuts"]]
    if event["count"] > there:
        raise NotEnoughInventory(f"{event['count']} {event['donuts']} wanted, {there} there")
    return {"price": price}


def take_payment(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Take the money."""
    total = event["count"] * event["price"]
    if total > PURSE:
        raise NotEnoughFunds(f"{total} dollars wanted, {PURSE} there")
    return {"paid": total}
