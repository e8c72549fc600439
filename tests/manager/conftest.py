"""Databases for the job manager's tests: a file, and a PostgreSQL of their own."""

from collections.abc import Iterator

import pytest

from gristmill.manager.ledger import open_ledger
from tests.support.ledgers import Bench, Clock, Databases
from tests.support.postgres import postgres


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("sqlite", tmp_path_factory.mktemp("ledgers"))


@pytest.fixture(scope="session")
def postgresql_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with postgres() as server:
        yield Databases("postgresql", tmp_path_factory.mktemp("pg"), server.uri)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture
def url(databases: Databases) -> str:
    """The URL of a new ledger."""
    return databases.url()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(url: str, clock: Clock) -> Iterator[Bench]:
    """A new ledger, on either database."""
    ledger = open_ledger(url, clock)
    yield Bench(ledger, clock)
    ledger.close()
