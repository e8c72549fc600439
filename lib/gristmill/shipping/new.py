"""A project of one's own that works at once."""

import re
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.errors import OutputError, UsageError
from gristmill.shipping.wheel import build_wheel

_DOTTED = {"gitignore", "github"}
"""What a template's names lack, as files with a dot may be left out where they are installed."""

_FILLED = {"requirements.txt", "README.md"}


def new_project(folder: Path) -> list[Path]:
    """Write a project into a folder, which may be there but has to be empty; gives its files.

    It has Gristmill as a wheel in `vendor/`, built from this installation. Raises `UsageError`,
    `OutputError`, and `GristmillError` where no wheel can be had.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty: name a folder that is new")
    with TemporaryDirectory(prefix="gristmill-new-") as scratch:
        wheel, version = build_wheel(Path(scratch))
        made = Path(scratch) / "project"
        with as_file(files("gristmill.shipping") / "template") as template:
            _write(template, made, {"@VERSION@": version, "@NAME@": _name(folder)})
        (made / "vendor").mkdir()
        shutil.move(wheel, made / "vendor" / f"gristmill-{version}-py3-none-any.whl")
        try:
            shutil.copytree(made, folder, dirs_exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _name(folder: Path) -> str:
    return re.sub(r"[^\w.-]+", "-", folder.resolve().name).strip("-") or "project"


def _write(template: Path, folder: Path, values: dict[str, str]) -> None:
    folder.mkdir()
    for path in template.iterdir():
        if path.name == "__pycache__":
            continue
        target = folder / (f".{path.name}" if path.name in _DOTTED else path.name)
        if path.is_dir():
            _write(path, target, values)
        elif path.name in _FILLED:
            text = path.read_text(encoding="utf-8")
            for name, value in values.items():
                text = text.replace(name, value)
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(path, target)
