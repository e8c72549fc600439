"""How far Spark is with a run, told while it works."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql import SparkSession

from gristmill.model.progress import Phase, Progress

_EVERY = 0.2
WORKING = "working"
"""The phase in which Spark's stages say what is done: they read, or they write."""


@contextlib.contextmanager
def watch(
    spark: SparkSession, run: str, phase: Phase, hear: Callable[[Progress], None]
) -> Iterator[None]:
    """Call `hear` five times a second with how far a run is, from a thread of its own.

    The jobs of the run `run` are those of the job group of that name.
    """
    over = threading.Event()

    def look() -> None:
        last = Progress(phase.name)
        while not over.wait(_EVERY):
            # Telling of a run must never be what ends it.
            with contextlib.suppress(Exception):
                last = _progress(spark, run, phase) or last
                hear(last)

    thread = threading.Thread(target=look, name="gristmill-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _progress(spark: SparkSession, run: str, phase: Phase) -> Progress | None:
    """How far it is; None between two stages of Spark's."""
    tracker = spark.sparkContext.statusTracker()
    stages = set(tracker.getActiveStageIds())
    if stages:
        # Other runs may be on the same Spark.
        jobs = filter(None, map(tracker.getJobInfo, tracker.getJobIdsForGroup(run)))
        stages &= {stage for job in jobs for stage in job.stageIds}
    info = tracker.getStageInfo(max(stages)) if stages else None
    if info is None:
        return None if phase.name == WORKING else Progress(phase.name)
    context: Any = spark._jsc
    read = int(context.sc().statusStore().lastStageAttempt(info.stageId).inputBytes())
    name = phase.name
    if name == WORKING:
        # A stage that reads nothing works on what an earlier one has read.
        name = "reading" if read or not info.numCompletedTasks else "writing"
    return Progress(name, info.numTasks, info.numCompletedTasks, read, phase.bytes)
