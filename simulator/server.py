"""AWS's front door on loopback: EMR and EMR Serverless are ours, what is left is moto's."""

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from simulator.errors import ApiError
from simulator.faults import Fault, Faults
from simulator.protocols import Json, RestJson, Wire, answer

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
_CREDENTIAL_OF_SERVERLESS = re.compile(r"Credential=[^,]*/emr-serverless/aws4_request")


class Service(Protocol):
    """An AWS service that is simulated here."""

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do an operation, named as AWS does. Raises `ApiError`."""


class Door:
    """The WSGI application. Services are called by one thread at a time, under `lock`."""

    def __init__(
        self, emr: Service, serverless: Service, faults: Faults, lock: threading.RLock
    ) -> None:
        self._emr: tuple[Service, Wire] = emr, Json()
        self._serverless: tuple[Service, Wire] = serverless, RestJson()
        self._faults = faults
        self._lock = lock
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("ElasticMapReduce."):
            service, wire = self._emr
        elif _CREDENTIAL_OF_SERVERLESS.search(environ.get("HTTP_AUTHORIZATION", "")):
            service, wire = self._serverless
        else:
            found: Iterable[bytes] = self._moto(environ, start_response)
            return found
        try:
            response = self._answer(service, wire, environ)
        except ApiError as error:
            response = wire.error(error)
        return response(environ, start_response)

    def _answer(self, service: Service, wire: Wire, environ: Environ) -> Response:
        asked = wire.parse(Request(environ))
        name = asked.operation.name
        fault = self._faults.meet(name, asked.parameters)
        if fault is Fault.THROTTLED:
            raise ApiError("ThrottlingException", "Rate exceeded")
        if fault is Fault.FAILED_BEFORE:
            raise _internal()
        try:
            with self._lock:
                done = service.call(name, asked.parameters)
        except ApiError:
            if fault is not Fault.ANSWER_LOST:
                raise
        if fault is Fault.ANSWER_LOST:
            _reset(environ["werkzeug.socket"])
            raise ConnectionResetError
        if fault is Fault.FAILED_AFTER:
            raise _internal()
        return answer(asked.operation, done)


def _internal() -> ApiError:
    return ApiError("InternalServerException", "An internal error occurred.", 500)


def _reset(connection: socket.socket) -> None:
    # With no time to linger, closing it resets it.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Handler(WSGIRequestHandler):
    # A connection a request: none is left when the server stops.
    protocol_version = "HTTP/1.0"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        pass


@contextlib.contextmanager
def serving(door: Door) -> Iterator[str]:
    """Serve on a free port of loopback until the block ends; gives the URL."""
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="aws")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
