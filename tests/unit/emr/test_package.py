"""What is shipped to a cluster: built, named by its content, and tried before it goes."""

import io
import os
import platform
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from gristmill.emr import entry
from gristmill.emr.package import Architecture, Package, Platform, build, check, locate
from gristmill.emr.package.__main__ import main
from gristmill.emr.package.check import look
from gristmill.emr.package.dependencies import build_archive, left_out
from gristmill.errors import GristmillError, UsageError
from gristmill.jobs import CATALOGUE
from gristmill.shipping import wheel
from gristmill.shipping.wheel import build_wheel
from tests.support.process import ROOT

HOME = "s3://bucket/gristmill"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The project as it is, built once."""
    return build(tmp_path_factory.mktemp("package"))


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project in another place, from which packages are built."""
    copy = tmp_path / "clone"
    copy.mkdir()
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".gitignore"):
        shutil.copyfile(ROOT / name, copy / name)
    skipped = shutil.ignore_patterns("__pycache__", "account.toml")
    # Not in the order in which they lie there, and with new times.
    for name in ("emr", "jobs", "lib"):
        shutil.copytree(
            ROOT / name,
            copy / name,
            symlinks=True,
            ignore=skipped,
            copy_function=shutil.copyfile,
        )
    monkeypatch.setattr(wheel, "SOURCE", copy)
    return copy


def names(package: Path) -> list[str]:
    with ZipFile(package) as packed:
        return packed.namelist()


def changed(package: Package, folder: Path, **added: str) -> Package:
    """The package with modules added; `a__b` stands for a/b.py."""
    code = folder / package.code.name
    shutil.copyfile(package.code, code)
    with ZipFile(code, "a") as packed:
        for name, text in added.items():
            packed.writestr(f"{name.replace('__', '/')}.py", text)
    return Package(package.version, package.target, code, package.entry)


# The wheel


def test_it_is_the_wheel_under_the_name_of_a_zip(package: Package) -> None:
    assert package.code.name == f"gristmill-{package.version}.zip"
    assert f"gristmill-{package.version}.dist-info/METADATA" in names(package.code)
    modules = {"__init__.py", "jobs/__init__.py", "emr/package/probe.py"}
    assert {f"gristmill/{name}" for name in modules} <= set(names(package.code))


def test_it_holds_code_and_nothing_of_the_account(clone: Path, tmp_path: Path) -> None:
    (clone / "emr" / "account.toml").write_text('home = "s3://secret"\n')
    (clone / "jobs" / "__pycache__").mkdir()
    (clone / "jobs" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"")
    found = names(build(tmp_path / "built").code)
    assert not [name for name in found if "account.toml" in name or name.endswith(".pyc")]
    assert {name.split("/")[0].split("-")[0] for name in found} == {"gristmill"}


