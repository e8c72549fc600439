"""Events sent in the order of the log, each at least once, however often somebody begins.

The log itself is the outbox: beside it stands, for each place that events go to, the number of the
last entry that arrived there.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpConfig, HttpTransport

from gristmill.errors import GristmillError, OutputError
from gristmill.lineage import Sent
from gristmill.lineage.events import event_of
from gristmill.model.schema import DatasetSchema
from gristmill.publish.layout import HOME
from gristmill.publish.locations import open_location
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.state import read_state
from gristmill.storage import Storage

_SENT = f"{HOME}/lineage"
Comments = Mapping[str, Mapping[str, str]]


def send_all(storage: Storage, to: str, namespace: str, comments: Comments) -> Sent:
    """Send the events of all publishes that a place has not heard of yet.

    Raises `GristmillError` where it does not take one: those before have arrived, and are noted.
    """
    send, sent = sender(to), 0
    schema_of = cache(_schema_of)
    place = f"{_SENT}/{hashlib.sha256(to.encode()).hexdigest()[:16]}.json"
    number = _number(storage.read(place))
    for number_, entry in Log(storage).since(number):
        if isinstance(entry, Manifest):
            send(event_of(storage.root, entry, namespace, comments, schema_of))
            sent += 1
        number = number_
        storage.write(place, json.dumps({"sent": number}).encode())
    return Sent(sent, number)


def _schema_of(uri: str) -> DatasetSchema | None:
    """The schema of a published dataset by the URI of its folder; None where it cannot be found
    any more."""
    root, _, name = uri.rpartition("/")
    # It may lie where this machine may not look: an event without it is better than none.
    with contextlib.suppress(Exception):
        known = read_state(open_location(root)).datasets
        return known[name].schema if name in known else None
    return None


def _number(data: bytes | None) -> int:
    try:
        return int(json.loads(data)["sent"]) if data else 0
    except (ValueError, KeyError, TypeError):
        # Told twice is better than not at all.
        return 0


def sender(to: str) -> Callable[[RunEvent], None]:
    """What sends an event to a URL, or writes it at the end of a file, a line each."""
    if to.startswith(("http://", "https://")):
        return _to_url(to)
    path = Path(to)

    def write(event: RunEvent) -> None:
        line = Serde.to_json(event).encode() + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}") from error

    return write


def _to_url(url: str) -> Callable[[RunEvent], None]:
    key = os.environ.get("OPENLINEAGE_API_KEY")
    config: dict[str, Any] = {"url": url}
    if key:
        config["auth"] = {"type": "api_key", "apiKey": key}
    transport = HttpTransport(HttpConfig.from_dict(config))

    def post(event: RunEvent) -> None:
        try:
            transport.emit(event)
        except Exception as error:
            raise GristmillError(
                f"{url} did not take an event: {error}; what arrived is noted: send again later"
            ) from error

    return post
