"""Whether what is shipped works where it goes: on that Python, from the zip, with pyspark alone."""

import importlib.util
import json
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.emr.package import probe
from gristmill.emr.package.contents import Package, Platform
from gristmill.errors import GristmillError
from gristmill.shipping.process import finished

_ELF = b"\x7fELF"
# e_machine of the ELF header, at its byte 18, little-endian on both.
_MACHINES = {"x86_64": 62, "arm64": 183}
_ABI = re.compile(r"\.cpython-3(\d+)")
_AT_LEAST = re.compile(r">=\s*(\d+)\.(\d+)")
_BELOW = re.compile(r"<\s*(\d+)\.(\d+)")


def check(package: Package) -> tuple[str, ...]:
    """Try a package as its target will use it; gives notes on what could not be tried here.

    Every module is parsed, those that run on a cluster are imported and every job's flags are
    made, by an interpreter that has nothing but the standard library, pyspark, the package and the
    users' dependencies, which are also looked at file by file. Raises `GristmillError`, which names
    all that is wrong at once.
    """
    problems, notes = _try(package)
    if package.archive:
        problems += look(package.archive, package.target)
    if problems:
        target = f"Python {package.target.python} on {package.target.architecture}"
        raise GristmillError(
            "\n  ".join([f"what would be shipped does not work on {target}:", *problems])
        )
    return tuple(notes)


def look(archive: Path, target: Platform) -> list[str]:
    """What in an archive of dependencies is for another Python or another processor."""
    wrong: list[str] = []
    with tarfile.open(archive) as packed:
        for member in packed:
            file = packed.extractfile(member)
            if file is None:
                continue
            if member.name.endswith(".dist-info/METADATA"):
                wrong += _refused(file.read(), target)
            else:
                wrong += _foreign(member.name, file.read(20), target)
    return wrong


def _try(package: Package) -> tuple[list[str], list[str]]:
    notes: list[str] = []
    interpreter = _interpreter(package.target)
    if interpreter is None:
        interpreter = sys.executable
        notes.append(
            f"there is no python{package.target.python} here: what is shipped was parsed as of "
            f"it, and imported by {sys.version_info.major}.{sys.version_info.minor}"
        )
    with TemporaryDirectory(prefix="gristmill-check-") as scratch:
        for name in ("pyspark", "py4j"):
            found = importlib.util.find_spec(name)
            if found is None or not found.submodule_search_locations:
                raise GristmillError(f"{name} is not installed, and the check takes it: make setup")
            (Path(scratch) / name).symlink_to(found.submodule_search_locations[0])
        more = _unpacked(package, Path(scratch) / "dependencies", interpreter)
        if more[1:] == ["elsewhere"]:
            notes.append(
                f"the dependencies are for Python {package.target.python} on Linux, "
                f"{package.target.architecture}: they were not tried here"
            )
        done = finished(
            "trying what is shipped",
            [
                *(interpreter, "-I", "-S", "-B", probe.__file__),
                *(str(package.code.resolve()), str(package.entry.resolve())),
                *(scratch, package.target.python, *more),
            ],
            cwd=scratch,
        )
    try:
        problems: list[str] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        problems = [f"{interpreter} ended: {done.stderr.strip()[-500:] or done.returncode}"]
    return problems, notes


def _unpacked(package: Package, folder: Path, interpreter: str) -> list[str]:
    """The users' dependencies as a folder, and whether this machine can import them."""
    if package.archive is None:
        return []
    with tarfile.open(package.archive) as packed:
        packed.extractall(folder, filter="data")
    machine = {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    is_same = sys.platform == "linux" and machine == package.target.architecture
    # Without the target's Python it is tried by this one.
    is_same = is_same and _interpreter(package.target) == interpreter
    return [str(folder), "here" if is_same else "elsewhere"]


def _interpreter(target: Platform) -> str | None:
    if sys.version_info[:2] == target.version:
        return sys.executable
    found = shutil.which(f"python{target.python}")
    if found is None:
        return None
    # What a version manager puts on PATH may stand for nothing.
    asked = [found, "-I", "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
    done = finished(f"asking {asked[0]} for its version", asked)
    return found if done.stdout.strip() == target.python else None


def _refused(metadata: bytes, target: Platform) -> Iterator[str]:
    headers = HeaderParser().parsestr(metadata.decode(errors="replace"))
    wanted = headers.get("Requires-Python", "")
    least = [(int(major), int(minor)) for major, minor in _AT_LEAST.findall(wanted)]
    below = [(int(major), int(minor)) for major, minor in _BELOW.findall(wanted)]
    if any(target.version < one for one in least) or any(target.version >= one for one in below):
        yield f"{headers['Name']} {headers['Version']} needs Python {wanted}"


def _foreign(name: str, head: bytes, target: Platform) -> Iterator[str]:
    if name.endswith((".pyd", ".dylib", ".dll")):
        yield f"{name} is not for Linux"
    elif head.startswith(_ELF):
        machine = int.from_bytes(head[18:20], "little")
        if machine != _MACHINES[target.architecture]:
            known = {number: name for name, number in _MACHINES.items()}
            yield f"{name} is for {known.get(machine, f'ELF machine {machine}')}"
        if (abi := _ABI.search(name)) and int(abi[1]) != target.version[1]:
            yield f"{name} is for Python 3.{abi[1]}"
    elif name.endswith(".so"):
        yield f"{name} is not an ELF library: it was built for another system"
