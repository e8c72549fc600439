"""The machine that stands for a cluster's: its folders, its Pythons, its Spark, its way to S3."""

import os
import re
import shutil
import sys
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyspark
from botocore.exceptions import ClientError

from gristmill.spark import java
from gristmill.spark.s3a import JARS, settings
from simulator.releases import Release
from simulator.yarn import Yarn

if TYPE_CHECKING:
    from simulator.runs import Run

_AT_ONCE = 2
_SYSTEM_PYTHON = re.compile(r"(?:/usr/bin/)?(python(?:3(?:\.\d+)?)?)")
_S3_URI = re.compile(r"s3[an]?://[^/]+/.+")


class MissingFile(Exception):  # noqa: N818  as Java calls it: file not found
    """A file that a step names and that its cluster does not have."""


class Machine:
    """Everything that runs runs below `folder`; `environ` is how AWS is reached."""

    def __init__(self, folder: Path, environ: Mapping[str, str], client: Any) -> None:
        self.folder = folder
        self.s3 = client
        self.slots = threading.BoundedSemaphore(_AT_ONCE)
        """How many Sparks run at once; the others wait, as they would in YARN's queue."""
        self.runs: list[Run] = []
        """All that was started."""
        self.yarn = Yarn(folder / "yarn")
        self._aws = environ
        self._lock = threading.Lock()

    @cached_property
    def spark_home(self) -> Path:
        """The Spark of this environment."""
        return Path(pyspark.__file__).parent

    @cached_property
    def connector(self) -> Path:
        """The jars with which Spark reaches S3. Raises `GristmillError`."""
        return JARS.folder()

    @cached_property
    def java_home(self) -> Path:
        """The Java that Spark runs on. Raises `GristmillError`."""
        return java.find_java().home

    def stop(self) -> None:
        """End all that runs, and wait until it has ended."""
        for run in self.runs:
            run.end()
        for run in self.runs:
            run.join()

    def work(self, name: str) -> Path:
        """A new folder, for what is run as `name`."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made

    def environ(self, release: Release, home: Path) -> dict[str, str]:
        """The environment of a process on the cluster: nothing of this process's own is in it."""
        return {
            **self._aws,
            "PATH": f"{self._pythons(release)}:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "PYTHONNOUSERSITE": "1",
        }

    def spark_environ(self) -> dict[str, str]:
        """What a process needs besides to start Spark."""
        return {
            "JAVA_HOME": str(self.java_home),
            "SPARK_HOME": str(self.spark_home),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def spark_settings(self) -> dict[str, str]:
        """The settings that a cluster's Spark comes with, as far as S3 goes."""
        return settings(self._aws)

    def python(self, name: str, release: Release) -> str:
        """What is started where a job names a Python.

        That is a path which is not there where the release has no such Python.
        """
        found = _SYSTEM_PYTHON.fullmatch(name)
        return str(self._pythons(release) / found[1]) if found else name

    def _pythons(self, release: Release) -> Path:
        folder = self.folder / "pythons" / release.label
        with self._lock:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                names = ("python", "python3", *(f"python{one}" for one in release.pythons))
                for name in names:
                    (folder / name).symlink_to(_interpreter(name))
                self.yarn.install(folder)
        return folder

    def fetch(self, uri: str, folder: Path) -> Path:
        """A file of S3, brought into `folder`. Raises `MissingFile`."""
        if not _S3_URI.fullmatch(uri):
            raise MissingFile(f"File {uri} does not exist")
        place = urlsplit(uri)
        made = folder / Path(place.path).name
        try:
            self.s3.download_file(place.netloc, place.path.lstrip("/"), str(made))
        except ClientError as error:
            raise MissingFile(f"No such file or directory: {uri}") from error
        return made

    def unpack(self, uri: str, folder: Path, release: Release) -> None:
        """An archive of S3 (`s3://…/name.tar.gz#folder`), unpacked into `folder` as YARN would.

        Raises `MissingFile`.
        """
        where, _, name = uri.partition("#")
        archive = self.fetch(where, folder)
        packed = folder / f".{archive.name}"
        archive.rename(packed)
        target = folder / (name or archive.name)
        try:
            _extract(packed, target)
        except (tarfile.TarError, zipfile.BadZipFile) as error:
            raise MissingFile(f"cannot unpack {where}: {error}") from error
        packed.unlink()
        for link in target.glob("bin/python*"):
            if link.is_symlink() and link.readlink().is_absolute():
                self._follow(link, release)

    def _follow(self, link: Path, release: Release) -> None:
        # The Python of a virtual environment is a link to that of the machine where it was made.
        found = self.python(str(link.readlink()), release)
        link.unlink()
        if Path(found).parent == self._pythons(release):
            link.symlink_to(found)


def _extract(packed: Path, target: Path) -> None:
    if packed.suffix in {".zip", ".jar"}:
        with zipfile.ZipFile(packed) as opened:
            opened.extractall(target)  # noqa: S202  what the user packed
    else:
        with tarfile.open(packed) as opened:
            opened.extractall(target, filter="tar")


def _interpreter(name: str) -> str:
    """The Python that stands for a cluster's: one without this environment's packages.

    Where this machine has none of that version, the simulator's own stands in.
    """
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    if name in {"python", "python3", f"python3.{sys.version_info.minor}"}:
        return own
    return shutil.which(name) or own
