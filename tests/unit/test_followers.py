"""What follows each run: it holds nothing up, and brings up what was missed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill import followers
from gristmill.errors import GristmillError, UsageError
from gristmill.followers import follow, follow_as
from gristmill.followers.lineage import sent
from gristmill.model.report import Report
from gristmill.project import Project
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest
from gristmill.storage.local import LocalStorage
from tests.support.publishing import STOCK, Work, publish


def report(output: str, error: str | None = None, run: str = "20261130T101500Z-1a") -> Report:
    return Report(
        run=run,
        job="stocktaking",
        state="failed" if error else "succeeded",
        options={},
        inputs=("s3://texts/in/", "s3://texts/in/"),
        output=output,
        started="2026-11-30T10:15:00+00:00",
        seconds=61.5,
        error=error,
    )


@pytest.fixture
def told() -> list[str]:
    return []


def test_lineage_follows_and_brings_what_was_missed(tmp_path: Path, told: list[str]) -> None:
    root, events = LocalStorage(str(tmp_path / "out")), tmp_path / "lineage" / "events.jsonl"
    project = Project(lineage={"to": str(events), "namespace": "shop"})
    publish(root, "1", Work({STOCK: [("a", "x")]}))
    # A file is in the place of its folder.
    events.parent.write_text("")
    follow_as(project, [report(root.root)], told.append)
    (line,) = told
    assert line.startswith("published, but lineage is behind: ")
    assert f"gristmill lineage {root.root} --to {events}" in line
    events.parent.unlink()
    publish(root, "2", Work({STOCK: [("b", "x")]}))
    follow_as(project, [report(root.root)], told.append)
    assert len(told) == 1
    sent = [json.loads(one) for one in events.read_text().splitlines()]
    assert [one["job"]["namespace"] for one in sent] == ["shop", "shop"]
    assert len({one["run"]["runId"] for one in sent}) == 2


def test_a_run_that_failed_is_told_of_until_a_place_has_heard(
    tmp_path: Path, told: list[str]
) -> None:
    root, events = LocalStorage(str(tmp_path / "out")), tmp_path / "lineage" / "events.jsonl"
    project = Project(lineage={"to": str(events), "namespace": "shop"})
    publish(root, "1", Work({STOCK: [("a", "x")]}))
    events.parent.write_text("")
    follow_as(project, [report(root.root, "the disk is full\n\nmore")], told.append)
    (line,) = told
    assert line.startswith("note: lineage has not heard of it: cannot write to ")
    events.parent.unlink()
    follow_as(project, [report(root.root)], told.append)
    follow_as(project, [report(root.root)], told.append)
    assert len(told) == 1
    done, failed = (json.loads(one) for one in events.read_text().splitlines())
    assert (done["eventType"], failed["eventType"]) == ("COMPLETE", "FAIL")
    assert failed["eventTime"] == "2026-11-30T10:16:01.500000+00:00"
    assert (failed["job"]["namespace"], failed["job"]["name"]) == ("shop", "stocktaking")
    assert failed["run"]["facets"]["errorMessage"]["message"] == "the disk is full\n\nmore"
    assert [(one["namespace"], one["name"]) for one in failed["inputs"]] == [("s3://texts", "in")]
    assert failed["outputs"] == []
    assert failed["run"]["runId"] != done["run"]["runId"]
    # Another place hears of both.
    sent(root.root, str(tmp_path / "other.jsonl"), "shop")
    assert len((tmp_path / "other.jsonl").read_text().splitlines()) == 2


def test_a_run_that_had_published_when_it_was_interrupted_has_not_failed(
    tmp_path: Path, told: list[str]
) -> None:
    root, events = LocalStorage(str(tmp_path / "out")), tmp_path / "events.jsonl"
    publish(root, "1", Work({STOCK: [("a", "x")]}))
    publish(root, "2", Work({STOCK: [("b", "x")]}))
    done = Log(root).read(1)
    assert isinstance(done, Manifest)
    interrupted = report(root.root, "interrupted; what it made is published", run=done.run)
    follow_as(Project(lineage={"to": str(events)}), [interrupted], told.append)
    kinds = [json.loads(one)["eventType"] for one in events.read_text().splitlines()]
    assert kinds == ["COMPLETE"] * 2


def test_a_first_run_that_failed_is_told_of_and_makes_no_output(
    tmp_path: Path, told: list[str]
) -> None:
    events = tmp_path / "events.jsonl"
    project = Project(lineage={"to": str(events)})
    follow_as(project, [report(str(tmp_path / "out"), "no such file")], told.append)
    assert json.loads(events.read_text())["eventType"] == "FAIL"
    assert not (tmp_path / "out").exists()
    assert not told


@pytest.mark.parametrize(
    "error", [GristmillError("slow down"), RuntimeError("slow down\nand more"), KeyError("x")]
)
def test_a_catalogue_that_fails_is_told_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, told: list[str], error: Exception
) -> None:
    def fail(*_told: Any) -> None:
        raise error

    monkeypatch.setattr(followers, "_register", fail)
    follow_as(Project(catalog={"database": "web"}), [report("s3://lake/web")], told.append)
    (line,) = told
    assert line.startswith("published, but the catalogue is behind: ")
    assert line.endswith("gristmill catalog register s3://lake/web --database web")
    assert "\n" not in line


def test_the_catalogue_follows_what_lies_in_s3_alone(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(followers, "_register", lambda *given: asked.append(given))
    project = Project(catalog={"database": "web", "region": "eu-west-1"})
    # Of a chain both publish into one output.
    ended = [report("file:///tmp/out"), report("s3a://lake/web"), report("s3a://lake/web")]
    follow_as(project, [*ended, report("s3://lake/no", error="it broke")], told.append)
    follow_as(Project(), [report("s3://lake/web")], told.append)
    assert asked == [("s3a://lake/web", "web", "eu-west-1")]
    assert not told


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Project]:
    def find(text: str) -> Project:
        (tmp_path / "pyproject.toml").write_text(text)
        return Project.find(tmp_path)

    return find


def test_a_project_says_what_follows(read: Callable[[str], Project]) -> None:
    found = read(
        '[tool.gristmill.catalog]\ndatabase = "web"\n[tool.gristmill.lineage]\nto = "http://m:5000"'
    )
    assert found.catalog == {"database": "web"}
    assert found.lineage == {"to": "http://m:5000"}
    assert read("[tool.gristmill]").catalog == {}


@pytest.mark.parametrize("text", ["", 'databse = "web"', "database = 1", 'database = "w"\nx = "y"'])
def test_what_it_says_wrongly_is_refused(read: Callable[[str], Project], text: str) -> None:
    with pytest.raises(UsageError, match=r"\[tool.gristmill.catalog\] has database"):
        read(f"[tool.gristmill.catalog]\n{text}")


def test_wrong_settings_of_the_folder_of_a_run_fail_nothing(
    tmp_path: Path, told: list[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.gristmill.catalog]\n")
    follow([report("s3://lake/web")], told.append, tmp_path)
    (line,) = told
    assert line.startswith("note: nothing follows the run: ")
