"""Real files, which the project does not hold: the folder that GRISTMILL_DATA names."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(os.environ.get("GRISTMILL_DATA", Path(__file__).parents[3] / "shared" / "data"))
Expected = Callable[[str], list[dict[str, str]]]


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"no real data: {DATA} is not there (set GRISTMILL_DATA)")
    return DATA


@pytest.fixture(scope="session")
def expected(data: Path) -> Expected:
    """The rows of a file of expected figures."""

    def rows(name: str) -> list[dict[str, str]]:
        with (data / "expected" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return rows
