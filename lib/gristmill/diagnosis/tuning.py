"""What a run's use of Spark says about its settings: what stood still, and what to set instead.

The figures are Spark's own, of its web pages and its REST API
(https://spark.apache.org/docs/4.1.1/monitoring.html).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_MIB = 1 << 20
# A run that is shorter has nothing to win.
SHORTEST_SECONDS = 60.0
"""How long a run takes at least of which something is said, in seconds."""
_SHARE = 0.1  # of the run, that something costs at least to be worth a word
_TASK_SECONDS = 10.0  # a task that is shorter may have been the first, as Java was cold
_SKEWED, _MANY_TASKS = 4.0, 3
_TINY, _MANY_FILES = 1 * _MIB, 200
_SMALL_FILE = 4 * _MIB
_IDLE = 0.5
_ROOMY, _TIGHT = 0.35, 0.9
_COLLECTING = 0.15


@dataclass(frozen=True)
class StageUse:
    """A stage: its number on Spark's pages, its tasks, what they took and moved (seconds, bytes).

    `median` and `longest` are of its tasks' times, `lasted` is from its first task to its last,
    `working` all its tasks' time together, `collecting` how much of that was garbage collection.
    """

    id: int
    tasks: int
    median: float
    longest: float
    lasted: float
    working: float
    collecting: float = 0.0
    read: int = 0
    shuffled: int = 0
    spilled: int = 0

    @property
    def reads(self) -> bool:
        """Whether it works on input, which kernels read past Spark's count."""
        return self.read >= self.shuffled


@dataclass(frozen=True)
class ExecutorUse:
    """An executor: its cores, how long it was there (seconds), its heap and the most of it that was
    used (bytes; None where that is not known)."""

    cores: int
    there: float
    heap: int | None = None
    peak: int | None = None


@dataclass(frozen=True)
class Usage:
    """What a run took: `seconds` that it worked, by the clock, its stages, the executors it had.

    `written` are the files that it published, each dataset's name with its count and bytes.
    `is_local` says that driver and executor are one process.
    """

    seconds: float
    stages: tuple[StageUse, ...]
    executors: tuple[ExecutorUse, ...]
    written: tuple[tuple[str, int, int], ...] = ()
    is_local: bool = False

    @property
    def core_seconds(self) -> float:
        """How long its cores were there, all together."""
        return sum(one.cores * one.there for one in self.executors)

    @property
    def cores(self) -> float:
        """How many there were, on average."""
        return self.core_seconds / self.seconds if self.seconds else 0.0


def tuning(usage: Usage, shortest: float = SHORTEST_SECONDS) -> tuple[str, ...]:
    """Notes on a run: what cost it time or money, and what to set instead. None where all is well,
    or where it was shorter than `shortest` seconds."""
    if usage.seconds < shortest:
        return ()
    rules: Sequence[Callable[[Usage], Iterator[str]]] = (_skew, _spill, _idle, _files, _memory)
    return tuple(note for rule in rules for note in rule(usage))


def _skew(usage: Usage) -> Iterator[str]:
    for stage in usage.stages:
        lost = stage.longest - stage.median
        is_long = stage.longest >= max(_SKEWED * stage.median, _TASK_SECONDS)
        is_skewed = stage.tasks >= _MANY_TASKS and is_long
        # While it runs alone, the cores beside it wait.
        if not is_skewed or lost < _SHARE * usage.seconds or stage.longest < stage.lasted / 2:
            continue
        if not stage.reads:
            why = (
                "one key has most of the rows: filter or split that key, or group by one more "
                "column first"
            )
        else:
            why = (
                "one file holds most of the input and cannot be split, as gzip cannot: write "
                "smaller files, or unpacked ones"
            )
        yield (
            f"skew: in {_stage(stage)} the longest of {stage.tasks:,} tasks took "
            f"{stage.longest:.0f} s, the median {stage.median:.1f} s: {why}"
        )


