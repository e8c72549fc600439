"""A worker as an instance of an Auto Scaling group: protected while it is busy, told to go in time.

- Instance protection: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
- Lifecycle state: https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
- Spot notices: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""

import os
import urllib.error
import urllib.request
from enum import StrEnum
from pathlib import Path

from gristmill.emr.aws import Aws, explained
from gristmill.errors import GristmillError

TEMPLATE = Path(__file__).with_name("template.yaml")
_SECONDS = 2.0
_HOOK = "drain"


class Notice(StrEnum):
    """Why an instance has to go."""

    SPOT = "spot"
    """EC2 takes it back within two minutes."""
    SCALING = "scaling"
    """Its group ends it; it may see through what it holds."""


class Instance:
    """This instance, in its group. Raises `GristmillError` where there is no instance."""

    def __init__(self, group: str) -> None:
        self.group = group
        usual = "http://169.254.169.254"
        self._endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", usual).rstrip("/")
        self.id = self._told("instance-id")
        if self.id is None:
            raise GristmillError("this is no instance of EC2: leave --fleet out")
        self._aws = Aws(self._told("placement/region"))
        self._is_protected: bool | None = None

    def notice(self) -> Notice | None:
        """Whether this instance has to go."""
        if self._told("spot/instance-action") is not None:
            return Notice.SPOT
        if self._told("autoscaling/target-lifecycle-state") == "Terminated":
            return Notice.SCALING
        return None

    def protect(self, *, busy: bool) -> None:
        """Keep it from being ended by scaling in while it is busy, and let it go when it is not."""
        if busy == self._is_protected:
            return
        with explained(f"protect {self.id} from scaling in"):
            self._aws.client("autoscaling").set_instance_protection(
                InstanceIds=[self.id], AutoScalingGroupName=self.group, ProtectedFromScaleIn=busy
            )
        self._is_protected = busy

    def tell_backlog(self, runs: int) -> None:
        """Tell CloudWatch how many runs wait and go on, by which the group scales."""
        tell_backlog(self._aws, self.group, runs)

    def leave(self) -> None:
        """Let the group end this instance now: nothing is left to be seen through."""
        with explained(f"let {self.id} go"):
            self._aws.client("autoscaling").complete_lifecycle_action(
                LifecycleHookName=_HOOK,
                AutoScalingGroupName=self.group,
                LifecycleActionResult="CONTINUE",
                InstanceId=self.id,
            )

    def _told(self, path: str) -> str | None:
        """What the instance's metadata say; None where they say nothing."""
        token = self._asked("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        if token is None:
            return None
        return self._asked("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": token})

    def _asked(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        request = urllib.request.Request(  # noqa: S310  a link-local address, by plain HTTP
            f"{self._endpoint}/latest/{path}", method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return None


def tell_backlog(aws: Aws, group: str, runs: int) -> None:
    """Tell CloudWatch how many runs wait and go on. Raises `GristmillError`."""
    with explained("tell the backlog"):
        aws.client("cloudwatch").put_metric_data(
            Namespace="Gristmill",
            MetricData=[
                {
                    "MetricName": "Backlog",
                    "Dimensions": [{"Name": "Fleet", "Value": group}],
                    "Value": float(runs),
                    "Unit": "Count",
                }
            ],
        )
