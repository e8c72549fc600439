"""Logs, brought to S3 as EMR brings them: packed, and some time after what they tell of."""

import gzip
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit


class Logs:
    """The logs that are on their way. `delay` says after how many seconds, or None for never."""

    def __init__(self, client: Any, delay: Callable[[], float | None]) -> None:
        self._client = client
        self._delay = delay
        self._waiting: list[tuple[float, str, bytes]] = []
        self._lock = Lock()

    def send(self, home: str | None, files: Mapping[str, Path]) -> None:
        """Have files be at `home`, a URI, each under its name and `.gz`; without one, nowhere."""
        delay = self._delay()
        if not home or delay is None:
            return
        due = time.monotonic() + delay
        with self._lock:
            self._waiting += [
                (due, f"{home.rstrip('/')}/{name}.gz", path.read_bytes())
                for name, path in files.items()
                if path.is_file()
            ]

    def deliver(self) -> None:
        """Bring to S3 what is due. Nothing where its bucket is not there, as EMR does."""
        now = time.monotonic()
        with self._lock:
            due = [one for one in self._waiting if one[0] <= now]
            self._waiting = [one for one in self._waiting if one[0] > now]
        for _, uri, text in due:
            place = urlsplit(uri)
            key, body = place.path.lstrip("/"), gzip.compress(text)
            try:
                self._client.put_object(Bucket=place.netloc, Key=key, Body=body)
            except self._client.exceptions.NoSuchBucket:
                continue
