"""Specs: what a right one says, and every field of a wrong one named at once."""

import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gristmill.cli.parser import parser
from gristmill.emr.files import ACCOUNT, CLUSTERS
from gristmill.emr.specs import ClusterSpec, ServerlessSpec, load_spec
from gristmill.emr.specs.cluster import architecture
from gristmill.emr.specs.load import check, load_home
from gristmill.errors import UsageError
from tests.support.emr_specs import CLUSTER, NODES, SERVERLESS, account, cluster

TWO = ["m7g.xlarge", "m6g.xlarge"]
TASK = NODES | {"spot": 2}


def wrong(raw: dict[str, Any]) -> dict[str, str]:
    """What is wrong, by field."""
    return dict(check(raw)[1])


@pytest.mark.parametrize("name", sorted(path.stem for path in CLUSTERS.glob("*.toml")))
def test_the_specs_that_come_with_it_are_right(name: str, tmp_path: Path) -> None:
    spec = load_spec(name, account(tmp_path))
    assert spec.name == name
    assert spec.region == "eu-central-1"
    assert spec.logs == "s3://gristmill-111122223333/gristmill/logs"
    assert spec.architecture == "arm64"


@pytest.mark.parametrize("path", sorted(CLUSTERS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_commands_in_its_comments_are_commands(path: Path) -> None:
    told = re.findall(r"`gristmill ([^`]+)`", path.read_text())
    assert told
    for words in told:
        found = parser().parse_args(shlex.split(words.replace("…", "")))
        assert found.cluster == path.stem


def test_what_a_spec_says_goes_before_what_all_share(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'region = "us-east-1"\nlog_uri = "s3://logs/emr/"\nidle_timeout = "90m"\n'
        '[primary]\ninstance_types = ["m5.xlarge"]\n'
    )
    spec = load_spec(str(path), account(tmp_path))
    assert isinstance(spec, ClusterSpec)
    assert (spec.name, spec.region, spec.logs) == ("mine", "us-east-1", "s3://logs/emr")
    assert spec.idle_timeout == timedelta(minutes=90)
    assert spec.architecture == "x86_64"


def test_without_a_region_it_is_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = account(tmp_path)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert load_spec("dev", shared).region == "eu-central-1"
    kept = [line for line in shared.read_text().splitlines() if not line.startswith("region")]
    shared.write_text("\n".join(kept))
    assert load_spec("dev", shared).region == "us-west-2"


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        cluster().name = "other"


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"release_label": "emr-7.13.0"}, "release_label", "runs Spark 3"),
        ({"release_label": "emr-spark-8.0.0"}, "release_label", "runs Spark 4.0"),
        ({"release_label": "emr-8.1.0"}, "release_label", "emr-spark-8.1.0"),
        ({"release_label": "8.1"}, "release_label", "must be a release label"),
        ({"python": "3.12"}, "python", "has Python 3.11 and 3.13"),
        ({"name": "a<b"}, "name", "letters, digits, dots or dashes"),
        ({"region": "Frankfurt"}, "region", "must be a region"),
        ({"home": "bucket/folder"}, "home", "must be a folder in S3"),
        ({"home": "s3://B"}, "home", "must be a folder in S3"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"primary": {}}, "primary.instance_types", "missing"),
        ({"primary": {"instance_types": []}}, "primary.instance_types", "must have 1 or more"),
        ({"primary": {"instance_types": ["big"]}}, "primary.instance_types.0", "m7g.xlarge"),
        (
            {"primary": {"instance_types": ["m7g.xlarge", "m7g.xlarge"]}},
            "primary.instance_types",
            "twice",
        ),
        ({"primary": NODES | {"weights": {"m7g.xlarge": 2}}}, "primary.weights", "one primary"),
        ({"primary": {"instance_types": ["m5.xlarge"]}}, "primary.instance_types", "Graviton"),
        ({"core": NODES | {"count": 0}}, "core.count", "must be 1 or more"),
        (
            {"core": NODES | {"count": 1, "weights": {"c7g.xlarge": 2}}},
            "core.weights",
            "c7g.xlarge",
        ),
        ({"core": None, "task": TASK}, "core", "no task nodes without core"),
        ({"task": NODES}, "task", "one unit at least"),
        ({"task": TASK | {"spot_timeout": "4m"}}, "task.spot_timeout", "between 5m and 24h"),
        ({"task": TASK | {"spot_timeout": "25h"}}, "task.spot_timeout", "between 5m and 24h"),
        ({"task": TASK | {"spot_fallback": "wait"}}, "task.spot_fallback", "'on_demand'"),
        ({"nodes": "groups", "task": TASK | {"on_demand": 1}}, "task", "a group is Spot or"),
        (
            {
                "nodes": "groups",
                "core": {"instance_types": ["m7g.xlarge", "m6g.xlarge"], "count": 1},
            },
            "core.instance_types",
            "an instance group has one type",
        ),
        (
            {"nodes": "groups", "core": NODES | {"count": 1, "weights": {"m7g.xlarge": 1}}},
            "core.weights",
            "only fleets weigh",
        ),
        ({"nodes": "groups", "subnets": ["subnet-01234567", "subnet-89abcdef"]}, "subnets", "one"),
        ({"subnets": []}, "subnets", "name one"),
        ({"subnets": ["vpc-1"]}, "subnets.0", "must be a subnet"),
        ({"idle_timeout": "59s"}, "idle_timeout", "between 60s and 7d"),
        ({"idle_timeout": "8d"}, "idle_timeout", "between 60s and 7d"),
        ({"idle_timeout": "soon"}, "idle_timeout", "span of time"),
        ({"idle_timeout": 60}, "idle_timeout", "span of time"),
        ({"step_concurrency": 0}, "step_concurrency", "must be 1 or more"),
        ({"step_concurrency": 257}, "step_concurrency", "must be 256 or less"),
        ({"root_volume_gib": 10}, "root_volume_gib", "must be 15 or more"),
        ({"runtime_role": "gristmill-runtime"}, "runtime_role", "the ARN of an IAM role"),
        ({"security_configuration": None}, "runtime_role", "only with a security_configuration"),
        ({"scaling": {"minimum": 5, "maximum": 2}}, "scaling.minimum", "above maximum"),
        (
            {"scaling": {"minimum": 1, "maximum": 4, "maximum_core": 5}},
            "scaling.maximum_core",
            "above maximum",
        ),
        (
            {"scaling": {"minimum": 1, "maximum": 4, "maximum_on_demand": 1}},
            "scaling.maximum_on_demand",
            "below core.count",
        ),
        (
            {"task": TASK, "scaling": {"minimum": 2, "maximum": 9, "maximum_on_demand": 2}},
            "scaling.maximum_core",
            "set it",
        ),
        ({"core": None, "scaling": {"minimum": 1, "maximum": 2}}, "core", "starts from core"),
        (
            {"core": NODES | {"count": 1, "volumes": [{"type": "io2", "size_gib": 10}]}},
            "core.volumes.0.iops",
            "io2 needs it",
        ),
        (
            {
                "core": NODES
                | {"count": 1, "volumes": [{"type": "gp2", "size_gib": 9, "iops": 500}]}
            },
            "core.volumes.0.iops",
            "gp2 has none",
        ),
        ({"tags": {"aws:x": "y"}}, "tags.aws:x", "not aws: first"),
        ({"tags": {"x": "y" * 257}}, "tags.x", "at most 256"),
        ({"spark": {"foo": "bar"}}, "spark.foo", "begins with spark."),
        (
            {"spark": {"spark.hadoop.fs.s3a.secret.key": "x"}},
            "spark.spark.hadoop.fs.s3a.secret.key",
            "secret",
        ),
        ({"bootstrap": [{"name": "a", "script": "setup.sh"}]}, "bootstrap.0.script", "in S3"),
        ({"bootstrap": [{"name": "a|b", "script": "s3://bbb/c"}]}, "bootstrap.0.name", "without <"),
        ({"kind": "pod"}, "kind", "must be 'cluster', 'serverless'"),
    ],
)
def test_what_is_wrong_with_a_cluster_is_named(
    changes: dict[str, Any], field: str, says: str
) -> None:
    found = wrong(CLUSTER | changes)
    assert list(found) == [field]
    assert says in found[field]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"driver": {"vcpu": 3}}, "driver.vcpu", "1, 2, 4, 8 or 16"),
        ({"driver": {"vcpu": 4, "memory_gib": 31}}, "driver.memory_gib", "8 to 30 GiB"),
        ({"executor": {"vcpu": 8, "memory_gib": 17}}, "executor.memory_gib", "in steps of 4"),
        ({"maximum": {"vcpu": 7, "memory_gib": 256}}, "maximum.vcpu", "do not fit"),
        ({"maximum": {"vcpu": 64, "memory_gib": 20}}, "maximum.memory_gib", "do not fit"),
        ({"network": {"subnets": ["subnet-01234567"]}}, "network.security_groups", "missing"),
        ({"runtime_role": None}, "runtime_role", "string"),
        ({"idle_timeout": "30s"}, "idle_timeout", "between 1m and 7d"),
    ],
)
def test_what_is_wrong_with_an_application_is_named(
    changes: dict[str, Any], field: str, says: str
) -> None:
    found = wrong(SERVERLESS | changes)
    assert list(found) == [field]
    assert says in found[field]


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        'release_label = "emr-7.13.0"\nidle_timeout = "10s"\nstep_concurrency = 300\n'
        'colour = "red"\nnodes = "groups"\n'
        '[primary]\ninstance_types = ["m7g.xlarge", "m6g.xlarge"]\n'
        '[core]\ninstance_types = ["m7g.xlarge"]\ncount = 0\n'
        '[task]\ninstance_types = ["m7g.xlarge"]\nspot = 1\non_demand = 1\n'
        "[scaling]\nminimum = 5\n"
    )
    with pytest.raises(UsageError) as caught:
        load_spec(str(path), account(tmp_path))
    first, *lines = str(caught.value).splitlines()
    assert first == f"{path}: 8 problems"
    assert {line.strip().partition(":")[0] for line in lines} == {
        "release_label",
        "idle_timeout",
        "step_concurrency",
        "colour",
        "primary.instance_types",
        "core.count",
        "task",
        "scaling.maximum",
    }


