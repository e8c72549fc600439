"""The examples: each does what it says, survives a worker that dies at any transition, and is drawn
as it is."""

import importlib
import json
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.run import EXAMPLES, begin, copied, differs, names, run_example
from gristmill import failpoints
from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.settings import Place
from gristmill.manager.settings.file import read_settings
from gristmill.manager.worker import Worker, WorkerOptions
from gristmill.manager.worker.identity import this_process
from gristmill.workflow.drawing.mermaid import mermaid
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import JumpingClock
from gristmill.workflow.engine.engine import Engine, release
from gristmill.workflow.interpreter.branch import Execution
from gristmill.workflow.lint import check_text
from gristmill.workflow.opening import open_bindings
from tests.support.places import FolderPlace

# These submit runs of Spark, which take their time.
SPARK = {"nightly", "fan-out-batch"}
LIGHT = [name for name in names() if name not in SPARK]


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """The functions of one example are not those of another."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("functions", None)
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", LIGHT)
def test_an_example_does_what_it_says(name: str, tmp_path: Path) -> None:
    assert run_example(name, tmp_path) == []


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(SPARK))
def test_an_example_with_spark_does_what_it_says(name: str, tmp_path: Path) -> None:
    assert run_example(name, tmp_path) == []


@pytest.mark.parametrize("name", names())
def test_an_example_is_sound_and_drawn_as_it_is(name: str) -> None:
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    for file in sorted((EXAMPLES / name).glob("*.asl.json")):
        checked = check_text(file.read_text(encoding="utf-8"))
        assert checked.problems == (), file
        assert checked.machine is not None
        assert f"```mermaid\n{mermaid(checked.machine)}```" in readme, (
            f"gristmill workflow graph {file} --format mermaid goes into its README"
        )


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/manager.toml")), ids=lambda file: file.parent.name
)
def test_what_starts_an_example_is_sound(file: Path) -> None:
    settings = read_settings(file)
    starts = [*settings.schedules.values(), *settings.arrivals.values()]
    assert [file.with_name(one.what).exists() for one in starts] == [True]


class DiedError(BaseException):
    """The worker is gone, as by kill -9."""


def _runs(name: str) -> list[Any]:
    document = tomllib.loads((EXAMPLES / name / "example.toml").read_text(encoding="utf-8"))
    found: list[Any] = document["run"]
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=[] if one in {"credit-line", "sign-up"} else pytest.mark.thorough)
        for one in LIGHT
    ],
)
def test_an_example_survives_a_worker_that_dies_at_any_transition(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, run in enumerate(_runs(name)):
        for nth in _growing():
            # The data of each try is its own: functions write into it.
            target = copied(name, tmp_path / f"{number}-{nth}")
            sys.modules.pop("functions", None)
            importlib.invalidate_caches()
            ledger = open_ledger(f"sqlite:///{target / 'ledger.db'}")
            execution, is_dead = _driven(ledger, target, run, nth, monkeypatch, name)
            ledger.close()
            while str(target) in sys.path:
                sys.path.remove(str(target))
            said = differs(run, execution.status, execution.output, execution.error)
            assert said is None, (run["name"], nth)
            if not is_dead:
                break
        assert nth >= 2


def _growing() -> Iterator[int]:
    """Each of the first twenty, and then fewer and fewer."""
    nth = 0
    while True:
        yield nth
        nth = max(nth + 1, nth * 5 // 4 if nth > 20 else 0)


def _driven(
    ledger: Ledger,
    target: Path,
    run: Any,
    nth: int,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> tuple[Execution, bool]:
    clock = JumpingClock()
    monkeypatch.setattr(ledger, "_clock", clock.now)

    def forward(seconds: float) -> None:
        clock._now += seconds

    arn = begin(ledger, target, name, run, forward)
    left, is_dead = nth, False

    def die(point: str) -> None:
        nonlocal left, is_dead
        if "workflow" in point:
            left -= 1
            if left == -1:
                is_dead = True
                raise DiedError(point)

    monkeypatch.setattr(failpoints, "at", die)
    while True:
        engine = Engine(ledger, open_bindings(ledger), clock=clock, scratch=target / "scratch")
        try:
            engine.run_one(arn)
        except DiedError:
            engine._pool.shutdown(wait=True)
            clock._now += 31.0
        else:
            engine.close()
        with ledger.look() as tx:
            execution = service.execution_of(tx, arn)
        if execution.status.is_final:
            break
    monkeypatch.setattr(failpoints, "at", None)
    return execution, is_dead


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "count"), [("nightly", 3), ("fan-out-batch", 2)])
def test_runs_that_an_example_submits_are_begun_once_whenever_its_worker_dies(
    name: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the examples with Spark, whose runs are files here: what is asked for is what counts."""
    (run,) = _runs(name)
    for nth in _growing():
        target = copied(name, tmp_path / str(nth))
        begun = target / "begun"
        begun.mkdir()
        sys.modules.pop("functions", None)
        importlib.invalidate_caches()
        ledger = open_ledger(f"sqlite:///{target / 'ledger.db'}")
        options = WorkerOptions(slots=4, cores=8, memory=10**12, idle=0.02)
        worker = Worker(ledger, this_process(), options, _opening(FolderPlace(begun, 0.0)))
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            arn = begin(ledger, target, name, run)
            execution, is_dead = _dying(ledger, target, arn, nth, monkeypatch)
        finally:
            worker.stop()
            thread.join()
            ledger.close()
        while str(target) in sys.path:
            sys.path.remove(str(target))
        assert differs(run, execution.status, execution.output, execution.error) is None, nth
        assert len(list(begun.iterdir())) == count, nth
        if not is_dead:
            break
    assert nth >= 10


def _opening(place: FolderPlace) -> Callable[[str, Place], FolderPlace]:
    return lambda _name, _place: place


def _dying(
    ledger: Ledger, target: Path, arn: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[Execution, bool]:
    """Drive an execution by a worker that dies at the nth point, and another that takes it up."""
    left, is_dead = nth, False
    driving = threading.get_ident()

    def die(point: str) -> None:
        nonlocal left, is_dead
        if "workflow" in point and threading.get_ident() == driving:
            left -= 1
            if left == -1:
                is_dead = True
                raise DiedError(point)

    monkeypatch.setattr(failpoints, "at", die)
    while True:
        engine = Engine(ledger, open_bindings(ledger), scratch=target / "scratch")
        try:
            engine.run_one(arn)
        except DiedError:
            engine._pool.shutdown(wait=True)
            with ledger.begin() as tx:
                # As if its lease had run out.
                release(tx, engine.owner)
        else:
            engine.close()
        with ledger.look() as tx:
            execution = service.execution_of(tx, arn)
        if execution.status.is_final:
            break
    monkeypatch.setattr(failpoints, "at", None)
    return execution, is_dead


def test_an_output_is_what_its_example_says_and_not_less() -> None:
    run = {"output": {"a": {"b": 1}}}
    assert differs(run, "SUCCEEDED", {"a": {"b": 1}, "c": 2}, None) is None
    assert differs(run, "SUCCEEDED", {"a": {"b": 2}}, None) is not None
    assert differs(run, "FAILED", None, "Odd") is not None
    assert differs({"error": "Odd"}, "FAILED", None, "Other") is not None
    assert json.dumps(run)
