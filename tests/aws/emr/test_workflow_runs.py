"""The nightly example as steps of EMR: the same file as on this machine."""

import json
from pathlib import Path

import pytest

from examples.run import EXAMPLES, copied
from simulator import Simulator
from tests.aws.emr.conftest import Command
from tests.support.process import BIN, finish


@pytest.mark.thorough
def test_the_same_file_runs_as_steps_of_emr(
    command: Command, simulator: Simulator, samples: Path, tmp_path: Path
) -> None:
    folder = copied("nightly", tmp_path)
    s3 = simulator.client("s3")
    for kind in ("logs", "utility"):
        for path in (samples / kind).rglob("*"):
            if path.is_file():
                key = f"raw/{path.relative_to(samples)}"
                s3.upload_file(str(path), simulator.bucket, key)
    bucket = f"s3://{simulator.bucket}"
    given = {
        "code": f"{bucket}/code",
        "raw": f"{bucket}/raw",
        "lake": f"{bucket}/lake",
        "bucket": simulator.bucket,
    }
    file = EXAMPLES / "nightly" / "nightly.asl.json"
    done = finish(
        [BIN / "gristmill", "workflow", "run", file, "--input", json.dumps(given), "--json"],
        folder,
        GRISTMILL_WORKFLOW_PLACE="cluster:dev",
        GRISTMILL_WORKFLOW_AWS="s3",
        GRISTMILL_LEDGER=f"sqlite:///{tmp_path}/ledger.db",
    )
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["output"] == {"traffic": "COMPLETED", "bill": "COMPLETED"}
    report = s3.get_object(Bucket=simulator.bucket, Key="reports/nightly.json")["Body"].read()
    assert json.loads(report) == told["output"]
    (cluster,) = simulator.client("emr").list_clusters()["Clusters"]
    steps = simulator.client("emr").list_steps(ClusterId=cluster["Id"])["Steps"]
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED"] * 3
    keys = s3.list_objects_v2(Bucket=simulator.bucket, Prefix="lake/")["Contents"]
    folders = {one["Key"].split("/")[2] for one in keys}
    assert {"web_requests", "traffic_hourly", "utility_statements"} <= folders
