"""How far Spark is with a run, told while it works."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from pyspark import StatusTracker
from pyspark.sql import SparkSession

from gristmill.model.progress import Progress

_EVERY = 0.2


@contextlib.contextmanager
def watch(spark: SparkSession, hear: Callable[[Progress], None]) -> Iterator[None]:
    """Call `hear` whenever the progress has changed, from a thread of its own."""
    tracker = spark.sparkContext.statusTracker()
    over = threading.Event()

    def look() -> None:
        last: Progress | None = None
        while not over.wait(_EVERY):
            now = _progress(tracker)
            if now is not None and now != last:
                hear(now)
                last = now

    thread = threading.Thread(target=look, name="gristmill-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _progress(tracker: StatusTracker) -> Progress | None:
    stages = tracker.getActiveStageIds()
    info = tracker.getStageInfo(max(stages)) if stages else None
    if info is None:
        return None
    return Progress(info.stageId, info.numTasks, info.numCompletedTasks)
