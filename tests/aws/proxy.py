"""A proxy between a client and an S3 server, which breaks what a rule says should break."""

import contextlib
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import Enum, auto
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message><RequestId>0</RequestId></Error>"
)
# What concerns one connection is not passed on to the next; bodies are passed on in one piece.
_OWN = {"connection", "expect", "keep-alive", "transfer-encoding", "content-length"}
_BODILESS = {204, 304}


class Fault(Enum):
    """What can become of a request."""

    SLOW_DOWN = auto()
    """503 SlowDown, as S3 says it; the server never sees the request."""
    RESET = auto()
    """The connection is reset; the server never sees the request."""
    STALL = auto()
    """Silence for `Proxy.stall` seconds, then a reset; the server never sees the request."""
    LOSE_REPLY = auto()
    """The server does what it is asked to; the connection is reset in place of its answer."""
    LATE = auto()
    """The connection is reset; `Proxy.stall` seconds later the server does what it was asked to."""


@dataclass(frozen=True)
class Request:
    """A request as the client sent it: `path` without the query, both still percent-encoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By their names in lower case."""


@dataclass(frozen=True)
class Exchange:
    """A request and what became of it: the status that the server gave, the fault that came in."""

    request: Request
    status: int | None
    fault: Fault | None


Rule = Callable[[Request], Fault | None]
"""Says what befalls a request, if anything. Requests are put to it one at a time."""


def on(
    fault: Fault,
    method: str = "",
    path: str = "",
    query: str = "",
    nth: Container[int] = range(1, 2),
) -> Rule:
    """A rule: `fault` for the `nth` of the requests, counted from 1, that match all the patterns.

    The patterns are regular expressions, found anywhere in the method, the path and the query.
    """
    seen = 0

    def rule(request: Request) -> Fault | None:
        nonlocal seen
        asked = ((method, request.method), (path, request.path), (query, request.query))
        if not all(re.search(pattern, text) for pattern, text in asked):
            return None
        seen += 1
        return fault if seen in nth else None

    return rule


class Proxy:
    """Forwards to `server`, an HTTP URL, while a `with` block runs: give clients `endpoint`.

    The Host header passes unchanged, so that a signature holds. `rule` may be set at any time.
    """

    def __init__(self, server: str) -> None:
        where = urlsplit(server)
        self._server = (where.hostname or "127.0.0.1", where.port or 80)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.rule: Rule = lambda _request: None
        self.stall = 60.0
        """Seconds that a stalled request is kept waiting."""
        self.exchanges: list[Exchange] = []
        """All requests so far, in the order in which they were done with."""
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self._listener.proxy = self
        self._serving = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self.endpoint = f"http://127.0.0.1:{self._listener.server_port}"

    def judge(self, request: Request) -> Fault | None:
        """What the rule has for `request`."""
        with self._lock:
            return self.rule(request)

    def forward(self, request: Request, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's status, headers and body. Raises `OSError` or `HTTPException`."""
        with contextlib.closing(HTTPConnection(*self._server, timeout=60)) as connection:
            target = f"{request.path}?{request.query}" if request.query else request.path
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _OWN:
                    connection.putheader(name, value)
            if body or request.method in {"PUT", "POST"}:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def note(self, exchange: Exchange) -> None:
        """Keep what became of a request."""
        with self._lock:
            self.exchanges.append(exchange)

    def wait(self) -> None:
        """Let the time of a stall pass, or what there is of it before the proxy closes."""
        self._closing.wait(self.stall)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._serving.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        proxy = self.server.proxy
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers)
        body = self._body()
        fault = proxy.judge(request)
        if fault is Fault.LATE:
            self._reset()
        if fault in {Fault.STALL, Fault.LATE}:
            proxy.wait()
        status = None
        answered: tuple[int, list[tuple[str, str]], bytes] | None = None
        if fault is Fault.SLOW_DOWN:
            answered = 503, [("Content-Type", "application/xml")], _SLOW_DOWN
        elif fault not in {Fault.RESET, Fault.STALL}:
            with contextlib.suppress(OSError, HTTPException):
                answered = proxy.forward(request, body)
                status = answered[0]
        proxy.note(Exchange(request, status, fault))
        if fault is Fault.LATE:
            return
        if answered is None or fault is Fault.LOSE_REPLY:
            self._reset()
        else:
            self._answer(*answered)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815  named by the base class

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            if len(body) < size:
                raise ConnectionResetError("the client went away")
            return body
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OWN:
                self.send_header(name, value)
        told = next((value for name, value in headers if name.lower() == "content-length"), None)
        if self.command != "HEAD" and status not in _BODILESS:
            self.send_header("Content-Length", str(len(body)))
        elif told is not None:
            self.send_header("Content-Length", told)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        # Closed so, a socket says RST; and closed here, before a shutdown can say FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, *_arguments: object) -> None:
        """The requests are kept, not printed."""
