"""What the carrier says of an order, and what it then costs."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_COLUMNS = ["order", "item", "postcode"]
_ZONES = (490, 690, 1190)


class WrongFormat(Exception):  # noqa: N818  the catcher's name for it
    """The file is not what was agreed on."""


class CarrierIsBusy(Exception):  # noqa: N818  the retrier's name for it
    """The carrier asks to come again."""


def _rows(key: str) -> list[dict[str, str]]:
    with (FOLDER / "data" / "orders" / key).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def check_format(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """See that the file has the columns that it should have, and is not cut off."""
    with (FOLDER / "data" / "orders" / event["key"]).open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        heading = next(reader, [])
        if heading != _COLUMNS:
            raise WrongFormat(f"the columns are {heading}, not {_COLUMNS}")
        for number, row in enumerate(reader, start=2):
            if len(row) != len(_COLUMNS):
                raise WrongFormat(f"line {number} has {len(row)} fields, not {len(_COLUMNS)}")
    return {"rows": number - 1}


def measures(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Weight (grams), size (cm3) and zone, as the carrier tells for an item and a postcode."""
    digest = hashlib.sha256(f"{event['item']}{event['postcode']}".encode()).digest()
    return {
        "order": event["order"],
        "grams": 100 + digest[0] * 20,
        "size": 500 + digest[1] * 100,
        "zone": digest[2] % 3,
    }


def cost(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Cents: by zone, and one for each ten grams or hundred cm3, whichever is more."""
    cents = _ZONES[event["zone"]] + max(event["grams"] // 10, event["size"] // 100)
    return {"order": event["order"], "cents": cents}


def measured_cost(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Both at once, for the loop."""
    return cost(measures(event, context), context)


def load_orders(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """All orders of a file."""
    return {"orders": _rows(event["key"])}


def sum_up(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """How many orders, and what all cost."""
    bucket = FOLDER / "data" / "results"
    manifest = json.loads((bucket / event["manifest"]).read_text(encoding="utf-8"))
    cents = []
    for file in manifest["ResultFiles"]["SUCCEEDED"]:
        rows = json.loads((bucket / file["Key"]).read_text(encoding="utf-8"))
        cents += [json.loads(row["Output"])["cents"] for row in rows]
    return {"orders": len(cents), "cents": sum(cents)}
