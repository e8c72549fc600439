"""Event logs, written by hand after Spark's JsonProtocol, and what is read out of them."""

import json
from typing import Any

import pytest

from gristmill.diagnosis.event_log import usage_of_events
from gristmill.diagnosis.tuning import tuning

GIB = 1 << 30
START = 1_796_026_932_000  # ms


def event(kind: str, **more: Any) -> str:
    return json.dumps({"Event": f"SparkListener{kind}", **more})


def task(stage: int, executor: str, first: float, last: float, **metrics: Any) -> str:
    """A task that ran from and to seconds after the start."""
    info = {
        "Launch Time": START + int(first * 1000),
        "Finish Time": START + int(last * 1000),
        "Executor ID": executor,
    }
    times = {"Executor Run Time": int((last - first) * 1000)}
    return event(
        "TaskEnd",
        **{
            "Stage ID": stage,
            "Task Info": info,
            "Task Metrics": {**times, **metrics},
            "Task Executor Metrics": {"JVMHeapMemory": GIB},
        },
    )


def added(executor: str, cores: int, at: float = 0) -> list[str]:
    about = {"Executor ID": executor, "Executor Info": {"Host": "h", "Total Cores": cores}}
    manager = {"Executor ID": executor, "Host": "h", "Port": 1}
    # 0.6 of a heap of 4 GiB, less 300 MiB.
    memory = int((4 * GIB - (300 << 20)) * 0.6)
    when = START + int(at * 1000)
    return [
        event("ExecutorAdded", Timestamp=when, **about),
        event(
            "BlockManagerAdded",
            Timestamp=when,
            **{"Block Manager ID": manager, "Maximum Memory": memory},
        ),
    ]


LOG = [
    event("LogStart", **{"Spark Version": "4.1.1"}),
    event("ApplicationStart", Timestamp=START, **{"App Name": "gristmill word-count"}),
    *added("1", 4),
    *added("2", 4, at=50),
    task(0, "1", 1, 11, **{"Input Metrics": {"Bytes Read": 100}, "JVM GC Time": 500}),
    task(0, "1", 1, 21, **{"Input Metrics": {"Bytes Read": 50}}),
    task(
        1,
        "2",
        60,
        100,
        **{
            "Disk Bytes Spilled": 7,
            "Shuffle Read Metrics": {"Remote Bytes Read": 2, "Local Bytes Read": 3},
        },
    ),
    event("ExecutorRemoved", Timestamp=START + 60_000, **{"Executor ID": "1"}),
    event("ApplicationEnd", Timestamp=START + 120_000),
]


def test_the_figures_are_those_of_the_events() -> None:
    name, usage = usage_of_events(LOG)
    assert (name, usage.seconds, usage.is_local) == ("gristmill word-count", 120.0, False)
    first, second = usage.stages
    assert (first.id, first.tasks, first.median, first.longest) == (0, 2, 15.0, 20.0)
    assert (first.lasted, first.working, first.collecting, first.read) == (20.0, 30.0, 0.5, 150)
    assert (second.spilled, second.shuffled) == (7, 5)
    one, two = usage.executors
    assert (one.cores, one.there, one.peak) == (4, 60.0, GIB)
    assert (two.cores, two.there) == (4, 70.0)
    assert one.heap == pytest.approx(4 * GIB, abs=2)
    assert [note.partition(":")[0] for note in tuning(usage)] == ["idle cores", "memory"]


def test_the_log_of_a_driver_that_died_is_read_as_far_as_it_goes() -> None:
    _, usage = usage_of_events([*LOG[:-2], '{"Event":"SparkListenerTaskE'])
    assert usage.seconds == 100.0
    assert usage.executors[0].there == 100.0
    assert len(usage.stages) == 2


def test_of_one_process_the_driver_is_the_executor() -> None:
    lines = [
        event("ApplicationStart", Timestamp=START, **{"App Name": "x"}),
        *added("driver", 2),
        task(0, "driver", 0, 10),
        event("ApplicationEnd", Timestamp=START + 10_000),
    ]
    _, usage = usage_of_events(lines)
    assert usage.is_local
    assert [one.cores for one in usage.executors] == [2]


def test_a_log_with_nothing_in_it_says_nothing() -> None:
    name, usage = usage_of_events([])
    assert (name, usage.stages, usage.executors) == ("", (), ())
    assert tuning(usage) == ()