def test_without_what_specs_share_it_says_what_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"region: missing(.|\n)*make emr-deploy"):
        load_spec("dev", tmp_path / "account.toml")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("nothing", None, "name one of dev, nightly, serverless"),
        ("no.toml", None, "no spec"),
        ("bad.toml", "a = ", "is not TOML"),
        ("bad.toml", "\xff", "cannot read"),
    ],
)
def test_a_file_that_is_no_spec_is_refused(
    tmp_path: Path, name: str, text: str | None, says: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=says):
        load_spec(str(path) if path.suffix else name, account(tmp_path))


def test_what_specs_share_may_have_only_fields_of_specs(tmp_path: Path) -> None:
    path = account(tmp_path)
    path.write_text(path.read_text() + '\nreegion = "x"\n')
    with pytest.raises(UsageError, match="no spec has a field reegion"):
        load_spec("dev", path)


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        # From https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
        ("m7g.xlarge", "arm64"),
        ("c6gn.16xlarge", "arm64"),
        ("r6gd.metal", "arm64"),
        ("x2gd.large", "arm64"),
        ("im4gn.large", "arm64"),
        ("is4gen.large", "arm64"),
        ("a1.large", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("hpc7g.4xlarge", "arm64"),
        ("m5.xlarge", "x86_64"),
        ("g4dn.xlarge", "x86_64"),
        ("g6.xlarge", "x86_64"),
        ("m7a.medium", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("u-6tb1.metal", "x86_64"),
        ("r6idn.large", "x86_64"),
    ],
)
def test_the_name_of_an_instance_type_tells_its_processors(
    instance_type: str, expected: str
) -> None:
    assert architecture(instance_type) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 300) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
