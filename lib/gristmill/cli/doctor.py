"""Whether this machine has what runs need, and what to do where it has not."""

import argparse
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from gristmill.cli.show import Block, Table, blocks, show
from gristmill.errors import ExitCode, GristmillError
from gristmill.model.report import size

_LEAST_MEMORY, _LEAST_DISK = 2_000_000_000, 2_000_000_000


@dataclass(frozen=True)
class Check:
    """Something that was looked at: its `state`, what was `found`, what to do, empty if nothing."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Health:
    """All that was looked at. `is_well` where nothing has failed."""

    is_well: bool
    checks: tuple[Check, ...]


@blocks.register
def _(found: Health) -> Iterable[Block]:
    yield Table(
        ("what", "state", "found"), [(one.name, one.state, one.found) for one in found.checks]
    )
    for one in found.checks:
        if one.advice:
            yield f"{one.name}: {one.advice}"


def doctor(arguments: argparse.Namespace) -> int:
    """Look at this machine, and at places in S3; gives the exit code."""
    checks = tuple(_checks(arguments.uris))
    health = Health(all(check.state != "failed" for check in checks), checks)
    show(health, as_json=arguments.json)
    return ExitCode.DONE if health.is_well else ExitCode.FAILED


def _checks(uris: Iterable[str]) -> Iterator[Check]:
    yield _python()
    yield _java()
    yield _package("pyspark", "pip install 'pyspark~=4.1.1'", "failed")
    yield _package(
        "polars", "for fast loads: pip install 'gristmill[native]'; in a clone: make setup"
    )
    yield _package("s3fs", "for looking at s3://: pip install s3fs; in a clone: make s3")
    yield _package("boto3", "for EMR: pip install boto3 pydantic; in a clone: make setup")
    yield _memory()
    for folder in dict.fromkeys((Path.cwd(), Path(gettempdir()))):
        yield _disk(folder)
    yield _loopback()
    for uri in uris:
        yield _reach(uri)


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    if (3, 11) <= sys.version_info < (3, 14):
        return Check("Python", "ok", found)
    return Check("Python", "failed", found, "use Python 3.11 to 3.13")


def _java() -> Check:
    from gristmill.spark.java import find_java  # noqa: PLC0415

    try:
        java = find_java()
    except GristmillError as error:
        return Check("Java", "failed", "none that does", str(error))
    return Check("Java", "ok", f"{java} at {java.home}")


def _package(name: str, advice: str, state: Literal["warning", "failed"] = "warning") -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, state, "not installed", advice)


def _memory() -> Check:
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = os.cpu_count() or 1
    told = f"{size(found)}, {cores} cores; Spark takes half of the memory, up to 16 GB"
    if found >= _LEAST_MEMORY:
        return Check("memory", "ok", told)
    return Check("memory", "warning", told, "larger inputs need 2 GB or more")


def _disk(folder: Path) -> Check:
    name = f"disk of {folder}"
    try:
        free = shutil.disk_usage(folder).free
        is_writable = os.access(folder, os.W_OK)
    except OSError as error:
        return Check(name, "failed", str(error), "name another folder by TMPDIR")
    if not is_writable:
        return Check(name, "failed", "not to be written to", "go to a folder of your own")
    if free < _LEAST_DISK:
        advice = "what Spark sorts may not fit: make room, or set TMPDIR"
        return Check(name, "warning", f"{size(free)} free", advice)
    return Check(name, "ok", f"{size(free)} free")


def _loopback() -> Check:
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return Check("loopback", "ok", "127.0.0.1 can be listened on")
    except OSError as error:
        advice = "Spark's parts speak to each other there: allow it"
        return Check("loopback", "failed", str(error), advice)


def _reach(uri: str) -> Check:
    from gristmill.publish.locations import open_location, readable  # noqa: PLC0415

    def names() -> int:
        with readable(uri):
            return len(open_location(uri).names(""))

    return _tried(uri, lambda: f"reached: {names():,} names")


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except GristmillError as error:
        return Check(name, "failed", "not reached", str(error))
