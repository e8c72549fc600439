"""What is told of runs that are skewed, spill or idle on purpose."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import DataFrame, SparkSession

from gristmill.diagnosis.tuning import Usage, tuning
from gristmill.engine.usage import usage_of

SPILLS = {
    "spark.sql.windowExec.buffer.in.memory.threshold": "1000",
    "spark.sql.windowExec.buffer.spill.threshold": "20000",
}


@pytest.fixture
def used(spark: SparkSession) -> Iterator[Callable[[str, Callable[[], object]], Usage]]:
    def use(run: str, work: Callable[[], object]) -> Usage:
        # A worker of Python takes a moment to start.
        sleeps(spark, 0.0, 0.0)
        spark.sparkContext.setJobGroup(run, run)
        started = time.time()
        work()
        return usage_of(spark, run, started, ())

    yield use
    for name in ("spark.jobGroup.id", "spark.job.description"):
        spark.sparkContext.setLocalProperty(name, None)  # type: ignore[arg-type]


def sleeps(spark: SparkSession, *seconds: float) -> None:
    """A task for each of the numbers, which lasts so long."""
    tasks = spark.sparkContext.parallelize(seconds, len(seconds))
    tasks.foreach(time.sleep)


def test_tasks_are_told_with_their_times(spark: SparkSession, used: Callable[..., Usage]) -> None:
    usage = used("skewed", lambda: sleeps(spark, 0.0, 0.0, 0.0, 3.0))
    (stage,) = usage.stages
    assert stage.tasks == 4
    assert stage.median < 2.0
    assert 3.0 <= stage.longest <= stage.lasted + 0.5
    assert stage.longest <= stage.working <= stage.tasks * stage.longest
    assert usage.is_local
    (executor,) = usage.executors
    assert executor.cores == 2
    assert executor.there == pytest.approx(usage.seconds, abs=0.1)
    # What a JVM of 2 GB gives: Spark leaves out the survivor space that is not in use.
    assert executor.heap == pytest.approx(2 << 30, rel=0.1)


def test_a_run_is_told_of_its_own_stages_alone(
    spark: SparkSession, used: Callable[..., Usage]
) -> None:
    used("another", lambda: sleeps(spark, 0.0))
    usage = used("this", lambda: sleeps(spark, 0.0, 0.0, 0.0))
    assert [stage.tasks for stage in usage.stages] == [3]


def test_what_goes_to_disk_is_counted(spark: SparkSession, used: Callable[..., Usage]) -> None:
    own = spark.newSession()
    for key, value in SPILLS.items():
        own.conf.set(key, value)
    rows: DataFrame = own.range(0, 200_000, 1, 4).selectExpr("id", "id % 3 k", "uuid() u")
    windowed = rows.selectExpr("k", "u", "sum(id) OVER (PARTITION BY k) s")
    usage = used("spilling", lambda: windowed.write.format("noop").mode("overwrite").save())
    assert sum(stage.spilled for stage in usage.stages) > 1 << 20
    assert any("spill: " in note for note in tuning(usage, shortest=0))


@pytest.mark.thorough
def test_a_run_whose_cores_wait_for_one_task_is_told_so(
    spark: SparkSession, used: Callable[..., Usage]
) -> None:
    usage = used("waiting", lambda: sleeps(spark, 0.0, 0.0, 0.0, 11.0))
    skew, *others = tuning(usage, shortest=0)
    # One of two cores was busy: that is about half, which is told or not.
    assert all(one.startswith("idle cores") for one in others)
    assert re.search(r"the longest of 4 tasks took 1[1-3] s", skew)
    usage = used("idle", lambda: sleeps(spark, 5.0))
    (idle,) = tuning(usage, shortest=0)
    assert idle.startswith("idle cores: 2 cores were busy")
