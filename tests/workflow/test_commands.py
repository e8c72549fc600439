"""What the commands say of wrong input, in this process: tests/acceptance runs the others."""

from pathlib import Path

import pytest

from gristmill.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRISTMILL_LEDGER", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.gristmill.local]\n")
    definition = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    (tmp_path / "flow.asl.json").write_text(definition)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("run flow.asl.json --input {", 2, "--input is no JSON"),
        ("run flow.asl.json --name a/b", 2, "is no name"),
        ("run flow.asl.json --mock none.json:Case", 1, "none.json cannot be read"),
        ("run nothing.asl.json", 1, "cannot be read"),
        ("run nothing", 1, "there is no state machine 'nothing'"),
        ("start flow.asl.json --express", 2, "run --express"),
        ("show nobody", 1, "there is no execution nobody"),
        ("redrive nobody", 1, "there is no execution nobody"),
        ("stop nobody", 1, "there is no execution nobody"),
        ("graph nobody", 1, "nobody"),
        ("answer token --heartbeat", 1, "nothing waits for this token"),
        ("answer token", 2, "exactly one of --output"),
        ("list --status runing", 2, "did you mean RUNNING?"),
        ("deploy nothing.asl.json", 1, "cannot be read"),
    ],
)
def test_wrong_words_are_told_with_the_right_code(
    capsys: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    try:
        found = main(["workflow", *words.split()])
    except SystemExit as error:
        found = int(error.code or 0)
    told = capsys.readouterr()
    assert said in told.err, told.err
    assert found == code
    assert "Traceback" not in told.err
