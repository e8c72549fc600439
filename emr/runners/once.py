"""Asking for something once, of a service that knows no tokens and may answer late or never."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from gristmill.emr.aws import explained, is_ambiguous, is_throttled
from gristmill.errors import GristmillError

T = TypeVar("T")

_ATTEMPTS = 6
_LOOKS = (1.0, 3.0, 6.0)
_SENDS = 100.0  # seconds within which the last request is sent; its answer may take 70 more


def once(
    what: str,
    find: Callable[[], T | None],
    send: Callable[[], T],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What `find` gives, or, where that is nothing, what `send` does.

    After a failure that leaves open whether it was done, `find` looks for it, several times, before
    it is sent again: for so long that others may know when nothing is sent any more. Raises
    `GristmillError`, and `RefusedError` where nothing was done for certain.
    """
    start = clock()
    if (found := find()) is not None:
        return found
    unclear = False
    for attempt in range(_ATTEMPTS):
        if attempt and clock() - start > _SENDS:
            break
        with explained(what):
            try:
                return send()
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                last = error
                if is_throttled(error):
                    # S311: it spreads requests, and hides nothing.
                    pause(random.uniform(0.5, 1.0) * 2**attempt)  # noqa: S311
                    continue
                if not is_ambiguous(error):
                    if unclear:
                        # An earlier one may have been done, and not be seen yet.
                        raise GristmillError(f"cannot {what}: {error}") from error
                    raise
                unclear = True
        for wait in _LOOKS:
            pause(wait)
            if (found := find()) is not None:
                return found
    raise GristmillError(f"cannot {what}: tried for {clock() - start:.0f} s: {last}") from last
