"""What each queue is asked to do, as a process: prepare, enqueue, trickle, work."""

import sys
import time
from collections.abc import Callable
from pathlib import Path


def main(
    prepare: Callable[[str], None],
    enqueue: Callable[[str, int], float | None],
    trickle: Callable[[str, int, float], None],
    work: Callable[[str, Path], None],
) -> int:
    """Do what the flags say; `enqueue` prints the seconds that it took."""
    verb, url, *more = sys.argv[1:]
    if verb == "prepare":
        prepare(url)
    elif verb == "enqueue":
        began = time.perf_counter()
        # What starts up first says itself how long the rest took.
        took = enqueue(url, int(more[0]))
        print(time.perf_counter() - began if took is None else took)
    elif verb == "trickle":
        trickle(url, int(more[0]), float(more[1]))
    else:
        work(url, Path(more[0]))
    return 0
