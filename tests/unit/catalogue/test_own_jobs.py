"""Jobs of one's own: found by file, module, entry point and project, or refused with the reason."""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from gristmill.catalogue import find_job, known_jobs, let_workers_import
from gristmill.errors import UsageError
from gristmill.jobs import word_count

JOB = """from dataclasses import replace

from gristmill.jobs import word_count

JOB = replace(word_count.JOB, name="{name}")
"""
Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What was imported is forgotten, and the folders that it came from are."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


def install(folder: Path, name: str, points: str, module: str) -> None:
    """A distribution as pip lays it out."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[gristmill.jobs]\n{points}\n")
    (folder / f"{name}_jobs.py").write_text(module)
    sys.path.append(str(folder))
    assert Distribution.from_name(name)


def test_a_job_is_found_by_its_file(write: Write, tmp_path: Path) -> None:
    write("helper_of_flour.py", "NAME = 'flour'\n")
    text = JOB.replace('"{name}"', "helper_of_flour.NAME")
    file = write("flour_job.py", f"import helper_of_flour\n{text}")
    for named in ("flour_job.py", str(file), "./flour_job.py:JOB"):
        found = find_job(named)
        assert (found.job.name, found.module, found.root) == ("flour", "flour_job", tmp_path)
    before = os.environ["PYTHONPATH"]
    # Spark's workers are processes of their own.
    let_workers_import(found)
    assert os.environ["PYTHONPATH"].split(os.pathsep)[-1] == str(tmp_path)
    let_workers_import(found)
    assert os.environ["PYTHONPATH"].count(str(tmp_path)) == 1 + before.count(str(tmp_path))


def test_a_job_is_found_by_its_module(write: Write) -> None:
    write("mill_a/__init__.py", "")
    write("mill_a/prices.py", JOB.format(name="prices").replace("JOB =", "PRICES ="))
    found = find_job("mill_a.prices:PRICES")
    assert (found.job.name, found.module) == ("prices", "mill_a.prices")
    assert find_job("mill_a/prices.py").module == "mill_a.prices"


def test_jobs_of_a_project_are_known_from_anywhere_in_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("pyproject.toml", '[tool.gristmill]\njobs = ["mill_b.jobs", "single_b"]\n')
    write("src/mill_b/__init__.py", "")
    write("src/mill_b/jobs/__init__.py", "from mill_b.jobs.one import JOB\n")
    write("src/mill_b/jobs/one.py", JOB.format(name="one"))
    write("src/mill_b/jobs/deep/two.py", JOB.format(name="two"))
    write("src/mill_b/jobs/deep/__init__.py", "")
    write("single_b.py", JOB.format(name="single"))
    folder = tmp_path / "src" / "mill_b"
    # A pyproject.toml without the table is of something else.
    write("src/pyproject.toml", "[project]\nname = 'x'\n")
    for start in (tmp_path, folder):
        monkeypatch.chdir(start)
        known = known_jobs()
        assert next(iter(known)) == "word-count"
        assert [name for name, found in known.items() if found.root] == ["two", "one", "single"]
    assert known["one"].root == tmp_path / "src"
    assert find_job("two").module == "mill_b.jobs.deep.two"


def test_jobs_of_installed_packages_are_known(tmp_path: Path) -> None:
    install(tmp_path / "site", "bakery", "rye = bakery_jobs\n", JOB.format(name="rye"))
    found = find_job("rye")
    assert (found.module, found.attribute, found.is_installed) == ("bakery_jobs", "JOB", True)
    assert "bakery" in found.location


def test_an_entry_point_has_the_name_of_its_job(tmp_path: Path) -> None:
    install(tmp_path / "site", "mixup", "oats = mixup_jobs:JOB", JOB.format(name="barley"))
    with pytest.raises(UsageError, match=r"'oats' of mixup names a job .* called 'barley'"):
        known_jobs()


def test_two_jobs_of_one_name_are_refused_with_both_places(write: Write, tmp_path: Path) -> None:
    write("again_c.py", JOB.format(name="word-count"))
    with pytest.raises(UsageError, match=r"'word-count', of Gristmill and of again_c\.py:JOB"):
        find_job("again_c.py")
    write("pyproject.toml", '[tool.gristmill]\njobs = ["once_c", "twice_c"]\n')
    write("once_c.py", JOB.format(name="same"))
    write("twice_c.py", JOB.format(name="same"))
    with pytest.raises(UsageError, match=r"'same', of once_c:JOB and of twice_c:JOB: rename one"):
        known_jobs()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("no_d.py", "X = 1\n", r"no_d\.py has no job: it takes a line JOB = Job\(…\)"),
        (
            "two_d.py",
            JOB.format(name="a") + JOB.format(name="b").replace("JOB =", "OTHER ="),
            r"two_d\.py has 2 jobs, JOB in line 5, OTHER in line 10: say which, two_d\.py:OTHER",
        ),
        (
            "late_d.py",
            "import os\n\nimport no_such_module_here\n",
            r"late_d\.py:3 does not load: ModuleNotFoundError: .*no_such_module_here",
        ),
        ("odd_d.py", "x = 1\ndef f(:\n", r"odd_d\.py:2 does not load: SyntaxError"),
        ("exits_d.py", "import sys\nsys.exit(3)\n", r"exits_d\.py:2 does not load: SystemExit: 3"),
        ("json.py", "", r"json\.py cannot be imported under that name: rename it"),
        ("a-job.py", "", r"a-job\.py cannot be imported under that name: rename it"),
        ("pytest.py", "", r"pytest\.py has the name of another module, pytest: rename it"),
    ],
)
def test_a_file_that_is_no_job_is_told_with_its_line(
    write: Write, name: str, text: str, told: str
) -> None:
    write(name, text)
    with pytest.raises(UsageError, match=told) as error:
        find_job(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "word-cuont",
            r"'word-cuont'; did you mean word-count\? .*no pyproject\.toml here or above",
        ),
        ("qqq", r"there are: word-count, .*a job in a file is named by it: my_job\.py"),
        ("missing.py", r"there is no file missing\.py"),
        ("json:JOB", r"json:JOB is not there; the jobs of json: none"),
        ("json:dumps", r"json:dumps is no job"),
        ("no_such_e.module:JOB", r"no_such_e\.module does not load: ModuleNotFoundError"),
        ("a b:JOB", r"'a b' is no name of a module"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        find_job(text)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('job = ["a"]', r"has job, which is not known: did you mean jobs\?"),
        ('jobs = "a"', r"jobs under \[tool\.gristmill\] is a list"),
        ("jobs = [1]", r"is a list"),
        ("jobs = [", r"pyproject\.toml cannot be read"),
        ('jobs = ["no_such_f"]', r"no_such_f does not load"),
        ('jobs = ["json"]', r"lists 'json' for jobs, which has none"),
    ],
)
def test_a_project_that_is_wrong_is_told(write: Write, table: str, told: str) -> None:
    write("pyproject.toml", f"[tool.gristmill]\n{table}\n")
    with pytest.raises(UsageError, match=told):
        known_jobs()


def test_what_a_file_imports_from_gristmill_is_not_its_own(write: Write) -> None:
    text = f"from gristmill.jobs.word_count import JOB as COUNT\n{JOB.format(name='mine')}"
    write("mine_g.py", text)
    assert find_job("mine_g.py").job.name == "mine"
    # One that only passes on a job of ours is that one.
    write("ours_g.py", "from gristmill.jobs.word_count import JOB\n")
    assert find_job("ours_g.py").job is word_count.JOB
