"""Real runs whose workers are killed at every fault point: `python -m tests.manager.faults`.

Local runs are Spark's, through one warm process; those on EMR are steps of the simulator. At the
end all have succeeded, each run key was started once, and every output is whole.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.dataset as arrow
import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.ledger.tables import attempts, runs
from gristmill.manager.request import RunRequest
from gristmill.manager.states import FINAL
from gristmill.manager.submit import submit_request
from gristmill.sample import write_samples
from simulator import Simulator, Timing

POINTS = (
    "a worker is about to write",
    "a worker has claimed",
    "a run is about to be started",
    "a local run has its folder",
    "a local run has its process",
    "a run was started",
)
_BIN = Path(sys.executable).parent


def main(words: Sequence[str] | None = None) -> int:
    """Try it; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    with TemporaryDirectory(prefix="gristmill-") as name:
        folder = Path(name)
        write_samples(folder / "samples", requests=200, words=500)
        print(f"local: {try_local(folder, arguments.local, arguments.seed)}", flush=True)
        if arguments.steps:
            print(f"steps: {try_steps(folder, arguments.steps, arguments.seed)}", flush=True)
    return 0


def try_local(folder: Path, count: int, seed: int) -> str:
    """Local runs; gives what happened. Raises `AssertionError`."""
    home = folder / "local"
    (home / "runtime").mkdir(parents=True, mode=0o700)
    url = f"sqlite:///{home}/ledger.db"
    environ = {
        **os.environ,
        "GRISTMILL_LEDGER": url,
        "GRISTMILL_RUNS": str(home / "runs"),
        "GRISTMILL_WARM": "1",
        "XDG_RUNTIME_DIR": str(home / "runtime"),
    }
    ledger = open_ledger(url)
    source = str(folder / "samples" / "text")
    for index in range(count):
        argv = ("--input", source, "--output", str(home / "out" / str(index)))
        submit_request(ledger, RunRequest("word-count", argv, folder=str(home)))
    kills = _kill_on(ledger, environ, seed, POINTS)
    subprocess.run([_BIN / "gristmill", "warm", "stop"], env=environ, check=False)
    keys = _keys(ledger)
    started = {path.name for path in (home / "runs").iterdir() if (path / "pid").exists()}
    assert set(keys) == started, set(keys) ^ started
    rows = {
        arrow.dataset(home / "out" / str(index) / "word_counts").count_rows()
        for index in range(count)
    }
    assert len(rows) == 1, rows
    ledger.close()
    return f"{count} runs, {len(keys)} attempts, {kills} workers killed"


def try_steps(folder: Path, count: int, seed: int) -> str:
    """Runs on EMR; gives what happened. Raises `AssertionError`."""
    home = folder / "steps"
    home.mkdir()
    quick = Timing(
        starting=0.1, bootstrapping=0.1, pending=0, cancelling=0.1, terminating=0.1, logs=0.1
    )
    with Simulator(quick) as aws:
        for path in sorted((folder / "samples" / "text").iterdir()):
            aws.client("s3").upload_file(str(path), aws.bucket, f"in/{path.name}")
        url = f"sqlite:///{home}/ledger.db"
        account = aws.write_account(home / "account.toml")
        environ = {
            **os.environ,
            **aws.environ,
            "GRISTMILL_LEDGER": url,
            "GRISTMILL_EMR_ACCOUNT": str(account),
        }
        subprocess.run([_BIN / "gristmill", "emr", "up"], env=environ, check=True)
        ledger = open_ledger(url)
        for index in range(count):
            where = f"s3://{aws.bucket}/out/{index}"
            argv = ("--input", f"s3://{aws.bucket}/in", "--output", where)
            submit_request(ledger, RunRequest("word-count", argv, on="cluster:dev"))
        points = [point for point in POINTS if "local" not in point]
        kills = _kill_on(ledger, environ, seed, points)
        keys = _keys(ledger)
        client = aws.client("emr")
        (cluster,) = client.list_clusters()["Clusters"]
        pages = client.get_paginator("list_steps").paginate(ClusterId=cluster["Id"])
        names = [step["Name"] for page in pages for step in page["Steps"]]
        assert len(names) == len(keys), (len(names), len(keys))
        assert all(sum(key in name for name in names) == 1 for key in keys)
        ledger.close()
    return f"{count} runs, {len(keys)} attempts and steps, {kills} workers killed"


def _kill_on(ledger: Ledger, environ: Mapping[str, str], seed: int, points: Sequence[str]) -> int:
    """Let workers work that each die at a point, until all runs are final; gives how many died."""
    rng = random.Random(seed)
    kills = 0
    for point in itertools.cycle(points):
        words = [sys.executable, "-m", "tests.manager.dying_worker", point, str(rng.randint(1, 4))]
        done = subprocess.run(words, env=dict(environ), stderr=subprocess.DEVNULL, check=False)
        kills += done.returncode == -9
        if _is_over(ledger):
            return kills
        time.sleep(0.1)
    raise AssertionError


def _is_over(ledger: Ledger) -> bool:
    with ledger.look() as tx:
        left = tx.one(sa.select(runs.c.id).where(runs.c.state.not_in(FINAL)).limit(1))
    return left is None


def _keys(ledger: Ledger) -> list[str]:
    with ledger.look() as tx:
        states = {row["state"] for row in tx.all(sa.select(runs.c.state))}
        assert states == {"succeeded"}, states
        return [row["run_key"] for row in tx.all(sa.select(attempts.c.run_key))]


if __name__ == "__main__":
    sys.exit(main())
