"""The project as one file: its wheel, made so that the same tree gives the same bytes."""

import importlib.util
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gristmill.errors import GristmillError
from gristmill.shipping.process import finished

SOURCE = Path(__file__).resolve().parents[3]
"""The root of the clone that this code is run from, where it is run from one."""

OF_THE_INSTALLER = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
"""What tells in a `.dist-info` folder how a wheel was installed, and differs between machines."""

_BUILT_AT = "1580601600"  # 2020-02-02, also what hatchling takes by itself
_DATE = (2020, 2, 2, 0, 0, 0)
_HOOK = "import sys, hatchling.build as backend; backend.build_wheel(sys.argv[1])"


def build_wheel(folder: Path) -> tuple[Path, str]:
    """Write `gristmill-VERSION.zip` into `folder`; gives its path, and the version.

    From a clone it is the wheel that the project's build gives; elsewhere it is what is installed,
    packed again. Raises `GristmillError` where neither can be had.
    """
    with TemporaryDirectory(prefix="gristmill-wheel-") as scratch:
        if (SOURCE / "pyproject.toml").is_file() and (SOURCE / "lib" / "gristmill").is_dir():
            wheel = _build(Path(scratch))
        else:
            wheel = _repack(Path(scratch))
        version = wheel.name.split("-")[1]
        target = folder / f"gristmill-{version}.zip"
        folder.mkdir(parents=True, exist_ok=True)
        # As a whole or not at all, where another process builds into the same folder.
        fresh = folder / f".{target.name}.{os.getpid()}"
        shutil.copyfile(wheel, fresh)
        fresh.replace(target)
    return target, version


def find_uv() -> str | None:
    """The uv on PATH, or the one that `make setup` or pip has put beside this Python."""
    beside = (SOURCE / ".uv" / "bin" / "uv", Path(sys.prefix) / "bin" / "uv")
    found = (str(path) for path in beside if path.is_file())
    return shutil.which("uv") or next(found, None)


def _build(scratch: Path) -> Path:
    uv = find_uv()
    if importlib.util.find_spec("hatchling"):
        # It needs no network, where uv would ask for a hatchling of its own.
        command = [sys.executable, "-P", "-c", _HOOK, str(scratch)]
    elif uv:
        command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(scratch), str(SOURCE)]
    else:
        raise GristmillError(
            "building the wheel takes hatchling or uv, and neither is here: make setup"
        )
    environ = {**os.environ, "SOURCE_DATE_EPOCH": _BUILT_AT}
    done = finished("building the wheel", command, SOURCE, environ)
    wheels = list(scratch.glob("gristmill-*.whl"))
    if done.returncode or len(wheels) != 1:
        told = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise GristmillError(f"the wheel of {SOURCE} cannot be built:\n{told}")
    return wheels[0]


def _repack(scratch: Path) -> Path:
    try:
        installed = distribution("gristmill")
    except PackageNotFoundError:
        installed = None
    kept = [
        path
        for path in (installed.files if installed else None) or ()
        if path.parts[0] != ".."
        and "__pycache__" not in path.parts
        and not (path.parent.name.endswith(".dist-info") and path.name in OF_THE_INSTALLER)
    ]
    if not installed or "gristmill/__init__.py" not in map(str, kept):
        raise GristmillError(
            "there is nothing to build a package from: this is neither a clone of the project nor "
            "an installed wheel; clone the project and run: make package"
        )
    wheel = scratch / f"gristmill-{installed.version}-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as packed:
        for path in sorted(kept, key=str):
            info = ZipInfo(path.as_posix(), _DATE)
            info.external_attr = 0o644 << 16
            info.compress_type = ZIP_DEFLATED
            packed.writestr(info, path.read_binary())
    return wheel
