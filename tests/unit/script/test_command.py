"""What a job as a command says when it is interrupted, and the exit code that it gives."""

from pathlib import Path
from typing import Any

import pytest

from gristmill.engine.run import Run
from gristmill.jobs import word_count
from gristmill.script import command
from gristmill.script.console import Console


@pytest.mark.parametrize(
    ("published", "told"),
    [(False, "nothing was published"), (True, "what it made is published")],
    ids=["before", "after"],
)
def test_an_interrupt_says_whether_the_run_was_published(
    *,
    published: bool,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def interrupted(_job: Any, _request: Any, run: Run, *_others: Any, **_more: Any) -> None:
        if published:
            run.published.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_execute", interrupted)
    argv = ["--input", str(tmp_path), "--output", str(tmp_path / "out")]
    code = command.run_command(word_count.JOB, argv, Console, program="gristmill")
    assert code == 130
    assert capsys.readouterr().err == f"gristmill: interrupted; {told}\n"
