"""What the two ends of a socket say to each other: one JSON object a line."""

import json
import socket
from typing import Any

_LARGEST = 1 << 22
_DESCRIPTORS = 3


def send(to: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send a message, and open files with it."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(to, [data], list(descriptors)) if descriptors else 0
    if data[sent:]:
        # Even nothing would fail where the other end has had enough.
        to.sendall(data[sent:])


def receive(at: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message, and the files that came with it. Raises `ConnectionError` at the end."""
    data, descriptors, _, _ = socket.recv_fds(at, 1 << 16, _DESCRIPTORS)
    while not data.endswith(b"\n"):
        more = at.recv(1 << 16) if data and len(data) < _LARGEST else b""
        if not more:
            raise ConnectionResetError("the other end has gone")
        data += more
    # Two messages may come at once; of those that an end waits for, the last one counts.
    message: dict[str, Any] = json.loads(data.splitlines()[-1])
    return message, descriptors
