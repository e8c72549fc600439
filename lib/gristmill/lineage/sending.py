"""Events sent in the order of the log, each at least once, however often somebody begins.

The log itself is the outbox, and for runs that failed what is kept of them: beside it stands, for
each place that events go to, the number of the last entry that arrived there, and those failures.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import RunEvent
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpConfig, HttpTransport

from gristmill.errors import GristmillError, OutputError
from gristmill.lineage import Sent
from gristmill.lineage.events import event_of, failure_of
from gristmill.lineage.failures import Failure, kept
from gristmill.model.schema import DatasetSchema
from gristmill.publish.layout import HOME
from gristmill.publish.locations import open_location
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.publish.state import read_state
from gristmill.storage import Storage

_SENT = f"{HOME}/lineage"
Comments = Mapping[str, Mapping[str, str]]


def send_all(
    storage: Storage, to: str, namespace: str, comments: Comments, now: datetime | None = None
) -> Sent:
    """Send the events of all publishes and failures that a place has not heard of yet.

    Failures are kept by the time `now`. Raises `GristmillError` where the place does not take an
    event: those before have arrived, and are noted.
    """
    send, sent = sender(to), 0
    schema_of = cache(_schema_of)
    place = f"{_SENT}/{hashlib.sha256(to.encode()).hexdigest()[:16]}.json"
    number, failed = _noted(storage.read(place))
    for number_, entry in Log(storage).since(number):
        if isinstance(entry, Manifest):
            send(event_of(storage.root, entry, namespace, comments, schema_of))
            sent += 1
        number = number_
        storage.write(place, _note(number, failed))
    known = list(kept(storage, now))
    # Of those that are not kept any more nothing has to be remembered.
    failed &= {one.run for one in known}
    for one in known:
        if one.run not in failed:
            send(failure_of(storage.root, one, namespace))
            sent += 1
            failed.add(one.run)
            storage.write(place, _note(number, failed))
    return Sent(sent, number)


def send_failure(root: str, failure: Failure, to: str, namespace: str) -> None:
    """Send the event of a run that failed before there was an output to keep it.

    Raises `GristmillError` where the place does not take it.
    """
    sender(to)(failure_of(root, failure, namespace))


def _schema_of(uri: str) -> DatasetSchema | None:
    """The schema of a published dataset by the URI of its folder; None where it cannot be found
    any more."""
    root, _, name = uri.rpartition("/")
    # It may lie where this machine may not look: an event without it is better than none.
    with contextlib.suppress(Exception):
        known = read_state(open_location(root)).datasets
        return known[name].schema if name in known else None
    return None


def _note(number: int, failed: set[str]) -> bytes:
    return json.dumps({"sent": number, "failed": sorted(failed)}).encode()


def _noted(data: bytes | None) -> tuple[int, set[str]]:
    """Up to which entry of the log a place has heard, and of which failures."""
    try:
        note: Any = json.loads(data) if data else {"sent": 0}
        return int(note["sent"]), set(note.get("failed", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Told twice is better than not at all.
        return 0, set()


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
