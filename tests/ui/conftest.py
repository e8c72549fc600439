"""A ledger and an output, and the page over both."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from gristmill.cli.ui.app import app
from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.settings import Settings
from tests.support.ledgers import Bench, Clock
from tests.support.outputs import publish

TOKEN = "a token that is long enough"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def clock() -> Clock:
    """One that begins now: commands, which are asked the same, look at the real one."""
    return Clock(time.time())


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock)
    yield opened
    opened.close()


@pytest.fixture
def bench(ledger: Ledger, clock: Clock) -> Bench:
    return Bench(ledger, clock, Settings())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    table = pa.table({"word": ["a", HOSTILE], "count": pa.array([3, 4], pa.int64())})
    fields = (("word", "string"), ("count", "bigint"))
    publish(tmp_path / "out", "word_counts", fields, {"": table})
    return tmp_path / "out"


Open = Callable[..., TestClient]


@pytest.fixture
def client(ledger: Ledger, out: Path) -> Open:
    """Opens the page as a browser of this machine does."""

    def opened(token: str | None = None, *, is_private: bool = False) -> TestClient:
        page = app(ledger, [str(out)], token, ["localhost"], is_private=is_private)
        return TestClient(page, base_url="http://localhost", follow_redirects=False)

    return opened
