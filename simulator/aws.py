"""The simulator itself: an AWS that starts, with an account made ready, and ends cleanly."""

import json
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import boto3
from botocore.config import Config

from simulator.emr import Emr
from simulator.emr.lifecycle import Lifecycle
from simulator.emr.state import Account
from simulator.faults import Faults
from simulator.logs import Logs
from simulator.machine import Machine
from simulator.s3 import REGION, S3Server, s3_server
from simulator.server import Door, serving
from simulator.timing import Timing

_TICK = 0.05
_ROLE = "arn:aws:iam::123456789012:role/"
_SECURITY = {
    "AuthorizationConfiguration": {"IAMConfiguration": {"EnableApplicationScopedIAMRole": True}}
}


class Simulator:
    """An AWS on loopback while a `with` block runs: S3 by SeaweedFS, EMR by this package, and all
    else by moto.

    Give `s3` to use a server that runs already; otherwise one is started, with `timing` as it is
    meant for people. Raises `RuntimeError` where S3 does not start.
    """

    security_configuration = "gristmill"
    """One that is there from the start, and on which every step needs a role."""

    def __init__(self, timing: Timing | None = None, s3: S3Server | None = None) -> None:
        self.timing = timing or Timing()
        self.faults = Faults()
        self._given = s3
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="gristmill-emr-")))
            self._s3 = self._given or stack.enter_context(s3_server())
            self.bucket = self._s3.bucket
            self._logs = Logs(self._s3.client(), lambda: self.timing.logs)
            # Filled once the endpoint is known: what runs is to find this AWS too.
            environ: dict[str, str] = {}
            machine = Machine(folder, environ, self._s3.client())
            account = Account(REGION, Lifecycle(machine, self._logs, self.timing))
            account.security[self.security_configuration] = json.dumps(_SECURITY), time.time()
            self._emr = Emr(account)
            door = Door(self._emr, self._emr, self.faults, self._lock)
            self.endpoint = stack.enter_context(serving(door))
            environ |= self.environ
            clock = threading.Thread(target=self._keep_time, name="emr")
            clock.start()
            stack.callback(machine.stop)
            stack.callback(clock.join)
            stack.callback(self._stopping.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @property
    def environ(self) -> dict[str, str]:
        """The variables with which any AWS client talks to this AWS, and to no other."""
        return {**self._s3.environ, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of a service of this AWS, which tries a call once.

        `config` are settings of botocore's `Config`, should it try more often.
        """
        if service == "s3":
            return self._s3.client()
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self._s3.access_key,
            aws_secret_access_key=self._s3.secret_key,
            config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
        )

    @property
    def account(self) -> dict[str, Any]:
        """What Gristmill is to know of the account: the keys and values of its account file."""
        return {
            "region": REGION,
            "home": f"s3://{self.bucket}/gristmill",
            "service_role": f"{_ROLE}gristmill-service",
            "instance_profile": "gristmill-instance",
            "runtime_role": f"{_ROLE}gristmill-runtime",
            "security_configuration": self.security_configuration,
            "subnets": ["subnet-0123456789abcdef0"],
        }

    def write_account(self, path: Path) -> Path:
        """Write the account file, in TOML."""
        # Strings and lists of strings are the same in JSON and TOML.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in self.account.items()]
        path.write_text("".join(lines))
        return path

    def kill_cluster(
        self, cluster_id: str, code: str = "INSTANCE_FAILURE", message: str = ""
    ) -> None:
        """Have a cluster be gone: TERMINATED_WITH_ERRORS, for one of EMR's reasons."""
        words = message or "The master node was terminated by EC2."
        with self._lock:
            self._emr.kill(cluster_id, code, words)

    def _keep_time(self) -> None:
        while not self._stopping.wait(_TICK):
            with self._lock:
                self._emr.advance(time.time())
            self._logs.deliver()
