"""An instance of a group, with metadata by a server of our own and all else by moto."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from gristmill.emr.aws import Aws
from gristmill.emr.fleet import Instance, Notice
from gristmill.errors import GristmillError
from simulator import Simulator

GROUP = "gristmill-workers"


class Metadata:
    """What an instance is told of itself, for a token only (IMDSv2)."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer("the-token" if self.path == "/latest/api/token" else None)

            def do_GET(self) -> None:
                is_known = self.headers["X-aws-ec2-metadata-token"] == "the-token"
                path = self.path.removeprefix("/latest/meta-data/")
                self._answer(kept.told.get(path) if is_known else None)

            def _answer(self, text: str | None) -> None:
                self.send_response(404 if text is None else 200)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    with Metadata() as one:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", one.endpoint)
        yield one


@pytest.fixture
def group(simulator: Simulator, reach: Aws, metadata: Metadata) -> Any:
    """A client of Auto Scaling, with a group of one instance, which is this one."""
    ec2, client = simulator.client("ec2"), simulator.client("autoscaling")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    client.create_launch_configuration(
        LaunchConfigurationName="workers", ImageId=image, InstanceType="m5.large"
    )
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    client.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchConfigurationName="workers",
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=[zone],
    )
    (instance,) = client.describe_auto_scaling_instances()["AutoScalingInstances"]
    metadata.told["instance-id"] = instance["InstanceId"]
    metadata.told["placement/region"] = str(simulator.account["region"])
    yield client
    client.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    client.delete_launch_configuration(LaunchConfigurationName="workers")


def is_protected(client: Any) -> bool:
    (instance,) = client.describe_auto_scaling_instances()["AutoScalingInstances"]
    return bool(instance["ProtectedFromScaleIn"])


def test_an_instance_is_protected_while_it_is_busy(group: Any) -> None:
    one = Instance(GROUP)
    one.protect(busy=True)
    assert is_protected(group)
    one.protect(busy=False)
    assert not is_protected(group)


def test_it_hears_why_it_has_to_go(group: Any, metadata: Metadata) -> None:
    one = Instance(GROUP)
    assert one.notice() is None
    metadata.told["autoscaling/target-lifecycle-state"] = "InService"
    assert one.notice() is None
    metadata.told["autoscaling/target-lifecycle-state"] = "Terminated"
    assert one.notice() is Notice.SCALING
    metadata.told["spot/instance-action"] = '{"action": "terminate"}'
    assert one.notice() is Notice.SPOT


def test_the_backlog_is_told_to_cloudwatch(group: Any, simulator: Simulator) -> None:
    Instance(GROUP).tell_backlog(12)
    client = simulator.client("cloudwatch")
    (metric,) = client.list_metrics(Namespace="Gristmill")["Metrics"]
    assert metric["MetricName"] == "Backlog"
    assert metric["Dimensions"] == [{"Name": "Fleet", "Value": GROUP}]


def test_without_metadata_there_is_no_instance(metadata: Metadata, reach: Aws) -> None:
    with pytest.raises(GristmillError, match="no instance of EC2: leave --fleet out"):
        Instance(GROUP)
