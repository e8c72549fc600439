"""What EMR or EBS would refuse later, and what would undo what Gristmill relies on."""

from typing import Any

import pytest

from gristmill.emr.package import Shipped
from gristmill.emr.requests.steps import step
from gristmill.emr.specs.load import check
from gristmill.emr.specs.spark import changed_by_yarn
from gristmill.runs import Submission
from tests.support.emr_specs import CLUSTER, NODES, SERVERLESS, cluster


def volume(**of: Any) -> dict[str, Any]:
    return {"core": NODES | {"count": 1, "volumes": [of]}}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        (volume(type="st1", size_gib=100), "core.volumes.0.size_gib", "125 or more"),
        (volume(type="io2", size_gib=3, iops=100), "core.volumes.0.size_gib", "4 or more"),
        (volume(size_gib=100, iops=2000), "core.volumes.0.iops", "3,000 or more"),
        (volume(size_gib=10, iops=6000), "core.volumes.0.iops", "at most 5,000"),
        (volume(type="io1", size_gib=10, iops=501), "core.volumes.0.iops", "at most 500"),
        (volume(size_gib=100, throughput=1000), "core.volumes.0.throughput", "4,000 iops"),
        (
            {"core": NODES | {"count": 1, "volumes": [{"size_gib": 9, "per_node": 13}] * 2}},
            "core.volumes",
            "at most 25",
        ),
        ({"tags": {"gristmill:cluster": "x"}}, "tags.gristmill:cluster", "sets itself"),
        (
            {"tags": {"for-use-with-amazon-emr-managed-policies": "false"}},
            "tags.for-use-with-amazon-emr-managed-policies",
            "sets itself",
        ),
        # Cancelling ends all that runs under the tag.
        ({"spark": {"spark.yarn.tags": "team"}}, "spark.spark.yarn.tags", "sets itself"),
        ({"spark": {"spark.submit.deployMode": "client"}}, None, "deploy_mode"),
        ({"spark": {"spark.app.name": "mine"}}, "spark.spark.app.name", "sets itself"),
        ({"spark": {"spark.master": "local"}}, "spark.spark.master", "sets itself"),
        ({"home": "s3://bucket"}, "home", "a folder in it"),
    ],
)
def test_what_would_be_refused_later_is_refused(
    changes: dict[str, Any], field: str | None, says: str
) -> None:
    found = dict(check(CLUSTER | changes)[1])
    assert list(found) == [field or "spark.spark.submit.deployMode"]
    assert says in next(iter(found.values()))


@pytest.mark.parametrize(
    "refused",
    ["t3.medium", "t4g.2xlarge", "m5.large", "c6g.medium", "t2.nano", "m7g.metal", "mac1.metal"],
)
def test_instance_types_that_emr_refuses_are_refused(refused: str) -> None:
    for role in ("primary", "core"):
        nodes = {"instance_types": [refused], "count": 1}
        changes = {"primary": {"instance_types": [refused]}, "core": nodes}
        assert (
            f"EMR refuses {refused}" in dict(check(CLUSTER | changes)[1])[f"{role}.instance_types"]
        )
        assert check(CLUSTER | changes | {"any_instance_type": True})[1] == []


@pytest.mark.parametrize(
    "changes",
    [
        volume(size_gib=1),
        volume(size_gib=8, iops=4000, throughput=1000),
        volume(type="io1", size_gib=10, iops=500),
        volume(type="sc1", size_gib=125),
        {"tags": {"team": "gristmill:cluster"}},
        # Whether there are any, not what they are.
        {"spark": {"spark.security.credentials.hive.enabled": "false"}},
    ],
)
def test_what_is_taken_is_taken(changes: dict[str, Any]) -> None:
    assert check(CLUSTER | changes)[1] == []


def test_what_yarn_would_change_of_a_setting_is_noted() -> None:
    settings = {
        "spark.driver.extraJavaOptions": "-Dfoo={{bar}}",
        "spark.executor.extraJavaOptions": "-Da={{EXECUTOR_ID}} -Db='c d'",
        "spark.executor.defaultJavaOptions": "-Dbraces=}}",
        "spark.hadoop.x": "{{y}}",
    }
    noted = [note.partition(":")[0] for note in changed_by_yarn(settings)]
    assert noted == ["spark.driver.extraJavaOptions", "spark.executor.defaultJavaOptions"]


ECR = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/spark"


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"image": "spark:1"}, "image", "an image in ECR"),
        ({"image": ECR}, "image", "an image in ECR"),
        ({"image": ECR.replace("central", "west") + ":1"}, "image", "must be in eu-central-1"),
        ({"initial": {"drivers": 1, "executors": 16}}, "maximum.vcpu", "as initial has them"),
        ({"initial": {"drivers": 0, "executors": 1}}, "initial.drivers", "1 or more"),
        ({"initial": {"drivers": 1}}, "initial.executors", "missing"),
    ],
)
def test_images_and_workers_that_wait_are_checked(
    changes: dict[str, Any], field: str, says: str
) -> None:
    found = dict(check(SERVERLESS | changes)[1])
    assert list(found) == [field]
    assert says in found[field]


@pytest.mark.parametrize(
    "changes",
    [
        {"image": f"{ECR}:1.2"},
        {"image": f"{ECR}@sha256:{'0' * 64}"},
        {"initial": {"drivers": 1, "executors": 15}},
    ],
)
def test_an_application_of_ones_own_is_taken(changes: dict[str, Any]) -> None:
    assert check(SERVERLESS | changes)[1] == []


def test_two_applications_have_two_names() -> None:
    assert "at most 54" in dict(check(SERVERLESS | {"name": "n" * 55})[1])["name"]
    assert check(SERVERLESS | {"name": "n" * 54})[1] == []


def test_archives_of_a_spec_travel_beside_the_dependencies() -> None:
    spec = cluster(
        spark={
            "spark.archives": "s3://b/fonts.zip#fonts",
            "spark.executorEnv.PYTHONPATH": "./fonts",
        }
    )
    shipped = Shipped("s3://b/p.zip", "s3://b/e.py", "s3://b/d.tar.gz")
    words = step(spec, shipped, Submission("r", "j", ()), "CONTINUE")["HadoopJarStep"]["Args"]
    assert "spark.archives=s3://b/fonts.zip#fonts,s3://b/d.tar.gz#dependencies" in words
    assert "spark.executorEnv.PYTHONPATH=./fonts:./dependencies" in words
