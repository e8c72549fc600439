"""A store that is filled up while one waits."""

from typing import Any

_EACH_DELIVERY = 10


class NotEnoughInventory(Exception):  # noqa: N818  the retrier's name for it
    """There are fewer than are asked for."""


def reserve(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Reserve so many; every two minutes ten more have come."""
    there = _EACH_DELIVERY * (event["try"] + 1)
    wanted = event["order"]["count"]
    if wanted > there:
        raise NotEnoughInventory(f"{wanted} wanted, {there} there")
    return {"reserved": wanted, "tries": event["try"] + 1}
