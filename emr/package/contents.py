"""What is shipped to a cluster, and where in S3 it lies: all of it known without asking AWS."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from gristmill.errors import UsageError

Architecture = Literal["x86_64", "arm64"]

_KEY_LENGTH = 16
# The folder that a cluster unpacks the archive into, beside the process that it starts.
_UNPACKED = "dependencies"


@dataclass(frozen=True)
class Platform:
    """What a cluster runs: the Python of its jobs, and the processors of its machines."""

    python: str = "3.11"
    architecture: Architecture = "x86_64"

    @property
    def version(self) -> tuple[int, int]:
        """The Python as numbers. Raises `UsageError` where it is not named as 3.11 is."""
        major, dot, minor = self.python.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal()):
            raise UsageError(f"a cluster's Python is named as 3.11 is, not {self.python!r}")
        return int(major), int(minor)


@dataclass(frozen=True)
class Package:
    """Files on this machine: the code, the script that starts it, and what users add to it.

    `code` is the project's wheel under the name of a zip file, which is what PySpark imports from.
    `archive` holds the users' own dependencies, `notes` are for whoever had it built.
    """

    version: str
    target: Platform
    code: Path
    entry: Path
    archive: Path | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """What tells this code and script from all others."""
        whole = "".join(f"{path.name} {sha256(path)}\n" for path in (self.code, self.entry))
        return hashlib.sha256(whole.encode()).hexdigest()[:_KEY_LENGTH]

    @cached_property
    def archive_key(self) -> str | None:
        """What tells this archive from all others."""
        return sha256(self.archive)[:_KEY_LENGTH] if self.archive else None


@dataclass(frozen=True)
class Shipped:
    """Where in S3 a package is, or will be once it is uploaded."""

    py_files: str
    entry: str
    archive: str | None = None

    def settings(self, *, serverless: bool = False) -> dict[str, str]:
        """The Spark settings by which driver and executors import the users' dependencies.

        They are a folder of packages, not a Python, so nothing in it points to this machine. It
        needs the driver on the cluster: `--deploy-mode cluster`, which EMR Serverless always has.
        """
        if self.archive is None:
            return {}
        driver = "spark.emr-serverless.driverEnv" if serverless else "spark.yarn.appMasterEnv"
        return {
            "spark.archives": f"{self.archive}#{_UNPACKED}",
            f"{driver}.PYTHONPATH": f"./{_UNPACKED}",
            "spark.executorEnv.PYTHONPATH": f"./{_UNPACKED}",
        }


def locate(package: Package, home: str) -> Shipped:
    """Where below `home`, `s3://BUCKET/PREFIX`, a package is kept. Raises `UsageError`."""
    return Shipped(**{part: uri for part, (_path, uri) in files(package, home).items()})


def files(package: Package, home: str) -> Mapping[str, tuple[Path, str]]:
    """The files of a package and their URIs, by the name of the part; what starts it comes last.

    Raises `UsageError`.
    """
    if not home.startswith("s3://") or not home.removeprefix("s3://").strip("/"):
        raise UsageError(f"packages are kept in S3, as s3://BUCKET/PREFIX, not in {home!r}")
    below = f"{home.rstrip('/')}/packages"
    parts = {}
    if package.archive:
        uri = f"{below}/{package.archive_key}/{_UNPACKED}.tar.gz"
        parts["archive"] = (package.archive, uri)
    for name, path in (("py_files", package.code), ("entry", package.entry)):
        parts[name] = (path, f"{below}/{package.key}/{path.name}")
    return parts


def sha256(path: Path) -> str:
    """A file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
