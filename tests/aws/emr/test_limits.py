"""More than EMR takes: inputs go into a list, and a run that is refused leaves nothing behind."""

import json
import secrets
import time
from collections.abc import Callable

import pyarrow.dataset as arrow
import pytest

from gristmill.emr.aws import Aws, RefusedError
from gristmill.emr.prepare import SubmitRequest
from gristmill.emr.runs import Runs
from gristmill.emr.specs import ClusterSpec
from gristmill.emr.submit import submit
from gristmill.emr.targets.cluster import down, up
from gristmill.errors import GristmillError
from gristmill.jobs import CATALOGUE
from gristmill.storage.remote import RemoteStorage
from simulator import Simulator
from tests.aws.emr.asked import step
from tests.support.emr_specs import CLUSTER, made
from tests.support.process import Finished

Command = Callable[..., Finished]
COUNT, KEY = 250, "many/{:04}-with-a-name-that-is-rather-long.txt"


def never(question: str) -> bool:
    raise AssertionError(question)


@pytest.mark.thorough
def test_many_inputs_and_odd_arguments_reach_the_job(
    command: Command, simulator: Simulator, reach: Aws
) -> None:
    client = simulator.client("s3")
    for number in range(COUNT):
        body = f"all w{number % 5}\n".encode()
        client.put_object(
            Bucket=simulator.bucket, Key=f"many/{number:04}-{'n' * 40}.txt", Body=body
        )
    names = [f"s3://{simulator.bucket}/many/{number:04}-{'n' * 40}.txt" for number in range(COUNT)]
    run, output = f"many-{secrets.token_hex(4)}", f"s3://{simulator.bucket}/many-out"
    corpus = "{{ds}} $HOME <CPS>"
    flags = ("word-count", "--input", *names, "--output", output, "--corpus", corpus)
    planned = command("plan", "submit", "--run", run, *flags)
    assert planned.code == 0, planned.err
    assert list(json.loads(planned.out)) == ["PutObject", "AddJobFlowSteps"]
    done = command("submit", "--run", run, *flags)
    assert done.code == 0, done.err
    storage = RemoteStorage(f"{output}/word_counts")
    found = arrow.dataset(
        storage.folder, filesystem=storage.filesystem, format="parquet", partitioning="hive"
    ).to_table()
    assert {(row["corpus"], row["word"], row["count"]) for row in found.to_pylist()} == {
        (corpus, "all", COUNT),
        *((corpus, f"w{number}", COUNT // 5) for number in range(5)),
    }
    assert command("runs", "forget", run).code == 0
    assert Runs(reach, simulator.account["home"]).find(run) is None


def test_a_run_that_a_full_cluster_refuses_leaves_nothing_behind(
    simulator: Simulator, reach: Aws
) -> None:
    name = f"full-{secrets.token_hex(4)}"
    spec = made({**CLUSTER, **simulator.account, "name": name})
    assert isinstance(spec, ClusterSpec)
    cluster = up(reach, spec, print, pause=lambda _seconds: time.sleep(0.1))
    role = spec.runtime_role
    waiting = [step("sleep", "600")] * 256
    reach.emr.add_job_flow_steps(JobFlowId=cluster, Steps=waiting, ExecutionRoleArn=role)
    where = ("--input", "s3://b/in", "--output", "s3://b/out", "--corpus", "c")
    run = f"refused-{secrets.token_hex(4)}"
    with pytest.raises(RefusedError, match="256 steps that wait or run"):
        submit(reach, SubmitRequest(CATALOGUE["word-count"], where, spec, run), print)
    assert Runs(reach, spec.home).find(run) is None
    assert down(reach, spec, never, force=True) == cluster


def test_a_run_of_which_nobody_knows_whether_it_started_is_kept(
    simulator: Simulator, reach: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = made({**CLUSTER, **simulator.account, "name": f"unclear-{secrets.token_hex(4)}"})
    assert isinstance(spec, ClusterSpec)
    cluster = up(reach, spec, print, pause=lambda _seconds: time.sleep(0.1))
    monkeypatch.setattr("gristmill.emr.runners.once._LOOKS", (0.0,))
    simulator.faults.fail("AddJobFlowSteps", 6)
    where = ("--input", "s3://b/in", "--output", "s3://b/out", "--corpus", "c")
    run = f"unclear-{secrets.token_hex(4)}"
    with pytest.raises(GristmillError, match=f"submit it again with --run {run}"):
        submit(reach, SubmitRequest(CATALOGUE["word-count"], where, spec, run), print)
    found = Runs(reach, spec.home).find(run)
    assert found is not None
    assert found.record.claim == ""
    assert down(reach, spec, never, force=True) == cluster
