"""What of a user's own job is shipped: its modules and those that they import, and no more."""

import sys
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from gristmill.catalogue import Found
from gristmill.emr.package import own
from gristmill.emr.package.own import add_own
from gristmill.errors import UsageError
from gristmill.jobs import word_count


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.zip"
    with ZipFile(path, "w") as packed:
        packed.writestr("gristmill/__init__.py", "")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    files = {
        "my_job.py": "import near.deep, json\ndef f():\n    import lazy\n",
        "near/__init__.py": "",
        "near/deep.py": "from beyond import x\nfrom . import other\n",
        "near/table.csv": "a,b\n",
        "near/.hidden": "",
        "near/__pycache__/deep.pyc": "",
        "beyond.py": "x = 1\nimport pyspark, my_job\n",
        "lazy.py": "",
        "json.py": "",
        "apart.py": "",
        "pyspark/__init__.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def found(root: Path | None, module: str = "my_job", *, is_installed: bool = False) -> Found:
    return Found(word_count.JOB, f"{module}:JOB", module, "JOB", root, is_installed)


def added(code: Path) -> set[str]:
    return set(ZipFile(code).namelist()) - {"gristmill/__init__.py"}


INFO = {f"gristmill_own_jobs-0.dist-info/{name}" for name in ("METADATA", "entry_points.txt")}


def test_a_file_goes_with_what_it_imports_of_what_lies_beside_it(code: Path, root: Path) -> None:
    add_own(code, [found(root)])
    near = {"near/__init__.py", "near/deep.py", "near/table.csv"}
    assert added(code) == {"my_job.py", *near, "beyond.py", "lazy.py", *INFO}
    # The archive is what Python finds the job in.
    (point,) = next(iter(distributions(path=[str(code)]))).entry_points
    assert (point.group, point.name, point.value) == ("gristmill.jobs", "word-count", "my_job:JOB")


def test_an_installed_package_goes_alone(code: Path, root: Path) -> None:
    add_own(code, [found(root, "near.deep", is_installed=True)])
    near = {"near/__init__.py", "near/deep.py", "near/table.csv"}
    assert added(code) == {*near, *INFO}


def test_a_job_of_ours_adds_nothing(code: Path) -> None:
    add_own(code, [found(None)])
    assert added(code) == set()


def test_the_same_files_give_the_same_bytes(code: Path, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(code.read_bytes())
    add_own(code, [found(root)])
    for path in root.rglob("*.py"):
        path.touch()
    add_own(other, [found(root)])
    assert code.read_bytes() == other.read_bytes()


def test_data_is_not_shipped_as_code(
    code: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "_LARGEST", 10)
    with pytest.raises(UsageError, match=r"my_job:JOB would ship .* MB of .*: keep data elsewhere"):
        add_own(code, [found(root)])


def test_no_module_of_python_s_own_is_hidden(code: Path, root: Path) -> None:
    add_own(code, [found(root)])
    assert not {name.removesuffix(".py") for name in added(code)} & sys.stdlib_module_names
