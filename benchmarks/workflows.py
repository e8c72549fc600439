"""What a transition of a workflow costs, beside others: `make bench-workflows`.

A loop that counts has two states a round, a Pass and a Choice; with tasks, a function is called in
each round instead, whose result is written down before the next is called. moto's interpreter keeps
all in memory and calls no functions; DBOS has steps and no states, so a round is one step. Figures:
milliseconds a round, startup and tables left out, the best of the rounds of measuring.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from tests.support.postgres import postgres

_MACHINES = Path(__file__).parent / "machines"
_LIMIT = 600.0


def main(words: Sequence[str] | None = None) -> int:
    """Run all; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="rounds of a loop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the others")
    arguments = parser.parse_args(words)
    count = str(arguments.count)
    with TemporaryDirectory(prefix="gristmill-bench-") as name, postgres(Path(name) / "pg") as pg:
        urls = _Databases(Path(name), pg.uri)
        best: dict[str, list[float]] = {}
        for _ in range(arguments.rounds):
            for kind in ("loop", "task"):
                for database in ("SQLite", "PostgreSQL"):
                    script = [sys.executable, "ours.py", kind, urls.new(database), count]
                    best.setdefault(f"ours, {kind}, {database}", []).append(_timed(script))
            moto = [sys.executable, "moto_.py", count]
            best.setdefault("moto, loop, memory", []).append(_timed(moto))
            for database in ("SQLite", "PostgreSQL"):
                dbos = [arguments.peers, "dbos_.py", urls.new(database), count]
                best.setdefault(f"DBOS, step, {database}", []).append(_timed(dbos))
    print("| what | ms a round |\n|---|---|")
    for name, found in best.items():
        print(f"| {name} | {min(found) / arguments.count * 1000:.2f} |")
    return 0


class _Databases:
    def __init__(self, folder: Path, server: str) -> None:
        self._folder, self._server, self._count = folder, server, 0

    def new(self, kind: str) -> str:
        """An empty database."""
        self._count += 1
        if kind == "SQLite":
            return f"sqlite:///{self._folder / f'{self._count}.db'}"
        made = sa.make_url(self._server)
        engine = sa.create_engine(
            made.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE bench{self._count}")
        engine.dispose()
        return made.set(database=f"bench{self._count}").render_as_string(hide_password=False)


def _timed(command: list[str]) -> float:
    python, script, *more = command
    done = subprocess.run(
        [python, str(_MACHINES / script), *more],
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
