"""Users' own dependencies as an archive for the cluster's Python and processors, without Docker."""

import gzip
import hashlib
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.emr.package.contents import Platform
from gristmill.errors import GristmillError, UsageError
from gristmill.shipping.process import finished
from gristmill.shipping.wheel import OF_THE_INSTALLER, find_uv

# Amazon Linux 2023, which EMR 7 and 8 and EMR Serverless run on, has glibc 2.34.
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_34", "arm64": "aarch64-manylinux_2_34"}
# The cluster has its own, and a second one would not match its Java side. The code travels apart.
_ON_THE_CLUSTER = ("pyspark", "pyspark-client", "pyspark-connect", "py4j", "gristmill")
# Into the key of what is kept: raise it where the same requirements are to give another archive.
_EDITION = "1"
_NAME = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)")
_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirements?|--constraints?)[\s=]+(\S+)")
_NO_WHEEL = re.compile(r"\b([A-Za-z0-9][\w.-]*)(?:[<>=!~][^\s]*)? has no (?:usable )?wheels")
_NONE_USABLE = re.compile(r"all versions of ([\w.-]+) have no (?:usable )?wheels")


def build_archive(requirements: Path, target: Platform) -> Path:
    """The packages that a requirements file names, and what they need, as a `.tar.gz`.

    Kept in this Python's environment: the same requirements for the same target are resolved once,
    so versions that are not pinned stay what they were. The same packages give the same bytes.
    Raises `GristmillError` where uv is missing, or a package has no wheel for the target.
    """
    key = hashlib.sha256(
        "\n".join([_EDITION, target.python, target.architecture, *_parts(requirements)]).encode()
    ).hexdigest()[:16]
    kept = Path(sys.prefix) / "share" / "gristmill" / f"dependencies-{key}.tar.gz"
    if kept.is_file():
        return kept
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".dependencies-", dir=kept.parent) as scratch:
            folder = Path(scratch) / "packages"
            _install(requirements, target, folder, Path(scratch))
            fresh = Path(scratch) / kept.name
            _pack(folder, fresh)
            fresh.replace(kept)
    except OSError as error:
        raise GristmillError(
            f"cannot keep the dependencies in {kept.parent}: {error.strerror}; "
            "use an environment of your own"
        ) from error
    return kept


def left_out(requirements: Path) -> list[str]:
    """What is named in a requirements file, and the cluster has already."""
    named = [_NAME.match(line) for part in _parts(requirements) for line in part.splitlines()]
    names = {re.sub(r"[-_.]+", "-", found[1]).lower() for found in named if found}
    return sorted(names & set(_ON_THE_CLUSTER))


def _parts(requirements: Path, seen: frozenset[Path] = frozenset()) -> Iterator[str]:
    """The text of a requirements file and of those that it includes; digests of wheels it names."""
    path = requirements.resolve()
    if path in seen:
        return
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot read {requirements}: {why}") from error
    yield text
    for line in text.splitlines():
        if included := _INCLUDED.match(line):
            yield from _parts(path.parent / included[1], seen | {path})
        elif line.strip().endswith(".whl") and (path.parent / line.strip()).is_file():
            yield hashlib.sha256((path.parent / line.strip()).read_bytes()).hexdigest()


def _install(requirements: Path, target: Platform, folder: Path, scratch: Path) -> None:
    uv = find_uv()
    if uv is None:
        raise GristmillError(
            "packing dependencies takes uv, which is not here: pip install uv, or see "
            "https://docs.astral.sh/uv/"
        )
    # A marker that no Python meets takes a package out, also where another asks for it.
    overrides = scratch / "overrides.txt"
    overrides.write_text("".join(f'{name}; python_version < "0"\n' for name in _ON_THE_CLUSTER))
    done = finished(
        f"fetching what {requirements} names",
        [
            *(uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)),
            *("--python-platform", _PLATFORMS[target.architecture]),
            *("--python-version", target.python, "--only-binary", ":all:"),
            *("--overrides", str(overrides), "--requirements", str(requirements)),
        ],
        environ={**os.environ, "NO_COLOR": "1", "UV_LINK_MODE": "copy", "UV_COMPILE_BYTECODE": "0"},
    )
    if done.returncode:
        raise GristmillError(_failure(done.stderr, requirements, target))


def _failure(told: str, requirements: Path, target: Platform) -> str:
    flat = " ".join(told.split())
    missing = sorted({*_NONE_USABLE.findall(flat), *_NO_WHEEL.findall(flat)})
    place = f"Python {target.python} on Linux, {target.architecture}"
    if missing:
        return (
            f"{requirements}: no wheel for {place}, glibc 2.34: {', '.join(missing)}; take another "
            f"version, or put a wheel of your own into the file by its path\n({flat[:600]})"
        )
    return f"{requirements} cannot be installed for {place}:\n{told.strip()[:1000]}"


def _pack(folder: Path, archive: Path) -> None:
    """Write what is in a folder so that neither time, nor user, nor order shows."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in sorted(paths.items()):
            if not path.is_file() or _is_local(Path(name)):
                continue
            info = tarfile.TarInfo(name)
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            info.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(info, content)


def _is_local(name: Path) -> bool:
    # Commands start with the path of a Python on this machine; .lock and the like are uv's own.
    installers = name.parent.name.endswith(".dist-info") and name.name in OF_THE_INSTALLER
    return installers or name.parts[0] == "bin" or name.name == ".lock"
