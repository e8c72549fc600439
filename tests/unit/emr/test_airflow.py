"""The operator for Airflow, in an Airflow of a few lines: it is not among what is installed."""

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gristmill.api import emr
from gristmill.errors import GristmillError, RunError
from gristmill.model.report import Report

EXAMPLE = Path(__file__).parents[3] / "examples" / "airflow" / "gristmill_emr.py"
REPORT = Report("r", "word-count", "succeeded", {}, (), "s3://o", "2026-11-01T00:00:00+00:00", 1.0)


class Again(Exception):  # noqa: N818  Airflow's names
    """Tried again by Airflow."""


class Never(Exception):  # noqa: N818
    """Failed for good."""


class Operator:
    """As much of an operator as the example takes."""

    log = SimpleNamespace(info=lambda *_: None)

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id

    def __rshift__(self, other: Any) -> Any:
        return other


class Dag:
    """As much of a DAG."""

    def __init__(self, **_about: Any) -> None:
        pass

    def __enter__(self) -> "Dag":
        return self

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.exceptions": {"AirflowException": Again, "AirflowFailException": Never},
        "airflow.models": {"BaseOperator": Operator},
        "airflow.models.dag": {"DAG": Dag},
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return runpy.run_path(str(EXAMPLE))


def context(run: str, attempt: int = 1) -> dict[str, Any]:
    task = SimpleNamespace(dag_id="d", task_id="t", run_id=run, map_index=-1, try_number=attempt)
    return {"ti": task}


def test_a_task_is_one_run_however_often_it_is_tried(
    example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def run(job: str, **more: Any) -> Report:
        asked.append({"job": job, **more})
        return REPORT

    monkeypatch.setattr(emr, "run", run)
    logs = example["logs"]
    assert logs.execute(context("day-1"))["state"] == "succeeded"
    logs.execute(context("day-1", attempt=2))
    logs.execute(context("day-2"))
    first, second, third = (one["key"] for one in asked)
    assert first == second != third
    assert len(first) <= 48
    assert asked[0]["transient"] is True
    assert asked[0]["job"] == "access-logs"


@pytest.mark.parametrize(("retryable", "kind"), [(True, Again), (False, Never)])
def test_only_what_may_do_better_is_tried_again(
    example: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    retryable: bool,
    kind: type[Exception],
) -> None:
    error = RunError("no such input") if not retryable else GristmillError("throttled")
    monkeypatch.setattr(error, "retryable", retryable)

    def run(_job: str, **_more: Any) -> Report:
        raise error

    monkeypatch.setattr(emr, "run", run)
    with pytest.raises(kind):
        example["logs"].execute(context("day-1"))


def test_a_task_that_is_killed_ends_its_run(
    example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[tuple[str, str]] = []
    monkeypatch.setattr(emr, "run", lambda *_, **__: REPORT)
    monkeypatch.setattr(emr, "cancel", lambda key, cluster: ended.append((key, cluster)))
    logs = example["logs"]
    logs.on_kill()
    assert ended == []
    logs.execute(context("day-1"))
    logs.on_kill()
    ((key, cluster),) = ended
    assert (key[:8], cluster) == ("airflow-", "nightly")
