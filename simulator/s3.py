"""An S3 server of one's own: SeaweedFS on free loopback ports, its data in a temporary folder."""

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REGION = "us-east-1"
_READY_WITHIN = 30.0
_PARTS = ("master", "volume", "filer", "s3", "admin")
# The server dies with the pipe to its keeper, so even where this process is killed.
_KEEPER = '"$@" & server=$!; read -r _; kill -9 $server; wait'


@dataclass(frozen=True)
class S3Server:
    """A running server: its URL, the one bucket it starts with, and the keys it accepts."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """The variables with which any AWS client talks to this server, and to no other."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        """A boto3 client of this server, which tries a request once and waits 10 s at most."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )


@contextlib.contextmanager
def s3_server(bucket: str = "gristmill") -> Iterator[S3Server]:
    """Run a server that has `bucket`, until the block ends; its data goes with it.

    Raises `RuntimeError`, with the end of its log, where it takes no PUT within 30 seconds.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="gristmill-s3-")))
        ports = _free_ports(2 * len(_PARTS))
        server = S3Server(
            endpoint=f"http://127.0.0.1:{ports[_PARTS.index('s3')]}",
            bucket=bucket,
            access_key=secrets.token_hex(10),
            secret_key=secrets.token_hex(20),
        )
        stack.callback(_remove_sockets, ports)
        log = stack.enter_context((folder / "log").open("wb"))
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "sh", *_command(folder, ports, server)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            # Ctrl-C is for the tests; they stop the server.
            start_new_session=True,
        )
        # Leaving it closes the pipe and waits.
        stack.enter_context(keeper)
        _wait(server, folder / "log")
        yield server


def _command(folder: Path, ports: list[int], server: S3Server) -> list[str]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
        "actions": ["Admin"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    http, grpc = ports[: len(_PARTS)], ports[len(_PARTS) :]
    return [
        str(Path(sys.executable).parent / "weed"),
        # All parts in one process, each started once the one before is ready.
        "mini",
        f"-dir={folder / 'data'}",
        f"-bucket={server.bucket}",
        f"-s3.config={folder / 's3.json'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{part}.port={port}" for part, port in zip(_PARTS, http, strict=True)),
        *(f"-{part}.port.grpc={port}" for part, port in zip(_PARTS, grpc, strict=True)),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
    ]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def _wait(server: S3Server, log: Path) -> None:
    client = server.client()
    deadline = time.monotonic() + _READY_WITHIN
    while True:
        try:
            # Its health checks succeed long before a write does.
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"")
            client.delete_object(Bucket=server.bucket, Key="ready")
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > deadline:
                told = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"SeaweedFS is not ready: {error}\n{told}") from error
            time.sleep(0.05)
        else:
            return


def _remove_sockets(ports: list[int]) -> None:
    # It puts them there whatever it is told, and leaves them there.
    for port in ports:
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)
