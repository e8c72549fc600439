"""Seventy reviews: thirty too few."""

import sys
from pathlib import Path


def prepare(folder: Path) -> None:
    """Write them."""
    sys.path.insert(0, str(folder))
    from functions import write  # noqa: PLC0415  it lies beside this file

    write(folder, 70)
    sys.path.remove(str(folder))
    del sys.modules["functions"]