FIELDS = st.sampled_from(sorted({*ClusterSpec.model_fields, *ServerlessSpec.model_fields}))


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(st.sampled_from([CLUSTER, SERVERLESS]), st.dictionaries(FIELDS, JSON, max_size=4))
def test_whatever_a_file_says_is_a_spec_or_is_refused(
    base: dict[str, Any], changes: dict[str, Any]
) -> None:
    spec, found = check(base | changes)
    assert found or spec is not None


def test_runs_are_found_by_a_spec_that_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    account, spec = tmp_path / "account.toml", tmp_path / "mine.toml"
    account.write_text('home = "s3://bucket/gristmill"\n')
    spec.write_text('region = "eu-central-1"\nidle_timeout = "10s"\n')
    with pytest.raises(UsageError, match="problems"):
        load_spec(str(spec), account)
    found = load_home(str(spec), account)
    assert (found.region, found.home) == ("eu-central-1", "s3://bucket/gristmill")
    spec.write_text('region = "nowhere"\n')
    account.write_text("")
    with pytest.raises(UsageError, match=r"2 problems\n  (region|home): .*\n  (region|home): "):
        load_home(str(spec), account)


def test_in_a_clone_the_account_s_file_is_where_people_look() -> None:
    assert Path(__file__).parents[3] / "emr" / "account.toml" == ACCOUNT
    assert CLUSTERS.is_dir()
