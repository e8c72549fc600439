"""Jars that a Spark on this machine takes and pyspark does not have, fetched once."""

import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from gristmill.errors import GristmillError

_CENTRAL = "https://repo1.maven.org/maven2/"
_PATIENCE_SECONDS = 30.0
_AT_ONCE = 8


@dataclass(frozen=True)
class Jars:
    """Jars by their Maven coordinates, all that are needed, for what `purpose` says.

    `digest` is the SHA-256 of all of them, each as its name and its own: what was fetched is this
    or it is not used.
    """

    name: str
    purpose: str
    coordinates: tuple[str, ...]
    digest: str

    def folder(self, notice: Callable[[str], None] = lambda _text: None) -> Path:
        """The folder that holds them.

        They are fetched on first use, into this environment, from Maven Central or from the mirror
        that DEFAULT_ARTIFACT_REPOSITORY names, as for Spark itself; `notice` is told so before.
        Raises `GristmillError` where they cannot be had.
        """
        home = Path(sys.prefix) / "share" / "gristmill" / f"{self.name}-{self.digest[:8]}"
        if home.is_dir():
            return home
        notice(f"fetching what Spark needs for {self.purpose}")
        try:
            home.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=home.parent) as scratch:
                fresh = _fetch(self, Path(scratch), home)
                try:
                    fresh.rename(home)
                except OSError:
                    # Another process was faster; what it fetched is the same.
                    if not home.is_dir():
                        raise
        except OSError as error:
            raise GristmillError(
                f"cannot keep what Spark needs for {self.what} in {home.parent}: {error.strerror}; "
                "use an environment of your own"
            ) from error
        return home

    @property
    def what(self) -> str:
        """What they are for, in a word."""
        return self.purpose.partition(" (")[0]


def _fetch(jars: Jars, scratch: Path, home: Path) -> Path:
    repository = os.environ.get("DEFAULT_ARTIFACT_REPOSITORY", _CENTRAL)
    folder = scratch / "jars"
    folder.mkdir()

    def fetch(coordinate: str) -> None:
        group, name, version = coordinate.split(":")
        jar = f"{name}-{version}.jar"
        place = f"{group.replace('.', '/')}/{name}/{version}"
        (folder / jar).write_bytes(_download(f"{repository.rstrip('/')}/{place}/{jar}"))

    try:
        # The first one alone: where nothing can be reached, one is enough to know.
        fetch(jars.coordinates[0])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(fetch, jars.coordinates[1:]))
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise GristmillError(
            f"cannot fetch what Spark needs for {jars.what} from {repository} ({error}): "
            "connect this machine to the internet, or have DEFAULT_ARTIFACT_REPOSITORY name a "
            f"mirror of Maven Central, or copy {home} from another machine"
        ) from error
    if _digest(folder) != jars.digest:
        raise GristmillError(
            f"what {repository} has is not what Spark needs for {jars.what}: use another"
        )
    return folder


def _download(url: str) -> bytes:
    # By Python, not by Java, whose own certificates do not have those that a company adds.
    with urlopen(url, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310  the user's own setting
        data: bytes = answer.read()
    return data


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for jar in sorted(folder.iterdir()):
        total.update(f"{jar.name} {hashlib.sha256(jar.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
