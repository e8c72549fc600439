"""Which commands are handed over, and to whom."""

import os
from pathlib import Path

import pytest

from gristmill.warm import folder
from gristmill.warm.client import hand_over, is_wanted, steps_of
from gristmill.warm.folder import runtime_folder, socket_of

RUN = ["run", "word-count", "--input", "in", "--output", "out"]


@pytest.mark.parametrize(
    ("argv", "environ", "at_terminal", "expected"),
    [
        (RUN, {}, True, True),
        (RUN, {}, False, False),
        (RUN, {"GRISTMILL_WARM": "1"}, False, True),
        (RUN, {"GRISTMILL_WARM": "0"}, True, False),
        (RUN, {"GRISTMILL_WARM": "off"}, True, False),
        (RUN, {"CI": "true"}, True, False),
        (RUN, {"CI": "true", "GRISTMILL_WARM": "1"}, False, True),
        (RUN, {"PYSPARK_GATEWAY_PORT": "1", "GRISTMILL_WARM": "1"}, True, False),
        ([*RUN, "--no-warm"], {"GRISTMILL_WARM": "1"}, True, False),
        ([*RUN, "--debug"], {}, True, False),
        (["run", "word-count", "--help"], {}, True, False),
        (["run"], {}, True, False),
        (["head", "out"], {}, True, False),
        ([], {}, True, False),
    ],
)
def test_runs_of_people_are(
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    environ: dict[str, str],
    at_terminal: bool,
    expected: bool,
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert is_wanted(argv, environ, at_terminal=at_terminal) is expected


def test_elsewhere_than_on_linux_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not is_wanted(RUN, {}, at_terminal=True)
    assert is_wanted(RUN, {"GRISTMILL_WARM": "1"}, at_terminal=True)


def test_nobody_else_can_enter_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_LONGEST", 500)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = runtime_folder()
    assert made is not None
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o755)
    assert runtime_folder() is None


def test_a_folder_that_is_a_link_or_somebody_else_s_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_LONGEST", 500)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "gristmill").symlink_to(tmp_path / "theirs")
    assert runtime_folder() is None
    (tmp_path / "gristmill").unlink()
    assert runtime_folder() is not None
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert runtime_folder() is None


def test_other_code_or_another_python_has_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    module = package / "module.py"
    module.write_text("one = 1\n")
    monkeypatch.setattr(folder, "_PACKAGE", package)
    before = socket_of(tmp_path)
    assert socket_of(tmp_path) == before
    module.write_text("one = 22\n")
    changed = socket_of(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert len({before, changed, socket_of(tmp_path)}) == 3


def test_then_separates_runs_and_nothing_else() -> None:
    assert steps_of(["run", "a", "--input", "x", "then", "b"]) == [
        ["run", "a", "--input", "x"],
        ["run", "b"],
    ]
    assert steps_of(["run", "a", "--corpus=then"]) == [["run", "a", "--corpus=then"]]
    assert steps_of(["head", "then"]) == [["head", "then"]]
    assert steps_of([]) == [[]]


@pytest.mark.parametrize("words", [["then"], ["then", "then", "b"]])
def test_then_is_followed_by_a_job(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert hand_over([*RUN, *words]) == 2
    assert capsys.readouterr().err == "gristmill: which job is to be run after 'then'?\n"
