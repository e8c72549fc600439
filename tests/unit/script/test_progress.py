"""How far a run is, as a file."""

import json
import time
from pathlib import Path

import pytest

from gristmill.model.progress import Progress
from gristmill.script.progress import ProgressFile


def test_it_is_written_whole_with_the_time(tmp_path: Path) -> None:
    file = ProgressFile.here(tmp_path / "progress.json")
    file.hear(Progress("reading", tasks=8, done=3, read=5, bytes=9))
    found = json.loads((tmp_path / "progress.json").read_text())
    assert found.pop("at") > 1_700_000_000
    assert found == {"phase": "reading", "tasks": 8, "done": 3, "read": 5, "bytes": 9}
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_it_is_written_every_so_often_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    written: list[bytes] = []
    file = ProgressFile.elsewhere(written.append)
    for seconds in (0.0, 14.0, 1.0, 1.0):
        now[0] += seconds
        file.hear(Progress("reading"))
    assert len(written) == 2