def _spill(usage: Usage) -> Iterator[str]:
    stages = [one for one in usage.stages if one.spilled > max(_MIB, one.shuffled * _SHARE)]
    if not stages:
        return
    worst = max(stages, key=lambda stage: stage.spilled)
    total = sum(stage.spilled for stage in stages)
    memory = "spark.driver.memory" if usage.is_local else "spark.executor.memory"
    more = max(2, round((worst.shuffled + worst.spilled) / max(1, worst.shuffled)))
    yield (
        f"spill: {_size(total)} went to disk for want of memory, most of it in {_stage(worst)}: "
        f"more partitions (spark.sql.shuffle.partitions={worst.tasks * more}), or more memory for "
        f"each task ({memory}, or fewer cores)"
    )


def _idle(usage: Usage) -> Iterator[str]:
    had = usage.core_seconds
    if not had or usage.cores < 2:
        return
    worked = sum(stage.working for stage in usage.stages)
    share = min(1.0, worked / had)
    if share >= _IDLE:
        return
    longest = max(usage.stages, key=lambda stage: stage.lasted, default=None)
    busy = max(1, math.ceil(worked / usage.seconds))
    if longest is not None and longest.tasks < usage.cores and longest.lasted > usage.seconds / 3:
        few = f"{longest.tasks:,} tasks" if longest.tasks != 1 else "one task"
        why = (
            f"{_stage(longest)} has {few}: give it more (more or smaller files, splittable ones), "
            "or the run fewer cores"
        )
    elif usage.is_local:
        return
    else:
        why = "the run waited for something else: it needs fewer"
    if not usage.is_local:
        each = max(one.cores for one in usage.executors)
        why += f" (spark.dynamicAllocation.maxExecutors={max(1, -(-busy // each))})"
    yield f"idle cores: {usage.cores:.0f} cores were busy {share:.0%} of the time: {why}"


def _files(usage: Usage) -> Iterator[str]:
    for stage in usage.stages:
        if stage.tasks >= _MANY_FILES and 0 < stage.read < _TINY * stage.tasks:
            yield (
                f"tiny files: {_stage(stage)} read {stage.tasks:,} pieces of "
                f"{_size(stage.read // stage.tasks)} on average: have them written larger, or "
                "joined before (S3DistCp on EMR)"
            )
    for name, files, size in usage.written:
        if files >= _MANY_FILES and size < _SMALL_FILE * files:
            yield (
                f"tiny files: {name} was written as {files:,} files of {_size(size // files)} on "
                "average: load more at once, or choose fewer partitions"
            )


def _memory(usage: Usage) -> Iterator[str]:
    known = [one for one in usage.executors if one.heap and one.peak is not None]
    if not known:
        return
    heap = max(one.heap or 0 for one in known)
    peak = max(one.peak or 0 for one in known)
    setting = "spark.driver.memory" if usage.is_local else "spark.executor.memory"
    worked = sum(stage.working for stage in usage.stages)
    collecting = sum(stage.collecting for stage in usage.stages)
    if worked and collecting > _COLLECTING * worked and peak > heap * 0.7:
        yield (
            f"memory: {collecting / worked:.0%} of the work was garbage collection, with "
            f"{_size(peak)} of {_size(heap)} in use: raise {setting}, or give it fewer cores"
        )
    elif peak > _TIGHT * heap:
        yield f"memory: {_size(peak)} of {_size(heap)} were in use: raise {setting}"
    elif peak < _ROOMY * heap and heap > 2048 * _MIB and not usage.is_local:
        # What the heap holds besides: half as much again.
        enough = max(1024, math.ceil(peak * 1.5 / _MIB / 256) * 256)
        yield (
            f"memory: {_size(peak)} of {_size(heap)} were in use: {setting}={enough}m would do, on "
            "smaller or fewer machines"
        )


def _stage(stage: StageUse) -> str:
    if stage.reads:
        return f"stage {stage.id}, which reads,"
    return f"stage {stage.id}, which works on what was shuffled,"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
