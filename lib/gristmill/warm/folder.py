"""Where the warm process of a user and of an installation is reached: a socket in a folder that
nobody else can enter."""

import hashlib
import locale
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

_LONGEST = 100  # what a socket's path may have is 107 bytes
_SUFFIX = ".sock"
_PACKAGE = Path(__file__).parents[1]


def runtime_folder() -> Path | None:
    """The folder of the sockets, made where it is missing; None where there can be none.

    It is below XDG_RUNTIME_DIR, which goes when its user logs out, else in the folder for temporary
    files (https://specifications.freedesktop.org/basedir-spec/latest/).
    """
    folder = runtime_path()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    # In a folder for all, somebody else may have made it before.
    is_own = found.st_uid == os.getuid() and found.st_mode & 0o170077 == 0o040000
    return folder if is_own and len(str(folder)) < _LONGEST - 40 else None


def runtime_path() -> Path:
    """Where the folder of the sockets is, or would be."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    name = "gristmill" if runtime else f"gristmill-{os.getuid()}"
    return Path(runtime or temporary_folder()) / name


def temporary_folder() -> str:
    """The folder for temporary files, or another one where its name is too long for sockets."""
    found = gettempdir()
    return found if len(found) < _LONGEST - 60 else "/tmp"  # noqa: S108  none is left lying there


def socket_of(folder: Path) -> Path:
    """The socket of the warm process that may serve this one."""
    return folder / f"{installation()}-{_fingerprint()}{_SUFFIX}"


def sockets(folder: Path) -> Iterator[Path]:
    """The sockets that there are, of whatever installation."""
    yield from sorted(folder.glob(f"*{_SUFFIX}"))


def installation() -> str:
    """A name for the environment that this Python runs in."""
    return _digest(sys.prefix)


def _fingerprint() -> str:
    """A name for the code of this installation, and for how its Python was started."""
    how = (sys.version, sys.executable, str(sys.flags), str(sys.warnoptions), str(sys._xoptions))
    language = (locale.getencoding(), locale.setlocale(locale.LC_CTYPE))
    environment = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k in _PYTHON]
    return _digest("\n".join((*how, *language, *environment, *_code())))


_PYTHON = ("PYTHONHOME", "PYTHONHASHSEED", "PYTHONPLATLIBDIR", "PYTHONUSERBASE", "PYTHONMALLOC")


def _code() -> Iterator[str]:
    """What changes when Gristmill or one of the packages that it needs does."""
    for place in (*map(Path, sys.path), Path(sys.prefix)):
        if place.name in ("site-packages", "dist-packages"):
            yield f"{place} {place.stat().st_mtime_ns}" if place.is_dir() else str(place)
    for folder, below, files in os.walk(_PACKAGE, followlinks=True):
        below[:] = sorted(name for name in below if name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".py", ".toml")):
                found = os.stat(f"{folder}/{name}")  # noqa: PTH116  some hundreds, at every start
                yield f"{folder}/{name} {found.st_mtime_ns} {found.st_size}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
