"""What a run took of Spark, out of the store that also feeds Spark's web pages."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql import SparkSession

from gristmill.diagnosis.event_log import heap_of
from gristmill.diagnosis.tuning import ExecutorUse, StageUse, Usage
from gristmill.model.report import DatasetReport

_QUANTILES = (0.5, 1.0)
_DRIVER = "driver"


def usage_of(
    spark: SparkSession, run: str, started: float, datasets: Sequence[DatasetReport]
) -> Usage:
    """What the jobs of the job group `run` took since `started`, an epoch in seconds."""
    wrapped: Any = spark._jsc
    context = wrapped.sc()
    # What is told of the last stage may still be on its way to the store.
    context.listenerBus().waitUntilEmpty()
    store, ended = context.statusStore(), time.time()
    is_local = bool(context.isLocal())
    return Usage(
        seconds=ended - started,
        stages=tuple(_stages(spark, store, run)),
        executors=tuple(_executors(store, started, ended, is_local=is_local)),
        written=tuple((one.name, one.files, one.bytes) for one in datasets),
        is_local=is_local,
    )


def _stages(spark: SparkSession, store: Any, run: str) -> Iterator[StageUse]:
    tracker = spark.sparkContext.statusTracker()
    jobs = filter(None, map(tracker.getJobInfo, tracker.getJobIdsForGroup(run)))
    quantiles = _doubles(spark, _QUANTILES)
    for number in sorted({stage for job in jobs for stage in job.stageIds}):
        stage = store.lastStageAttempt(number)
        if not (stage.submissionTime().isDefined() and stage.completionTime().isDefined()):
            continue
        times = store.taskSummary(number, stage.attemptId(), quantiles)
        median, longest = 0.0, 0.0
        if times.isDefined():
            found = times.get().executorRunTime().mkString(",").split(",")
            median, longest = (float(one) / 1000 for one in found)
        began, over = (
            one().get().getTime() / 1000 for one in (stage.submissionTime, stage.completionTime)
        )
        yield StageUse(
            id=number,
            tasks=int(stage.numTasks()),
            median=median,
            longest=longest,
            lasted=over - began,
            working=stage.executorRunTime() / 1000,
            collecting=stage.jvmGcTime() / 1000,
            read=int(stage.inputBytes()),
            shuffled=int(stage.shuffleReadBytes()),
            spilled=int(stage.diskBytesSpilled()),
        )


def _executors(
    store: Any, started: float, ended: float, *, is_local: bool
) -> Iterator[ExecutorUse]:
    found = store.executorList(False)
    for place in range(found.size()):
        one = found.apply(place)
        # On a cluster the driver runs no tasks.
        if (one.id() == _DRIVER) is not is_local:
            continue
        gone = one.removeTime()
        until = gone.get().getTime() / 1000 if gone.isDefined() else ended
        there = max(0.0, min(until, ended) - max(one.addTime().getTime() / 1000, started))
        peaks, peak = one.peakMemoryMetrics(), None
        if peaks.isDefined():
            peak = int(peaks.get().getMetricValue("JVMHeapMemory")) or None
        yield ExecutorUse(int(one.totalCores()), there, heap_of(int(one.maxMemory())), peak)


def _doubles(spark: SparkSession, values: Sequence[float]) -> Any:
    gateway: Any = spark.sparkContext._gateway
    made = gateway.new_array(gateway.jvm.double, len(values))
    for place, value in enumerate(values):
        made[place] = value
    return made


def event_log(spark: SparkSession) -> str | None:
    """Where this Spark writes its events down: a file, or the folder of a log that rolls; None
    where it does not."""
    # What Spark itself is set to is there, too, and need not be asked for one by one.
    conf = spark.conf
    folder = conf.get("spark.eventLog.dir", None)
    if conf.get("spark.eventLog.enabled", "false") != "true" or not folder:
        return None
    rolls = conf.get("spark.eventLog.rolling.enabled", "true") == "true"
    return (
        f"{folder.rstrip('/')}/{'eventlog_v2_' if rolls else ''}{spark.sparkContext.applicationId}"
    )
