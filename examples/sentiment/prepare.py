"""A hundred reviews; every third is a bad one."""

from pathlib import Path


def prepare(folder: Path) -> None:
    """Write them."""
    reviews = folder / "data" / "reviews"
    reviews.mkdir(parents=True, exist_ok=True)
    for number in range(100):
        text = "a poor thing" if number % 3 == 0 else "a great thing, I love it"
        (reviews / f"{number:04d}.txt").write_text(text, encoding="utf-8")
