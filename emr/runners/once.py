"""Asking for something once, of a service that knows no tokens and may answer late or never."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from emr.aws import explained, is_ambiguous, is_throttled
from gristmill.errors import GristmillError

T = TypeVar("T")

_ATTEMPTS = 6
_LOOKS = (1.0, 3.0, 6.0)


def once(
    what: str,
    find: Callable[[], T | None],
    send: Callable[[], T],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """What `find` gives, or, where that is nothing, what `send` does.

    After a failure that leaves open whether it was done, `find` looks for it, several times, before
    it is sent again. Raises `GristmillError`.
    """
    if (found := find()) is not None:
        return found
    for attempt in range(_ATTEMPTS):
        with explained(what):
            try:
                return send()
            except (ClientError, BotoCoreError) as error:
                last = error
                if is_throttled(error):
                    # S311: it spreads requests, and hides nothing.
                    pause(random.uniform(0.5, 1.0) * 2**attempt)  # noqa: S311
                    continue
                if not is_ambiguous(error):
                    raise
        for wait in _LOOKS:
            pause(wait)
            if (found := find()) is not None:
                return found
    raise GristmillError(
        f"cannot {what}: after {_ATTEMPTS} attempts: {last}\nTo try again, name the same run."
    ) from last
