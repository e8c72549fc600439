"""A run's use of Spark, out of the event log that Spark keeps.

The log is lines of JSON, an event each, as Spark's JsonProtocol writes them; events that say
nothing of it are passed over (https://spark.apache.org/docs/4.1.1/monitoring.html).
"""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill.diagnosis.tuning import ExecutorUse, StageUse, Usage

_DRIVER = "driver"
_MS = 1000.0


@dataclass
class _Stage:
    times: list[float] = field(default_factory=list)
    first: float = float("inf")
    last: float = 0.0
    collecting: float = 0.0
    read: int = 0
    shuffled: int = 0
    spilled: int = 0


@dataclass
class _Executor:
    cores: int = 0
    added: float = 0.0
    removed: float | None = None
    memory: int | None = None
    peak: int = 0


@dataclass
class _Log:
    name: str = ""
    started: float = 0.0
    ended: float = 0.0
    stages: dict[int, _Stage] = field(default_factory=lambda: defaultdict(_Stage))
    executors: dict[str, _Executor] = field(default_factory=lambda: defaultdict(_Executor))


def usage_of_events(lines: Iterable[str]) -> tuple[str, Usage]:
    """What an application is called, and what it took, by its event log, which may be cut off."""
    log = _Log()
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            # The last line of a driver that died.
            continue
        if isinstance(event, dict):
            _take(log, event)
    is_local = set(log.executors) <= {_DRIVER}
    executors = [
        _executor(one, log)
        for name, one in log.executors.items()
        if one.cores and (name == _DRIVER) is is_local
    ]
    stages = [_stage(number, one) for number, one in sorted(log.stages.items()) if one.times]
    seconds = max(0.0, log.ended - log.started)
    return log.name, Usage(seconds, tuple(stages), tuple(executors), is_local=is_local)


def _take(log: _Log, event: Mapping[str, Any]) -> None:
    kind = event.get("Event")
    when = event.get("Timestamp", 0) / _MS
    log.ended = max(log.ended, when)
    if kind == "SparkListenerApplicationStart":
        log.name, log.started = event.get("App Name", ""), when
    elif kind == "SparkListenerExecutorAdded":
        executor = log.executors[event["Executor ID"]]
        executor.cores, executor.added = event["Executor Info"]["Total Cores"], when
    elif kind == "SparkListenerExecutorRemoved":
        log.executors[event["Executor ID"]].removed = when
    elif kind == "SparkListenerBlockManagerAdded":
        name = event["Block Manager ID"]["Executor ID"]
        if name in log.executors or name != _DRIVER:
            log.executors[name].memory = event.get("Maximum Memory")
    elif kind == "SparkListenerTaskEnd":
        _task(log, event)


def _task(log: _Log, event: Mapping[str, Any]) -> None:
    info, metrics = event["Task Info"], event.get("Task Metrics") or {}
    stage = log.stages[event["Stage ID"]]
    began, over = info["Launch Time"] / _MS, info["Finish Time"] / _MS
    log.ended = max(log.ended, over)
    stage.first, stage.last = min(stage.first, began), max(stage.last, over)
    stage.times.append(metrics.get("Executor Run Time", 0) / _MS)
    stage.collecting += metrics.get("JVM GC Time", 0) / _MS
    stage.spilled += metrics.get("Disk Bytes Spilled", 0)
    stage.read += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
    shuffle = metrics.get("Shuffle Read Metrics", {})
    stage.shuffled += shuffle.get("Remote Bytes Read", 0) + shuffle.get("Local Bytes Read", 0)
    executor = log.executors[info["Executor ID"]]
    peak = (event.get("Task Executor Metrics") or {}).get("JVMHeapMemory", 0)
    executor.peak = max(executor.peak, peak)


def _stage(number: int, one: _Stage) -> StageUse:
    return StageUse(
        id=number,
        tasks=len(one.times),
        median=statistics.median(one.times),
        longest=max(one.times),
        lasted=one.last - one.first,
        working=sum(one.times),
        collecting=one.collecting,
        read=one.read,
        shuffled=one.shuffled,
        spilled=one.spilled,
    )


def _executor(one: _Executor, log: _Log) -> ExecutorUse:
    until = log.ended if one.removed is None else one.removed
    there = max(0.0, until - max(one.added, log.started))
    return ExecutorUse(one.cores, there, heap_of(one.memory), one.peak or None)


def heap_of(memory: int | None) -> int | None:
    """The heap of an executor, in bytes, of which Spark may fill `memory`: 0.6 of all but 300 MiB
    (https://spark.apache.org/docs/4.1.1/tuning.html#memory-management-overview)."""
    return None if memory is None else int(memory / 0.6) + (300 << 20)
