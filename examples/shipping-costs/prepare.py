"""A day's orders: a few here, as many as are asked for in the benchmark."""

import random
from pathlib import Path


def prepare(folder: Path, count: int = 150) -> None:
    """Write the files."""
    source = random.Random(11)
    orders = folder / "data" / "orders"
    orders.mkdir(parents=True, exist_ok=True)
    (folder / "data" / "results").mkdir(parents=True, exist_ok=True)
    lines = ["order,item,postcode"]
    for number in range(count):
        item = source.choice(["lamp", "chair", "desk", "rug"])
        lines.append(f"o{number:06d},{item},{source.randrange(10_000, 99_999)}")
    (orders / "day.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (orders / "cut.csv").write_text("\n".join(lines[:3]) + "\no000009,la", encoding="utf-8")
