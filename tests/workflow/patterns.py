"""The functions and resources that docs/workflow-patterns.md takes for granted."""

import zlib
from typing import Any

from gristmill.workflow.bindings.queues import Queue
from gristmill.workflow.bindings.topics import Subscription, Topic

ITEMS = [f"item-{number}" for number in range(12)]
QUEUES = {name: Queue(name) for name in ("a", "b", "work")}
TOPICS = {"news": Topic("news", (Subscription("a"), Subscription("b", is_raw=True)))}


class BrokenShard(Exception):  # noqa: N818  the name that the page tells
    """What serves one shard is broken."""


def double(event: Any, _context: Any) -> Any:
    return event * 2


def halves(event: Any, _context: Any) -> Any:
    half = event["n"] // 2
    return {"halves": [{"n": event["n"] - half}, {"n": half}]}


def shard(event: Any, _context: Any) -> Any:
    """How many of the items are in a shard; the second cannot be reached."""
    if event["shard"] == 1:
        raise BrokenShard("its machine is gone")
    mine = [one for one in ITEMS if zlib.crc32(one.encode()) % event["of"] == event["shard"]]
    return {"done": len(mine)}


FUNCTIONS = {"double": double, "halves": halves, "shard": shard}
