"""Specs for tests."""

from pathlib import Path
from typing import Any

from gristmill.emr.specs import ClusterSpec, ServerlessSpec, Spec
from gristmill.emr.specs.load import check

ACCOUNT: dict[str, Any] = {
    "region": "eu-central-1",
    "home": "s3://gristmill-111122223333/gristmill",
    "service_role": "gristmill-service",
    "instance_profile": "gristmill-instances",
    "runtime_role": "arn:aws:iam::111122223333:role/gristmill-runtime",
    "security_configuration": "gristmill",
    "subnets": ["subnet-0123456789abcdef0"],
}
NODES: dict[str, Any] = {"instance_types": ["m7g.xlarge"]}
CLUSTER: dict[str, Any] = {
    "kind": "cluster",
    "name": "test",
    **ACCOUNT,
    "primary": NODES,
    "core": NODES | {"count": 2},
}
SERVERLESS: dict[str, Any] = {
    "kind": "serverless",
    "name": "test",
    **{key: ACCOUNT[key] for key in ("region", "home", "runtime_role")},
}


def made(raw: dict[str, Any]) -> Spec:
    """The spec that `raw` is, with which nothing is wrong."""
    spec, wrong = check(raw)
    assert not wrong
    assert spec is not None
    return spec


def cluster(**changes: Any) -> ClusterSpec:
    """A cluster, but for `changes`."""
    spec = made(CLUSTER | changes)
    assert isinstance(spec, ClusterSpec)
    return spec


def serverless(**changes: Any) -> ServerlessSpec:
    """An application, but for `changes`."""
    spec = made(SERVERLESS | changes)
    assert isinstance(spec, ServerlessSpec)
    return spec


def account(folder: Path) -> Path:
    """What specs have in common, as a file."""
    path = folder / "account.toml"
    lines = [f"{key} = {str(value)!r}" for key, value in ACCOUNT.items() if key != "subnets"]
    path.write_text("\n".join([*lines, f"subnets = {ACCOUNT['subnets']}"]))
    return path
