"""Publishing to an S3 that is slow, resets connections, times out, and loses its answers."""

import random
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.sample import write_samples
from gristmill.storage.hadoop import open_storage
from simulator.s3 import S3Server
from tests.aws.proxy import Fault, Proxy, Request, Rule, on
from tests.aws.through import CHANGES, through
from tests.crash.matrix import expected, of_batch, state_of
from tests.support.process import BIN, finish
from tests.support.publishing import (
    REFUSED,
    STOCK,
    Work,
    begin,
    commit,
    publication,
    publish,
    stage,
    wrong,
)

OLD = Work({STOCK: [("a", "x"), ("b", "y")], REFUSED: [("r", "x")]})
NEW = Work({STOCK: [("c", "x"), ("d", "x")], REFUSED: []}, scope=("y",))
WITHIN = {"retry_interval": "20ms", "retry_throttle_interval": "20ms", "connection_timeout": "2s"}
PASSING = (Fault.SLOW_DOWN, Fault.RESET, Fault.LOSE_REPLY)


def nth_change(fault: Fault, nth: int) -> Rule:
    """One fault, at the `nth` request that changes anything."""
    left = nth

    def rule(request: Request) -> Fault | None:
        nonlocal left
        left -= request.method in CHANGES
        return fault if left == -1 and request.method in CHANGES else None

    return rule


@pytest.mark.thorough
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_outlived(
    spark: SparkSession, proxy: Proxy, place: str, fault: Fault
) -> None:
    for nth in range(14):
        root = f"s3://{place}/{nth}"
        direct = open_storage(spark, root)
        publish(direct, "old", OLD)
        new = expected(state_of(direct), of_batch(direct, NEW.batch), NEW)
        with through(spark, proxy, nth_change(fault, nth), root, **WITHIN) as storage:
            publish(storage, "new", NEW)
        assert state_of(direct) == new, nth
        assert not wrong(direct), nth


@pytest.mark.thorough
def test_a_commit_that_times_out_is_sent_again(
    spark: SparkSession, proxy: Proxy, place: str
) -> None:
    proxy.stall = 60.0
    rule = on(Fault.STALL, "PUT", "/log/")
    with through(spark, proxy, rule, f"s3://{place}") as storage:
        publish(storage, "new", NEW)
        assert state_of(storage)["stock"] == [("c", "x"), ("d", "x")]
        assert not wrong(storage)


@pytest.mark.thorough
def test_a_commit_that_arrives_after_it_was_given_up_is_refused(
    spark: SparkSession, proxy: Proxy, place: str
) -> None:
    root = f"s3://{place}"
    direct = open_storage(spark, root)
    publish(direct, "old", OLD)
    old = state_of(direct)
    proxy.stall = 8.0
    rule = on(Fault.LATE, "PUT", "/log/", nth=range(1, 100))
    once = WITHIN | {"retry_limit": "0"}
    with through(spark, proxy, rule, root, **once) as storage:
        late = publication(storage, "late", NEW)
        begin(late)
        stage(storage, late, NEW)
        with pytest.raises(Exception, match="Connection reset"):
            commit(late, NEW)
        proxy.rule = lambda _request: None
        assert not late.finish()
    # The requests that were given up arrive now.
    time.sleep(proxy.stall)
    sent = [told for told in proxy.exchanges if told.fault is Fault.LATE]
    assert sent
    assert {told.status for told in sent} == {412}
    new = expected(old, of_batch(direct, NEW.batch), NEW)
    assert state_of(direct) == old
    assert not wrong(direct)
    publish(direct, "again", NEW)
    assert state_of(direct) == new
    assert not wrong(direct)


def test_what_never_answers_fails_in_time_and_changes_nothing(
    spark: SparkSession, proxy: Proxy, place: str
) -> None:
    root = f"s3://{place}"
    direct = open_storage(spark, root)
    publish(direct, "old", OLD)
    old = state_of(direct)
    once = WITHIN | {"retry_throttle_limit": "2", "retry_limit": "1"}
    publishing = None
    with through(spark, proxy, lambda _request: None, root, **once) as storage:
        publishing = publication(storage, "new", NEW)
        begin(publishing)
        stage(storage, publishing, NEW)
        proxy.rule = on(Fault.SLOW_DOWN, nth=range(1, 10**6))
        with pytest.raises(Exception, match="503"):
            commit(publishing, NEW)
        proxy.rule = lambda _request: None
        assert not publishing.finish()
    assert state_of(direct) == old
    assert not wrong(direct)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [0, 1])
def test_in_a_storm_each_run_publishes_or_fails_and_nothing_is_lost(
    spark: SparkSession, proxy: Proxy, place: str, seed: int
) -> None:
    draw = random.Random(seed)
    root = f"s3://{place}"
    direct = open_storage(spark, root)
    state = state_of(direct)
    published = 0

    def storm(_request: Request) -> Fault | None:
        return draw.choice(PASSING) if draw.random() < 0.1 else None

    for number in range(12):
        rows = [(f"i{number}-{item}", draw.choice("xyz")) for item in range(4)]
        work = Work({STOCK: rows, REFUSED: [(f"r{number}", "x")]}, f"b{number % 3}")
        new = expected(state, of_batch(direct, work.batch), work)
        with through(spark, proxy, storm, root, **WITHIN) as storage:
            run = publication(storage, f"run{number}", work)
            try:
                begin(run)
                stage(storage, run, work)
                commit(run, work)
                is_published = True
            except Exception:
                proxy.rule = lambda _request: None
                is_published = run.finish()
        state = new if is_published else state
        published += is_published
        assert state_of(direct) == state, number
        assert not wrong(direct), number
    assert published > 6


@pytest.mark.thorough
def test_a_job_gets_through_a_storm(
    proxy: Proxy, server: S3Server, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(7)
    write_samples(tmp_path, requests=500, words=10)
    command: list[str | Path] = [BIN / "gristmill", "run", "access-logs"]
    command += ["--input", tmp_path / "logs", "--output", f"s3://{place}"]
    proxy.rule = lambda _request: draw.choice(PASSING) if draw.random() < 0.05 else None
    done = finish(command, AWS_ENDPOINT_URL_S3=proxy.endpoint)
    proxy.rule = lambda _request: None
    assert done.code == 0, done.err
    assert any(told.fault for told in proxy.exchanges)
    verified = finish([BIN / "gristmill", "verify", f"s3://{place}"])
    assert verified.code == 0, verified.out
