"""What is said of a run's use of Spark, and what is not."""

from dataclasses import replace

import pytest

from gristmill.diagnosis.tuning import ExecutorUse, StageUse, Usage, tuning

GIB = 1 << 30
EVEN = StageUse(1, 64, 9.0, 11.0, 90.0, 640.0, read=8 * GIB)
BUSY = ExecutorUse(8, 100.0, 4 * GIB, 2 * GIB)
WELL = Usage(100.0, (EVEN,), (BUSY,))


def test_a_run_that_is_well_is_told_nothing() -> None:
    assert tuning(WELL) == ()


def test_a_short_run_is_told_nothing() -> None:
    idle = replace(WELL, seconds=59.0, stages=(replace(EVEN, working=1.0),))
    assert tuning(idle) == ()
    assert tuning(idle, shortest=10.0)


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        (replace(EVEN, longest=60.0), "one file holds most of the input"),
        (replace(EVEN, longest=60.0, read=0, shuffled=GIB), "one key has most of the rows"),
    ],
)
def test_a_task_that_others_wait_for_is_skew(stage: StageUse, why: str) -> None:
    (note,) = tuning(replace(WELL, stages=(stage,)))
    assert note.startswith("skew: in stage 1")
    assert "the longest of 64 tasks took 60 s, the median 9.0 s" in note
    assert why in note


@pytest.mark.parametrize(
    "stage",
    [
        replace(EVEN, median=40.0, longest=60.0),  # not so much longer
        replace(EVEN, median=0.1, longest=9.0),  # Java was cold
        replace(EVEN, longest=60.0, tasks=2),
        replace(EVEN, longest=45.0, lasted=95.0),  # beside it the others went on
    ],
)
def test_a_long_task_alone_is_no_skew(stage: StageUse) -> None:
    assert tuning(replace(WELL, stages=(stage,))) == ()


def test_spill_names_the_partitions_that_would_have_had_room() -> None:
    stage = replace(EVEN, read=0, shuffled=2 * GIB, spilled=4 * GIB)
    (note,) = tuning(replace(WELL, stages=(stage,)))
    assert note.startswith("spill: 4.0 GiB went to disk")
    assert "spark.sql.shuffle.partitions=192" in note  # three times as many
    assert "spark.executor.memory" in note
    (note,) = tuning(replace(WELL, stages=(stage,), is_local=True))
    assert "spark.driver.memory" in note


def test_a_little_spill_is_not_worth_a_word() -> None:
    assert tuning(replace(WELL, stages=(replace(EVEN, shuffled=GIB, spilled=1000),))) == ()


def test_cores_without_tasks_are_idle() -> None:
    few = StageUse(2, 2, 80.0, 90.0, 92.0, 170.0, read=GIB)
    (note,) = tuning(replace(WELL, stages=(few,)))
    assert note.startswith("idle cores: 8 cores were busy 21% of the time")
    assert "stage 2, which reads, has 2 tasks" in note
    assert "spark.dynamicAllocation.maxExecutors=1" in note
    (note,) = tuning(replace(WELL, stages=(few,), is_local=True))
    assert "maxExecutors" not in note


def test_cores_that_came_late_or_went_are_not_counted_for_what_they_were_not_there() -> None:
    some = replace(EVEN, working=180.0)
    there = (ExecutorUse(2, 100.0), ExecutorUse(8, 10.0))  # 280 core-seconds
    assert tuning(replace(WELL, stages=(some,), executors=there)) == ()


def test_a_cluster_that_waits_for_something_else_needs_fewer_cores() -> None:
    (note,) = tuning(replace(WELL, stages=(replace(EVEN, working=200.0),)))
    assert "the run waited for something else: it needs fewer" in note
    assert tuning(replace(WELL, stages=(replace(EVEN, working=200.0),), is_local=True)) == ()


def test_files_that_are_tiny_are_told_of_on_both_ends() -> None:
    reading = replace(EVEN, tasks=1000, read=1000 * 2048)
    written = (("web_requests", 400, 400 * 10_000), ("rejects", 1, 10))
    notes = tuning(replace(WELL, stages=(reading,), written=written))
    assert len(notes) == 2
    assert "read 1,000 pieces of 2 KiB on average" in notes[0]
    assert "web_requests was written as 400 files of 10 KiB on average" in notes[1]


@pytest.mark.parametrize(
    ("peak", "collecting", "said"),
    [
        (4 * GIB, 0.0, "raise spark.executor.memory"),
        (3 * GIB, 200.0, "31% of the work was garbage collection"),
        (1 * GIB, 0.0, "spark.executor.memory=1536m would do"),
    ],
)
def test_memory_is_held_against_what_was_given(peak: int, collecting: float, said: str) -> None:
    executor = replace(BUSY, peak=peak)
    stage = replace(EVEN, collecting=collecting)
    (note,) = tuning(replace(WELL, stages=(stage,), executors=(executor,)))
    assert note.startswith("memory: ")
    assert said in note


def test_memory_of_which_nothing_is_known_is_not_guessed_at() -> None:
    assert tuning(replace(WELL, executors=(replace(BUSY, peak=None),))) == ()
