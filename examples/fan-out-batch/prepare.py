"""Two texts."""

from pathlib import Path


def prepare(folder: Path) -> None:
    """Write them."""
    texts = folder / "data" / "in"
    texts.mkdir(parents=True, exist_ok=True)
    for name, line in (
        ("mill", "the mill grinds slowly"),
        ("flour", "the flour is fine and white"),
    ):
        (texts / f"{name}.txt").write_text(f"{line}\n" * 200, encoding="utf-8")
