"""What follows each publish: it holds nothing up, and brings up what was missed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill.cli import following
from gristmill.cli.following import follow
from gristmill.errors import GristmillError, UsageError
from gristmill.project import Project
from gristmill.storage.local import LocalStorage
from tests.support.publishing import STOCK, Work, publish


@pytest.fixture
def told() -> list[str]:
    return []


def test_lineage_follows_and_brings_what_was_missed(tmp_path: Path, told: list[str]) -> None:
    root, events = LocalStorage(str(tmp_path / "out")), tmp_path / "lineage" / "events.jsonl"
    project = Project(lineage={"to": str(events), "namespace": "shop"})
    publish(root, "1", Work({STOCK: [("a", "x")]}))
    # A file is in the place of its folder.
    events.parent.write_text("")
    follow(root.root, told.append, project)
    (line,) = told
    assert line.startswith("published, but lineage is behind: ")
    assert f"gristmill lineage {root.root} --to {events}" in line
    events.parent.unlink()
    publish(root, "2", Work({STOCK: [("b", "x")]}))
    follow(root.root, told.append, project)
    assert len(told) == 1
    sent = [json.loads(one) for one in events.read_text().splitlines()]
    assert [one["job"]["namespace"] for one in sent] == ["shop", "shop"]
    assert len({one["run"]["runId"] for one in sent}) == 2


@pytest.mark.parametrize(
    "error", [GristmillError("slow down"), RuntimeError("slow down\nand more"), KeyError("x")]
)
def test_a_catalogue_that_fails_is_told_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, told: list[str], error: Exception
) -> None:
    def fail(*_told: Any) -> None:
        raise error

    monkeypatch.setattr(following, "_register", fail)
    follow("s3://lake/web", told.append, Project(catalog={"database": "web"}))
    (line,) = told
    assert line.startswith("published, but the catalogue is behind: ")
    assert line.endswith("gristmill catalog register s3://lake/web --database web")
    assert "\n" not in line


def test_the_catalogue_follows_what_lies_in_s3_alone(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(following, "_register", lambda *given: asked.append(given))
    project = Project(catalog={"database": "web", "region": "eu-west-1"})
    follow("file:///tmp/out", told.append, project)
    follow("s3a://lake/web", told.append, project)
    follow("s3://lake/web", told.append, Project())
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
