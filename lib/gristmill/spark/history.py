"""Spark's own History Server, on this machine alone
(https://spark.apache.org/docs/4.1.1/monitoring.html#viewing-after-the-fact)."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyspark

from gristmill.errors import GristmillError, UsageError
from gristmill.spark.java import find_java

_CLASS = "org.apache.spark.deploy.history.HistoryServer"
_HERE = "127.0.0.1"
_PATIENCE_SECONDS, _LOOK_SECONDS = 60.0, 0.1


@contextlib.contextmanager
def history_server(folder: Path, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Show the event logs in `folder` until the block ends; gives the URL and the process.

    Raises `UsageError` where the port is taken, `GristmillError` where no Java is found or the
    server does not start.
    """
    java = find_java()
    _check_free(port)
    home = Path(pyspark.__file__).parent
    options = {
        "spark.history.fs.logDirectory": folder.as_uri(),
        "spark.history.ui.port": str(port),
        # Not the next one: the URL is said beforehand.
        "spark.port.maxRetries": "0",
    }
    environ = {
        **os.environ,
        "JAVA_HOME": str(java.home),
        "SPARK_HOME": str(home),
        # Else it would listen to the whole network.
        "SPARK_LOCAL_IP": _HERE,
        "SPARK_HISTORY_OPTS": " ".join(f"-D{key}={value}" for key, value in options.items()),
    }
    server = subprocess.Popen(
        [home / "bin" / "spark-class", _CLASS],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for whoever started it, who ends it.
        start_new_session=True,
    )
    url = f"http://{_HERE}:{port}"
    try:
        _await(url, server)
        yield url, server
    finally:
        server.terminate()
        server.wait()


def _check_free(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((_HERE, port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be had ({error.strerror}): --port takes another"
            ) from error


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/version", timeout=5):  # noqa: S310  ours
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(_LOOK_SECONDS)
    raise GristmillError("Spark's History Server did not start: gristmill doctor checks the Java")
