"""Runs that die while they publish to S3, at every request that changes anything there.

A run is cut off from S3 at one of its requests, which still arrives or does not, and never heard of
again: all that is left of a dead machine is what is in S3. Hadoop's rename is two requests, so this
falls inside of it too.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.publish import lease
from gristmill.publish.settle import recover
from gristmill.sample import write_samples
from gristmill.storage.hadoop import open_storage
from simulator.s3 import S3Server
from tests.aws.proxy import Fault, Proxy, Request
from tests.aws.through import CHANGES, through
from tests.crash.matrix import expected, of_batch, state_of
from tests.support.process import BIN, ROOT, TIMEOUT, environment, finish
from tests.support.publishing import (
    REFUSED,
    SALES,
    STOCK,
    Time,
    Work,
    begin,
    commit,
    publication,
    publish,
    stage,
    stored,
    wrong,
)

BEFORE = [
    Work({STOCK: [("a", "x"), ("b", "x"), ("c", "y")], REFUSED: [("r", "x")]}, batch="stock"),
    Work({SALES: [("d", "x"), ("e", "y")], REFUSED: [("s", "x"), ("t", "y")]}, batch="sales"),
]
VICTIMS = {
    "partition": Work({STOCK: [("f", "x"), ("g", "x")], REFUSED: []}, "stock", scope=("y",)),
    "batch": Work({SALES: [("h", "x"), ("i", "z")], REFUSED: [("u", "y")]}, "sales"),
}


class CutOff:
    """A rule: the `nth` request that changes anything is the last, and arrives or does not."""

    def __init__(self, nth: int, *, arrives: bool) -> None:
        self._left = nth
        self._arrives = arrives
        self.is_cut = False

    def __call__(self, request: Request) -> Fault | None:
        if self.is_cut:
            return Fault.RESET
        self._left -= request.method in CHANGES
        if self._left >= 0:
            return None
        self.is_cut = True
        return Fault.LOSE_REPLY if self._arrives else Fault.RESET


@pytest.fixture(scope="module")
def saved(spark: SparkSession, server: S3Server) -> str:
    """The key below which two publishes have been made."""
    storage = open_storage(spark, f"s3://{server.bucket}/crashes/saved")
    for number, work in enumerate(BEFORE):
        publish(storage, f"h{number}", work, Time())
    return "crashes/saved"


@pytest.fixture
def copy(server: S3Server, saved: str) -> Callable[[str], str]:
    """Copy what was saved to a place of its own, and give that as a URI."""
    client = server.client()

    def fresh(name: str) -> str:
        for found in client.list_objects_v2(Bucket=server.bucket, Prefix=f"{saved}/")["Contents"]:
            key = found["Key"].replace(saved, f"crashes/{name}", 1)
            source = {"Bucket": server.bucket, "Key": found["Key"]}
            client.copy_object(Bucket=server.bucket, Key=key, CopySource=source)
        return f"s3://{server.bucket}/crashes/{name}"

    return fresh


@pytest.mark.thorough
@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("scope", ["batch", "partition"])
@pytest.mark.parametrize("kind", ["parquet", "iceberg"])
def test_a_run_that_dies_at_any_request_leaves_the_old_or_the_new(
    spark: SparkSession,
    server: S3Server,
    proxy: Proxy,
    copy: Callable[[str], str],
    kind: str,
    scope: str,
    *,
    arrives: bool,
) -> None:
    work = VICTIMS[scope]
    seen = set()
    for nth in range(200):
        name = f"{kind}-{scope}-{arrives}-{nth}"
        rule = CutOff(nth, arrives=arrives)
        if kind == "parquet":
            direct = open_storage(spark, copy(name))
        else:
            # Tables of Iceberg are of one place.
            direct = open_storage(spark, f"s3://{server.bucket}/crashes/{name}")
            for number, earlier in enumerate(BEFORE):
                publish(direct, f"h{number}", earlier, Time(), kind)
        root = direct.root
        old = state_of(direct)
        new = expected(old, of_batch(direct, work.batch), work)
        assert old != new
        clock = Time()
        impatient = {"retry_limit": "0", "retry_interval": "10ms", "attempts_maximum": "1"}
        with through(spark, proxy, rule, root, **impatient) as storage:
            victim = publication(storage, "victim", work, clock)
            with contextlib.suppress(Exception):
                begin(victim)
                stage(storage, victim, work)
                commit(victim, work)
            if victim._heartbeat:
                victim._heartbeat.stop()
        if not rule.is_cut:
            break
        clock.advance(lease.EXPIRY)
        recover(direct, "me", clock())
        found = state_of(direct)
        assert found in (old, new), nth
        assert not wrong(direct), nth
        seen.add("old" if found == old else "new")
        if nth % 8 == 0:
            publish(direct, "again", work, clock)
            assert state_of(direct) == new, nth
            assert not wrong(direct), nth
    assert not rule.is_cut
    assert nth > 12
    assert seen == {"old", "new"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    write_samples(folder, requests=1, words=1000)
    return folder / "text"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.LOSE_REPLY, "finished word-count by "),
        (Fault.RESET, "dropped word-count by "),
    ],
)
def test_a_killed_run_is_settled_by_recover_and_can_be_run_again(
    server: S3Server, text: Path, fault: Fault, told: str
) -> None:
    out = f"s3://{server.bucket}/killed/{fault.name}"
    command: list[str | Path] = [BIN / "gristmill", "run", "word-count"]
    command += ["--input", text, "--output", out]
    assert finish(command).code == 0
    committing = threading.Event()

    def rule(request: Request) -> Fault | None:
        if request.method == "PUT" and request.path.endswith("/log/0000000002.json"):
            committing.set()
            return fault
        return Fault.RESET if committing.is_set() else None

    with Proxy(server.endpoint) as proxy:
        proxy.rule = rule
        with subprocess.Popen(
            command,
            env=environment(AWS_ENDPOINT_URL_S3=proxy.endpoint),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as run:
            assert committing.wait(TIMEOUT)
            os.killpg(run.pid, signal.SIGKILL)
    recovered = finish([BIN / "gristmill", "recover", out])
    assert recovered.out.startswith(told)
    verified = finish([BIN / "gristmill", "verify", out])
    # The counts, and the rejects, of which there are none.
    assert (verified.code, verified.out.count("whole")) == (0, 2)
    assert finish(command).code == 0
    assert finish([BIN / "gristmill", "verify", out]).out == verified.out


def test_a_lost_answer_to_the_commit_is_found_out(
    spark: SparkSession, proxy: Proxy, copy: Callable[[str], str]
) -> None:
    work = VICTIMS["partition"]

    def rule(request: Request) -> Fault | None:
        is_commit = request.method == "PUT" and "/log/" in request.path
        return Fault.LOSE_REPLY if is_commit else None

    with through(spark, proxy, rule, copy("lost-answer"), retry_interval="10ms") as storage:
        publish(storage, "victim", work, Time())
        assert stored(storage, STOCK) == [("f", "x"), ("g", "x")]
        assert not wrong(storage)
