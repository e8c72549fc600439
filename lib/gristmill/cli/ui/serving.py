"""`gristmill ui`: serve the page until Ctrl-C."""

import argparse
import os
import socket

from gristmill.cli.manager.context import opened
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, GristmillError, UsageError

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_VARIABLE = "GRISTMILL_UI_TOKEN"


def serve(arguments: argparse.Namespace) -> int:
    """Serve the ledger and outputs; gives the exit code."""
    try:
        import uvicorn  # noqa: PLC0415  it is an extra

        from gristmill.cli.ui.app import app  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise GristmillError(
            f"the page needs {error.name}: pip install 'gristmill[look,manager]'; in a clone: "
            "make setup"
        ) from error
    token = os.environ.get(_VARIABLE) or None
    if token is not None and len(token) < 16:
        raise UsageError(f"{_VARIABLE} is to have 16 characters or more")
    host = arguments.host
    if host not in _LOOPBACK and token is None:
        raise UsageError(
            f"beyond this machine, anybody could read it: set {_VARIABLE}, or leave --host"
        )
    hosts = [*_LOOPBACK, host, *arguments.name]
    with opened(arguments) as ledger, _listening(host, arguments.port) as listening:
        port = listening.getsockname()[1]
        tell(f"http://{'localhost' if host in _LOOPBACK else host}:{port}  (Ctrl-C ends it)")
        if token is None:
            tell(f"nothing can be changed on it: {_VARIABLE} would let whoever knows it")
        config = uvicorn.Config(
            app(ledger, arguments.outputs, token, hosts, is_private=host not in _LOOPBACK),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listening])
    return ExitCode.DONE


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host.strip("[]"), port))
    except OSError as error:
        made.close()
        raise GristmillError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return made
