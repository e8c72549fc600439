"""A job out of a file or a module, and what is said where there is none."""

import ast
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gristmill.errors import UsageError
from gristmill.model.job import AnyJob, Job


@dataclass(frozen=True)
class Found:
    """A job, and where it was found: in words, and as `module:attribute` below the folder `root`.

    `root` is None for a job of Gristmill's own. `is_installed` says that it came as an entry point.
    """

    job: AnyJob
    location: str
    module: str
    attribute: str
    root: Path | None = None
    is_installed: bool = False


def from_file(file: Path, attribute: str | None = None) -> Found:
    """The job in a Python file: its `JOB`, or what `attribute` names. Raises `UsageError`."""
    path = file.resolve()
    if not path.is_file():
        raise UsageError(f"no such job: there is no file {file}")
    name, root = path.stem, path.parent
    while (root / "__init__.py").is_file():
        name, root = f"{root.name}.{name}", root.parent
    if name in sys.stdlib_module_names or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{file} cannot be imported under that name: rename it")
    known = sys.modules.get(name)
    if known is not None and _file_of(known) != path:
        raise UsageError(f"{file} has the name of another module, {name}: rename it")
    make_importable((root,))
    module = _loaded(str(file), path, lambda: importlib.import_module(name))
    if _file_of(module) != path:
        raise UsageError(f"{file} has the name of another module, {name}: rename it")
    found = _one_job(str(file), module, path, attribute)
    return Found(getattr(module, found), f"{file}:{found}", name, found, root)


def from_module(name: str, attribute: str, roots: Iterable[Path]) -> Found:
    """The job that a module, below one of `roots` or installed, has by that name.

    Raises `UsageError`.
    """
    module = load_module(name, roots)
    job = getattr(module, attribute, None)
    where = f"{name}:{attribute}"
    if not isinstance(job, Job):
        said = "is no job" if hasattr(module, attribute) else "is not there"
        have = ", ".join(jobs_in(module)) or "none"
        raise UsageError(f"{where} {said}; the jobs of {name}: {have}")
    return Found(job, where, name, attribute, root_of(module))


def load_module(name: str, roots: Iterable[Path]) -> ModuleType:
    """A module. Raises `UsageError` with the line at which it does not load."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{name!r} is no name of a module: mypackage.module:JOB, or my_job.py")
    make_importable(roots)
    return _loaded(name, None, lambda: importlib.import_module(name))


def make_importable(roots: Iterable[Path]) -> None:
    """Let this process import what is in folders."""
    for root in map(str, roots):
        if root not in sys.path:
            # At the end, so that it hides no module that is there already.
            sys.path.append(root)


def let_workers_import(found: Found) -> None:
    """Let the workers of a Spark that this process will start import what a job is made of."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if found.root and str(found.root) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, paths), str(found.root)])


def jobs_in(module: ModuleType) -> Mapping[str, AnyJob]:
    """The jobs that a module has, by the names that it gives them."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Job)}


def root_of(module: ModuleType) -> Path | None:
    """The folder that a module is imported from."""
    file = _file_of(module)
    if file is None:
        return None
    return file.parents[module.__name__.count(".") + (file.name == "__init__.py")]


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _loaded(shown: str, file: Path | None, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except (Exception, SystemExit) as error:
        where = shown
        if isinstance(error, SyntaxError) and error.filename:
            where = f"{_short(error.filename, shown, file)}:{error.lineno}"
        else:
            lines = _lines(error, file)
            where = f"{_short(lines[0], shown, file)}:{lines[1]}" if lines else shown
        kind = type(error).__name__
        raise UsageError(f"{where} does not load: {kind}: {error}") from error


def _lines(error: BaseException, file: Path | None) -> tuple[str, int] | None:
    """The innermost line of the file itself; without one, of code that is not Python's own."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        own = not frame.filename.startswith(("<", str(Path(os.__file__).parent)))
        if own and frame.filename != __file__ and (not file or Path(frame.filename) == file):
            return frame.filename, frame.lineno or 0
    return None


def _short(filename: str, shown: str, file: Path | None) -> str:
    return shown if file and Path(filename) == file else filename


def _one_job(shown: str, module: ModuleType, file: Path, attribute: str | None) -> str:
    """The name of the job that is meant. Raises `UsageError` where that is not plain."""
    jobs = jobs_in(module)
    if attribute is not None:
        if attribute not in jobs:
            raise UsageError(f"{shown} has no job {attribute}; it has: {', '.join(jobs) or 'none'}")
        return attribute
    made = [(name, line) for name, line in _assigned(file) if name in jobs]
    if len(made) > 1:
        listed = ", ".join(f"{name} in line {line}" for name, line in made)
        raise UsageError(
            f"{shown} has {len(made)} jobs, {listed}: say which, {shown}:{made[-1][0]}, or keep one"
        )
    if made:
        return made[0][0]
    if "JOB" in jobs:
        return "JOB"
    raise UsageError(f"{shown} has no job: it takes a line JOB = Job(…)")


def _assigned(file: Path) -> list[tuple[str, int]]:
    """The names that the lines of a file assign, and the line of each."""
    found = []
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        found += [(one.id, node.lineno) for one in targets if isinstance(one, ast.Name)]
    return found
