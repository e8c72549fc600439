"""What a project says of its workflows: refused by name where it is wrong."""

from pathlib import Path

import pytest

from gristmill.errors import UsageError
from gristmill.workflow.definition.resources import resource_of
from gristmill.workflow.settings import LocalSettings


def settings(folder: Path, text: str) -> LocalSettings:
    (folder / "pyproject.toml").write_text(f"[tool.gristmill.local]\n{text}\n")
    return LocalSettings(folder)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRISTMILL_WORKFLOW_AWS", "GRISTMILL_WORKFLOW_PLACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('aws = ["dynmodb"]', "AWS has no service dynmodb; did you mean dynamodb"),
        ('aws = ["batch"]', "batch run where the place says"),
        ('topics = { news = ["none"] }', "a queue that is not there: none"),
        ('queues = { a = { dead_letters = "none" } }', "has no dead_letters none"),
        ("queues = { a = { visibility = -1 } }", "queues.a.visibility"),
        ("bukets = {}", "bukets"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settings(tmp_path, text)


def test_services_have_one_name_whichever_way_they_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings(tmp_path, 'aws = ["eventbridge", "DynamoDB"]')
    assert found.aws == {"events", "dynamodb"}
    for text in ("events:putEvents", "aws-sdk:eventbridge:putEvents"):
        assert resource_of(f"arn:aws:states:::{text}").provider in found.aws
    monkeypatch.setenv("GRISTMILL_WORKFLOW_AWS", "all")
    assert found.aws == {"all"}
    monkeypatch.setenv("GRISTMILL_WORKFLOW_AWS", "")
    assert found.aws == frozenset()
