"""A project of one's own: what is in it, and where none is made."""

import json
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from gristmill.cli import main
from gristmill.shipping.new import new_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "my mill (2)"
    assert new_project(folder) == sorted(path for path in folder.rglob("*") if path.is_file())
    return folder


def test_it_has_all_that_a_project_takes(project: Path) -> None:
    names = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    (wheel,) = [name for name in names if name.startswith("vendor/")]
    assert names - {wheel} == {
        *(".github/workflows/ci.yml", ".gitignore", "Makefile", "README.md"),
        *("pyproject.toml", "requirements.txt", "data/sample/mill.log"),
        *("jobs/__init__.py", "jobs/log_levels.py", "tests/test_log_levels.py"),
        "notebooks/log_levels.ipynb",
    }
    assert "gristmill/__init__.py" in ZipFile(project / wheel).namelist()
    version = wheel.split("-")[1]
    assert f"gristmill[emr]=={version}\n" in (project / "requirements.txt").read_text()
    assert (project / "README.md").read_text().startswith("# my-mill-2\n")
    assert (
        "@" not in (project / "README.md").read_text() + (project / "requirements.txt").read_text()
    )


def test_what_it_has_can_be_read(project: Path) -> None:
    assert tomllib.loads((project / "pyproject.toml").read_text())["tool"]["gristmill"]
    assert json.loads((project / "notebooks" / "log_levels.ipynb").read_text())["cells"]
    for path in project.rglob("*.py"):
        compile(path.read_text(), path.name, "exec")


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for place in (tmp_path / "full", tmp_path / "full" / "mine.txt"):
        assert main(["new", str(place)]) == 2
        told = capsys.readouterr()
        assert told.err == f"gristmill: {place} is not empty: name a folder that is new\n"
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert main(["new", str(tmp_path / "empty")]) == 0
    assert (tmp_path / "empty" / "Makefile").is_file()


def test_it_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", str(tmp_path / "a b" / "c")]) == 0
    told = capsys.readouterr()
    assert told.err == f"now: cd '{tmp_path}/a b/c' && make run\n"
    assert f"{tmp_path}/a b/c/Makefile" in told.out.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no modes there")
def test_where_it_may_not_be_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["new", str(tmp_path / "file" / "below")]) == 1
    assert "cannot write to" in capsys.readouterr().err