def test_the_same_tree_gives_the_same_bytes_wherever_and_whenever(
    package: Package, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in clone.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    again = build(tmp_path / "again")
    assert again.code.read_bytes() == package.code.read_bytes()
    assert again.key == package.key


def test_another_tree_gives_another_key(package: Package, clone: Path, tmp_path: Path) -> None:
    with (clone / "jobs" / "word_count.py").open("a") as file:
        file.write("# changed\n")
    assert build(tmp_path / "changed").key != package.key


def test_another_script_gives_another_key(package: Package, tmp_path: Path) -> None:
    script = tmp_path / "entry.py"
    script.write_text("# changed\n")
    assert Package(package.version, package.target, package.code, script).key != package.key


def test_without_hatchling_and_uv_it_says_what_to_do(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(wheel, "find_uv", lambda: None)
    with pytest.raises(GristmillError, match="make setup"):
        build_wheel(tmp_path)


def test_a_tree_that_cannot_be_built_is_told(clone: Path, tmp_path: Path) -> None:
    (clone / "pyproject.toml").write_text("[project]\nname = 'gristmill'\n")
    with pytest.raises(GristmillError, match=r"cannot be built:\n(.|\n)*version"):
        build_wheel(tmp_path / "built")


def test_an_installed_wheel_is_packed_again(package: Package, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    with ZipFile(package.code) as packed:
        packed.extractall(installed)
    (installed / "gristmill" / "__pycache__").mkdir()
    lines = [
        "import sys",
        f"sys.path[:0] = [{str(installed)!r}]",
        "from pathlib import Path",
        "from gristmill.shipping.wheel import build_wheel",
        f"print(build_wheel(Path({str(tmp_path / 'again')!r}))[0])",
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    again = Path(done.stdout.strip())
    left = {name for name in names(package.code) if not name.endswith("/RECORD")}
    assert set(names(again)) == left
    assert check(Package(package.version, package.target, again, package.entry)) == ()


def test_where_there_is_nothing_to_pack_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wheel, "SOURCE", tmp_path)
    monkeypatch.setattr(wheel, "distribution", missing)
    with pytest.raises(GristmillError, match="neither a clone"):
        build_wheel(tmp_path)


# Where it goes


def test_where_it_goes_is_known_without_asking(package: Package) -> None:
    shipped = locate(package, HOME)
    assert shipped.py_files == f"{HOME}/packages/{package.key}/gristmill-{package.version}.zip"
    assert shipped.entry == f"{HOME}/packages/{package.key}/entry.py"
    assert shipped.archive is None
    assert locate(package, f"{HOME}/") == shipped


@pytest.mark.parametrize("home", ["bucket/gristmill", "s3://", "/tmp", "https://bucket/x"])
def test_a_home_is_in_s3(package: Package, home: str) -> None:
    with pytest.raises(UsageError, match="s3://BUCKET"):
        locate(package, home)


def test_without_dependencies_spark_is_told_nothing(package: Package) -> None:
    assert locate(package, HOME).settings() == {}


@pytest.mark.parametrize(
    ("serverless", "driver"),
    [(False, "spark.yarn.appMasterEnv"), (True, "spark.emr-serverless.driverEnv")],
)
def test_dependencies_reach_driver_and_executors(
    package: Package, tmp_path: Path, serverless: bool, driver: str
) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(b"x")
    shipped = locate(
        Package(package.version, package.target, package.code, package.entry, archive), HOME
    )
    assert shipped.archive is not None
    assert shipped.archive.endswith("/dependencies.tar.gz")
    assert shipped.settings(serverless=serverless) == {
        "spark.archives": f"{shipped.archive}#dependencies",
        f"{driver}.PYTHONPATH": "./dependencies",
        "spark.executorEnv.PYTHONPATH": "./dependencies",
    }


# The check


def test_what_is_shipped_works_with_pyspark_alone(package: Package) -> None:
    assert check(package) == () or sys.version_info[:2] != (3, 11)


def test_all_that_is_wrong_is_named_at_once(package: Package, tmp_path: Path) -> None:
    broken = changed(
        package,
        tmp_path,
        gristmill__later="type Name = str\n1 / 0\n",
        gristmill__cli__wrong="def (:\n",
        gristmill__jobs__needy="import boto3\n",
        gristmill__jobs__failing="1 / 0\n",
    )
    with pytest.raises(GristmillError) as told:
        check(broken)
    lines = str(told.value).splitlines()
    assert "Python 3.11 on x86_64" in lines[0]
    assert [line.strip().split(": ")[0] for line in lines[1:]] == [
        "gristmill/later.py",
        "gristmill/cli/wrong.py",
        "import gristmill.jobs.failing",
        "import gristmill.jobs.needy",
        "import gristmill.later",
    ]
    assert "No module named 'boto3'" in lines[-2]


@pytest.mark.thorough
def test_a_script_that_does_not_start_is_named(package: Package, tmp_path: Path) -> None:
    script = tmp_path / "entry.py"
    script.write_text("def main(argv):\n    raise LookupError(argv[0])\n")
    with pytest.raises(GristmillError, match=r"entry\.py word-count --help: LookupError"):
        check(Package(package.version, package.target, package.code, script))


@pytest.mark.thorough
def test_code_that_ends_the_interpreter_is_told(package: Package, tmp_path: Path) -> None:
    broken = changed(package, tmp_path, gristmill__end="import os\nos._exit(7)\n")
    with pytest.raises(GristmillError, match="ended: 7"):
        check(broken)


@pytest.mark.thorough
def test_without_the_target_s_python_it_says_what_was_not_tried(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    other = Package(package.version, Platform("3.10"), package.code, package.entry)
    # The code is for 3.11, which shows in the syntax of none of its modules.
    assert [note.split(":")[0] for note in check(other)] == ["there is no python3.10 here"]


@pytest.mark.parametrize("python", ["3", "3.11.7", "three", "", "3.x"])
def test_a_python_is_named_by_two_numbers(python: str) -> None:
    with pytest.raises(UsageError, match=r"as 3\.11 is"):
        _ = Platform(python).version


HERE = platform.machine() == "x86_64" and sys.version_info[:2] == (3, 11)


def with_archive(package: Package, archive: Path, architecture: Architecture) -> Package:
    target = Platform("3.11", architecture)
    return Package(package.version, target, package.code, package.entry, archive)


@pytest.mark.parametrize(
    "architecture", ["x86_64", pytest.param("arm64", marks=pytest.mark.thorough)]
)
def test_jobs_may_import_what_is_shipped_with_them(
    package: Package, tmp_path: Path, architecture: Architecture
) -> None:
    job = "import shipped_too\nfrom shipped_too import deep\n"
    needy = changed(package, tmp_path, gristmill__jobs__needy=job)
    with pytest.raises(GristmillError, match="No module named 'shipped_too'"):
        check(needy)
    files = {"shipped_too/__init__.py": b"", "shipped_too/deep.py": b"DEPTH = 1\n"}
    check(with_archive(needy, archive_of(tmp_path, files), architecture))
    # Another module of a like name is none of it.
    files = {"shipped/__init__.py": b""}
    with pytest.raises(GristmillError, match="No module named 'shipped_too'"):
        check(with_archive(needy, archive_of(tmp_path, files), architecture))


def test_what_is_for_other_processors_is_not_tried_and_that_is_said(
    package: Package, tmp_path: Path
) -> None:
    other: Architecture = "x86_64" if platform.machine() in {"aarch64", "arm64"} else "arm64"
    needy = changed(package, tmp_path, gristmill__jobs__needy="import native_one\n")
    native = f"native_one/_speed.cpython-311-{'aarch64' if other == 'arm64' else other}.so"
    files = {
        "native_one/__init__.py": b"from native_one import _speed\n",
        native: elf(183 if other == "arm64" else 62),
    }
    notes = check(with_archive(needy, archive_of(tmp_path, files), other))
    assert any("were not tried" in note for note in notes)


@pytest.mark.skipif(not HERE, reason="dependencies are only imported where they run")
def test_dependencies_that_do_not_work_are_found(package: Package, tmp_path: Path) -> None:
    needy = changed(package, tmp_path, gristmill__jobs__needy="import odd_one\n")
    files = {"odd_one/__init__.py": b"import gone_missing\n"}
    with pytest.raises(GristmillError, match="No module named 'gone_missing'"):
        check(with_archive(needy, archive_of(tmp_path, files), "x86_64"))


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + b"\0" * 44


def archive_of(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "made.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_dependencies_are_for_the_target_s_python_and_processors(tmp_path: Path) -> None:
    made = archive_of(
        tmp_path,
        {
            "a/fits.cpython-311-aarch64-linux-gnu.so": elf(183),
            "a/stable.abi3.so": elf(183),
            "a.libs/libz-1234.so.1": elf(183),
            "a/wrong.cpython-311-x86_64-linux-gnu.so": elf(62),
            "a/older.cpython-39-aarch64-linux-gnu.so": elf(183),
            "a.libs/libq.so.2": elf(243),
            "a/mac.cpython-311-darwin.so": b"\xcf\xfa\xed\xfe" + b"\0" * 20,
            "a/win.pyd": b"MZ",
            "a/__init__.py": b"",
            "a-1.dist-info/METADATA": b"Name: a\nVersion: 1\nRequires-Python: >=3.9,<4\n\ntext\n",
            "b-2.dist-info/METADATA": b"Name: b\nVersion: 2\nRequires-Python: >= 3.12\n\n",
            "c-3.dist-info/METADATA": b"Name: c\nVersion: 3\nRequires-Python: >=3.7, <3.11\n\n",
            "d-4.dist-info/METADATA": b"Name: d\nVersion: 4\n\n",
        },
    )
    assert look(made, Platform("3.11", "arm64")) == [
        "a/wrong.cpython-311-x86_64-linux-gnu.so is for x86_64",
        "a/older.cpython-39-aarch64-linux-gnu.so is for Python 3.9",
        "a.libs/libq.so.2 is for ELF machine 243",
        "a/mac.cpython-311-darwin.so is not an ELF library: it was built for another system",
        "a/win.pyd is not for Linux",
        "b 2 needs Python >= 3.12",
        "c 3 needs Python >=3.7, <3.11",
    ]


# Dependencies

FAKE_UV = """#!{python} -I
import sys
from pathlib import Path
arguments = sys.argv[1:]
log = Path({log!r})
log.open("a").write(" ".join(arguments) + "\\n")
target = Path(arguments[arguments.index("--target") + 1])
for name in ("six.py", "six-1.dist-info/METADATA", "six-1.dist-info/RECORD", "bin/six", ".lock"):
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_text(sys.executable if name == "bin/six" else "Name: six\\nVersion: 1\\n")
overrides = Path(arguments[arguments.index("--overrides") + 1])
log.with_name("overrides").write_text(overrides.read_text())
sys.stderr.write({told!r})
sys.exit({code})
"""

Uv = Callable[..., Path]


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Uv:
    """Put a uv in place that fails as told, or installs one package; gives the log of its calls.

    What it makes is kept in an environment of the test's own.
    """
    log = tmp_path / "uv.log"
    log.touch()

    def put(told: str = "", code: int = 0) -> Path:
        script = tmp_path / "uv"
        script.write_text(FAKE_UV.format(python=sys.executable, log=str(log), told=told, code=code))
        script.chmod(0o755)
        monkeypatch.setattr("gristmill.emr.package.dependencies.find_uv", lambda: str(script))
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
        return log

    return put


def requirements(folder: Path, text: str, name: str = "requirements.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_an_archive_is_made_for_the_target_and_kept(uv: Uv, tmp_path: Path) -> None:
    log = uv()
    wanted = requirements(tmp_path, "six\n")
    made = build_archive(wanted, Platform("3.11", "arm64"))
    assert build_archive(wanted, Platform("3.11", "arm64")) == made
    calls = log.read_text().splitlines()
    assert len(calls) == 1
    assert "--python-platform aarch64-manylinux_2_34 --python-version 3.11" in calls[0]
    assert "--only-binary :all:" in calls[0]
    with tarfile.open(made) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["six-1.dist-info/METADATA", "six.py"]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {
        (0, 0, 0, "")
    }
    assert 'pyspark; python_version < "0"' in (tmp_path / "overrides").read_text()


def test_another_target_or_other_requirements_make_another_archive(uv: Uv, tmp_path: Path) -> None:
    log = uv()
    requirements(tmp_path, "attrs\n", "more.txt")
    requirements(tmp_path, "wheel 1", "own-1-py3-none-any.whl")
    wanted = requirements(tmp_path, "six\n-r more.txt\n-r requirements.txt\nown-1-py3-none-any.whl")
    made = [build_archive(wanted, Platform()), build_archive(wanted, Platform("3.13"))]
    made.append(build_archive(wanted, Platform(architecture="arm64")))
    requirements(tmp_path, "attrs==1\n", "more.txt")
    made.append(build_archive(wanted, Platform()))
    requirements(tmp_path, "wheel 2", "own-1-py3-none-any.whl")
    made.append(build_archive(wanted, Platform()))
    assert len(set(made)) == len(log.read_text().splitlines()) == 5
    assert len({path.read_bytes() for path in made}) == 1


@pytest.mark.parametrize(
    ("told", "packages"),
    [
        ("Because all versions of docopt have no usable wheels and you require", "docopt"),
        (
            "And because pywin32>=303 has no wheels with\n   a matching platform tag and only "
            "old-one==1.0 has no wheels with a matching Python ABI tag",
            "old-one, pywin32",
        ),
    ],
)
def test_a_package_without_a_wheel_is_named(
    uv: Uv, tmp_path: Path, told: str, packages: str
) -> None:
    uv(told, 1)
    wanted = requirements(tmp_path, "x")
    message = rf"no wheel for Python 3.11 on Linux, arm64, glibc 2.34: {packages};"
    with pytest.raises(GristmillError, match=message):
        build_archive(wanted, Platform(architecture="arm64"))
    # A failure is not kept.
    uv()
    assert build_archive(wanted, Platform(architecture="arm64")).is_file()


def test_whatever_else_uv_says_is_told(uv: Uv, tmp_path: Path) -> None:
    uv("error: there is no version of six==99", 2)
    with pytest.raises(GristmillError, match="six==99"):
        build_archive(requirements(tmp_path, "six==99"), Platform())


def test_without_uv_it_says_how_to_get_it(
    tmp_path: Path, uv: Uv, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv()
    monkeypatch.setattr("gristmill.emr.package.dependencies.find_uv", lambda: None)
    with pytest.raises(GristmillError, match="pip install uv"):
        build_archive(requirements(tmp_path, "six"), Platform())


def test_requirements_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.txt: No such file"):
        build_archive(tmp_path / "absent.txt", Platform())


def test_what_the_cluster_has_is_left_out_with_a_note(
    package: Package, uv: Uv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv()
    monkeypatch.setattr("gristmill.emr.package.build_wheel", lambda _folder: (package.code, "0"))
    wanted = requirements(tmp_path, "PySpark==4.1.1\n# gristmill\npyspark-extension\n  Py4J\n")
    assert left_out(wanted) == ["py4j", "pyspark"]
    built = build(tmp_path, wanted)
    assert built.archive is not None
    assert [note.split(": ")[1] for note in built.notes] == [
        f"{name} is left out, as the cluster has it" for name in ("py4j", "pyspark")
    ]


# The script


@pytest.mark.parametrize(
    ("argv", "said"),
    [([], "which job? There are: word-count"), (["nope"], "no job is named 'no")],
)
def test_a_job_that_is_not_there_is_wrong_usage(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(argv) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"gristmill: {said}")


def test_the_flags_are_the_job_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []

    def run(job: Any, argv: list[str], _console: Any, program: str) -> int:
        given.extend([job, argv, program])
        return 3

    assert entry.main(["word-count", "--input", "x"]) == 2
    assert "--output" in capsys.readouterr().err
    monkeypatch.setattr("gristmill.script.command.run_command", run)
    assert entry.main(["word-count", "--input", "x"]) == 3
    assert given == [CATALOGUE["word-count"], ("--input", "x"), "gristmill word-count"]


@pytest.mark.parametrize(("codes", "ran"), [((0, 0), 2), ((3, 0), 1)])
def test_the_jobs_of_a_chain_run_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...], ran: int
) -> None:
    given: list[tuple[str, Any]] = []

    def run(job: Any, argv: Any, _console: Any, program: str) -> int:
        given.append((program, argv))
        return codes[len(given) - 1]

    monkeypatch.setattr("gristmill.script.command.run_command", run)
    words = ["word-count", "--input", "a", "then", "access-logs", "--input", "b"]
    assert entry.main(words) == codes[0]
    both = [("word-count", ("--input", "a")), ("access-logs", ("--input", "b"))]
    assert given == [(f"gristmill {job}", argv) for job, argv in both][:ran]


def test_a_chain_with_a_job_that_is_not_there_runs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gristmill.script.command.run_command", lambda *_: 1 / 0)
    assert entry.main(["word-count", "then", "nope"]) == 2
    assert entry.main(["word-count", "then"]) == 2
    told = capsys.readouterr().err
    assert "no job is named 'nope'" in told
    assert "before and behind each 'then'" in told


def test_an_old_python_is_told_before_anything_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "OLDEST", (9, 9))
    assert entry.main(["word-count"]) == 2
    assert "set PYSPARK_PYTHON" in capsys.readouterr().err


# The command


def test_the_command_says_what_it_built(
    package: Package,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("gristmill.emr.package.__main__.build", lambda *_given: package)
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [package.key, package.key]
    assert [line.split()[-1] for line in lines] == [str(package.code), str(package.entry)]


def test_the_command_fails_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--requirements", str(tmp_path / "none.txt")]) == 2
    assert "cannot read" in capsys.readouterr().err
