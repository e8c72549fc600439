"""Judging reviews by their words, which a model would do better."""

import hashlib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_GOOD = {"good", "great", "love", "fine"}


def more_arrive(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Twenty more reviews; a call that comes again after a crash brings no others."""
    key = hashlib.sha256(context.idempotency_key.encode()).hexdigest()
    mark = FOLDER / "data" / "arrived" / key
    if not mark.exists():
        write(FOLDER, 20)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return {}


def write(folder: Path, count: int) -> None:
    """Write some reviews; every third is a bad one."""
    reviews = folder / "data" / "reviews"
    reviews.mkdir(parents=True, exist_ok=True)
    first = len(list(reviews.glob("*.txt")))
    for number in range(first, first + count):
        text = "a poor thing" if number % 3 == 0 else "a great thing, I love it"
        (reviews / f"{number:04d}.txt").write_text(text, encoding="utf-8")


def judge(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """How many of a batch are good."""
    keys = [one["key"] for one in event["Items"]]
    good = 0
    for key in keys:
        words = (FOLDER / "data" / "reviews" / key).read_text(encoding="utf-8").split()
        good += bool(_GOOD & {word.strip(",.") for word in words})
    return {"first": keys[0], "count": len(keys), "good": good, "bad": len(keys) - good}
