"""Requests: as they were gone through by eye, and as botocore's own model of AWS takes them."""

import json
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from gristmill.emr.package import Shipped
from gristmill.emr.requests import TooLongError
from gristmill.emr.requests.clusters import run_job_flow, run_job_flow_for
from gristmill.emr.requests.inputs import listed
from gristmill.emr.requests.serverless import create_application, start_job_run
from gristmill.emr.requests.steps import add_job_flow_steps
from gristmill.emr.specs import ClusterSpec, ServerlessSpec, load_spec
from gristmill.errors import UsageError
from gristmill.runs import Submission
from tests.support.emr_specs import NODES, account, cluster, serverless

GOLDEN = Path(__file__).with_name("golden")
RUN = Submission(
    "20261121T231500Z-1a2b3c4d",
    "access-logs",
    ("--input", "s3://logs/a b/*.gz", "--output", "s3://out/web", "--report", "s3://out/r.json"),
)
IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/mine/spark:1.2"
SHIPPED = Shipped("s3://b/packages/1/gristmill.zip", "s3://b/packages/1/entry.py")
WITH_ARCHIVE = Shipped(SHIPPED.py_files, SHIPPED.entry, "s3://b/packages/2/dependencies.tar.gz")


def requests(tmp_path: Path) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Requests by name: the service, the operation, what it is given."""
    shared = account(tmp_path)
    dev, nightly = load_spec("dev", shared), load_spec("nightly", shared)
    assert isinstance(dev, ClusterSpec)
    assert isinstance(nightly, ClusterSpec)
    application = load_spec("serverless", shared)
    assert isinstance(application, ServerlessSpec)
    groups = cluster(
        nodes="groups",
        runtime_role=None,
        security_configuration=None,
        deploy_mode="client",
        task=NODES | {"spot": 3},
        bootstrap=[{"name": "setup", "script": "s3://bbb/setup.sh", "args": ["-q"]}],
        primary_security_groups=["sg-0123456789abcdef0"],
        core_security_groups=["sg-0123456789abcdef1"],
        spark={"spark.executor.memory": "4g"},
        scaling={
            "minimum": 2,
            "maximum": 8,
            "maximum_core": 2,
            "maximum_on_demand": 2,
        },
    )
    return {
        "dev_cluster": ("emr", "RunJobFlow", run_job_flow(dev)),
        "dev_step": ("emr", "AddJobFlowSteps", add_job_flow_steps(dev, "j-1", SHIPPED, RUN)),
        "nightly_cluster": ("emr", "RunJobFlow", run_job_flow(nightly)),
        "nightly_transient": ("emr", "RunJobFlow", run_job_flow_for(nightly, WITH_ARCHIVE, RUN)),
        "groups_cluster": ("emr", "RunJobFlow", run_job_flow(groups)),
        "groups_step": ("emr", "AddJobFlowSteps", add_job_flow_steps(groups, "j-1", SHIPPED, RUN)),
        "serverless_application": (
            "emr-serverless",
            "CreateApplication",
            create_application(application),
        ),
        "serverless_ready": (
            "emr-serverless",
            "CreateApplication",
            create_application(
                serverless(
                    image=IMAGE,
                    driver={"vcpu": 2, "memory_gib": 8},
                    initial={"drivers": 2, "executors": 6},
                )
            ),
        ),
        "serverless_run": (
            "emr-serverless",
            "StartJobRun",
            start_job_run(application, "00f1", WITH_ARCHIVE, RUN),
        ),
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json")))
def test_requests_are_as_they_were_gone_through(name: str, tmp_path: Path) -> None:
    _, _, request = requests(tmp_path)[name]
    assert request == json.loads((GOLDEN / f"{name}.json").read_text())


def test_every_request_was_gone_through_and_is_what_aws_takes(tmp_path: Path) -> None:
    found = requests(tmp_path)
    assert sorted(found) == sorted(path.stem for path in GOLDEN.glob("*.json"))
    session = botocore.session.get_session()
    for service, operation, request in found.values():
        shape = session.get_service_model(service).operation_model(operation).input_shape
        # botocore itself adds tokens where there are none.
        tokens = {name: "t" for name in shape.members if name == "clientToken"}
        report = ParamValidator().validate({**tokens, **request}, shape)
        assert not report.has_errors(), report.generate_report()


def test_spot_is_for_task_nodes_alone_and_the_driver_is_kept_off_it(tmp_path: Path) -> None:
    request = requests(tmp_path)["nightly_cluster"][2]
    fleets = {fleet["Name"]: fleet for fleet in request["Instances"]["InstanceFleets"]}
    assert {name: fleet["TargetSpotCapacity"] for name, fleet in fleets.items()} == {
        "primary": 0,
        "core": 0,
        "task": 2,
    }
    spot = fleets["task"]["LaunchSpecifications"]["SpotSpecification"]
    assert spot["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"
    (labels,) = request["Configurations"]
    assert labels["Properties"]["yarn.node-labels.am.default-node-label-expression"] == "CORE"


def test_a_driver_is_bound_to_core_nodes_only_where_there_are_any() -> None:
    assert "Configurations" in run_job_flow(cluster())
    assert "Configurations" not in run_job_flow(cluster(core=None))


def test_files_that_settings_name_are_kept_beside_what_is_shipped() -> None:
    own = {
        "spark.submit.pyFiles": "s3://x/a.zip, s3://x/b.py",
        "spark.archives": "s3://x/c.tar.gz#c",
        "spark.jars": "s3://x/d.jar",
        "spark.files": "s3://x/e.txt",
        "spark.executorEnv.PYTHONPATH": "./c",
    }
    step = add_job_flow_steps(cluster(spark=own), "j-1", WITH_ARCHIVE, RUN)
    on_cluster = step["Steps"][0]["HadoopJarStep"]["Args"]
    driver = start_job_run(serverless(spark=own), "00f1", WITH_ARCHIVE, RUN)["jobDriver"]
    for words in (on_cluster, shlex.split(driver["sparkSubmit"]["sparkSubmitParameters"])):
        pairs = list(pairwise(words))
        files = f"s3://x/a.zip,s3://x/b.py,{SHIPPED.py_files}"
        assert [after for word, after in pairs if word == "--py-files"] == [files]
        settings = dict(after.split("=", 1) for word, after in pairs if word == "--conf")
        assert "spark.submit.pyFiles" not in settings
        assert (
            settings["spark.archives"] == f"s3://x/c.tar.gz#c,{WITH_ARCHIVE.archive}#dependencies"
        )
        assert settings["spark.jars"] == "s3://x/d.jar"
        assert settings["spark.files"] == "s3://x/e.txt"
        assert settings["spark.executorEnv.PYTHONPATH"] == "./c:./dependencies"


MANY = tuple(f"s3://bucket/folder/file-{number:05}.gz" for number in range(2000))


@pytest.mark.parametrize("where", ["step", "serverless"])
def test_arguments_that_are_too_long_are_refused_and_a_list_of_inputs_fits(where: str) -> None:
    def ask(run: Submission) -> Any:
        if where == "step":
            return add_job_flow_steps(cluster(), "j-1", SHIPPED, run)
        return start_job_run(serverless(), "00f1", SHIPPED, run)

    run = Submission("r", "word-count", ("--input", *MANY, "--output", "s3://out"))
    with pytest.raises(TooLongError, match="takes 10,2"):
        ask(run)
    made = listed(run, "s3://home/g")
    assert made is not None
    assert ask(made.submission)
    assert listed(made.submission, "s3://home/g") is None


def test_settings_that_are_too_long_are_refused() -> None:
    spec = serverless(spark={"spark.x": "y" * 102_400})
    with pytest.raises(UsageError, match="settings of Spark have"):
        start_job_run(spec, "00f1", SHIPPED, RUN)


def test_dependencies_are_refused_where_they_would_not_reach_the_driver() -> None:
    with pytest.raises(UsageError, match="deploy_mode"):
        add_job_flow_steps(cluster(deploy_mode="client"), "j-1", WITH_ARCHIVE, RUN)


def test_a_token_is_made_of_the_run_key_and_short_enough() -> None:
    spec = serverless()
    run = Submission("k" * 48, "word-count", ())
    first, again = (start_job_run(spec, "00f1", SHIPPED, run)["clientToken"] for _ in range(2))
    assert first == again
    assert len(first) <= 64
    other = start_job_run(spec, "00f1", SHIPPED, Submission("j" * 48, "word-count", ()))
    assert other["clientToken"] != first


def test_the_memory_of_a_worker_is_sparks_with_its_overhead() -> None:
    spec = serverless(driver={"vcpu": 1, "memory_gib": 2}, executor={"vcpu": 16, "memory_gib": 120})
    parameters = start_job_run(spec, "00f1", SHIPPED, RUN)["jobDriver"]["sparkSubmit"][
        "sparkSubmitParameters"
    ]
    for gib, role in ((2, "driver"), (120, "executor")):
        (said,) = (part.partition("m")[0] for part in parameters.split(f"spark.{role}.memory=")[1:])
        assert int(said) * 1.1 <= gib * 1024
        assert int(said) * 1.1 > gib * 1024 * 0.99
