"""A database that goes away while workers work: they wait, and lose nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from gristmill.manager.ledger import open_ledger
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.submitting import submit
from gristmill.manager.ledger.tables import attempts, runs
from gristmill.manager.request import RunRequest
from gristmill.manager.settings import Settings
from tests.support.ledgers import Databases
from tests.support.postgres import postgres

PATIENCE = 120.0


@pytest.mark.parametrize("seconds", [1.0, pytest.param(60.0, marks=pytest.mark.thorough)])
def test_a_database_that_is_away_for_a_while_costs_time_and_nothing_else(
    tmp_path: Path, seconds: float
) -> None:
    (tmp_path / "started").mkdir()
    with postgres() as server:
        url = Databases("postgresql", tmp_path / "pg", server.uri).url()
        ledger = open_ledger(url)
        with ledger.begin() as tx:
            request = RunRequest("word-count", array=("",) * 40, cores=0.001, memory=0)
            submit(tx, request, Settings())

        def done() -> int:
            with ledger.look() as tx:
                ended = runs.c.state == "succeeded"
                return int(tx.all(sa.select(sa.func.count().label("n")).where(ended))[0]["n"])

        words = [url, str(tmp_path / "started"), "0.3", "2"]
        command = [sys.executable, "-m", "tests.manager.one_worker", *words]
        with subprocess.Popen(command) as worker:
            try:
                until = time.monotonic() + PATIENCE
                while done() < 4:
                    assert time.monotonic() < until
                    time.sleep(0.05)
                server.crash()
                with pytest.raises(UnreachableError, match="does not answer"):
                    done()
                time.sleep(seconds)
                assert worker.poll() is None
                server.restart()
                until = time.monotonic() + PATIENCE
                while done() < 41:
                    assert time.monotonic() < until
                    time.sleep(0.2)
            finally:
                worker.kill()
        with ledger.look() as tx:
            keys = [row["run_key"] for row in tx.all(sa.select(attempts.c.run_key))]
        assert sorted(keys) == sorted(path.name for path in (tmp_path / "started").iterdir())
        ledger.close()
