"""A user's own job beside the project's: the modules that it is made of, in the same file."""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gristmill.catalogue import Found
from gristmill.catalogue.sources import GROUP
from gristmill.errors import UsageError

_DATE = (2020, 2, 2, 0, 0, 0)
_INFO = "gristmill_own_jobs-0.dist-info"
_LEFT_OUT = {"gristmill", "pyspark", "py4j"}
_LARGEST = 50_000_000  # bytes: code, and not data that lies beside it


def add_own(code: Path, jobs: Sequence[Found]) -> None:
    """Add the modules of jobs to the zip file `code`, and entry points by which they are found.

    Those are a job's file or its package, and what these import of what lies beside them; of an
    installed package that alone. Raises `UsageError`, also where modules of two jobs have one name.
    """
    files: dict[str, Path] = {}
    own = [found for found in jobs if found.root is not None]
    if not own:
        return
    for found in own:
        for name, path in _files(found):
            if files.setdefault(name, path) != path:
                raise UsageError(f"{path} and {files[name]} have one name, and one run takes one")
    size = sum(path.stat().st_size for path in files.values())
    if size > _LARGEST:
        jobs_of = ", ".join(dict.fromkeys(found.location for found in own))
        roots = ", ".join(dict.fromkeys(str(found.root) for found in own))
        raise UsageError(
            f"{jobs_of} would ship {size / 1e6:,.0f} MB of {roots}: keep data elsewhere"
        )
    with ZipFile(code, "a") as packed:
        there = set(packed.namelist())
        for name, path in sorted(files.items()):
            if name not in there:
                _add(packed, name, path.read_bytes())
        metadata = "Metadata-Version: 2.1\nName: gristmill-own-jobs\nVersion: 0\n"
        _add(packed, f"{_INFO}/METADATA", metadata.encode())
        points = sorted({f"{one.job.name} = {one.module}:{one.attribute}\n" for one in own})
        _add(packed, f"{_INFO}/entry_points.txt", f"[{GROUP}]\n{''.join(points)}".encode())


def _add(packed: ZipFile, name: str, data: bytes) -> None:
    # The same tree gives the same bytes.
    info = ZipInfo(name, _DATE)
    info.external_attr = 0o644 << 16
    info.compress_type = ZIP_DEFLATED
    packed.writestr(info, data)


def _files(found: Found) -> Iterator[tuple[str, Path]]:
    """The files to add, by their names in the zip."""
    root = found.root or Path()
    names, seen = [found.module.partition(".")[0]], set(_LEFT_OUT)
    while names:
        name = names.pop()
        if name in seen or name in sys.stdlib_module_names:
            continue
        seen.add(name)
        for path in _of(root, name):
            yield path.relative_to(root).as_posix(), path
            if path.suffix == ".py" and not found.is_installed:
                names += _imported(path)


def _of(root: Path, name: str) -> Iterator[Path]:
    """The files of a module or a package that lies in `root`; none where it does not."""
    if (root / f"{name}.py").is_file():
        yield root / f"{name}.py"
    elif (root / name / "__init__.py").is_file():
        for path in sorted((root / name).rglob("*")):
            inside = path.relative_to(root).parts
            hidden = any(part.startswith(".") or part == "__pycache__" for part in inside)
            if path.is_file() and not hidden:
                yield path


def _imported(file: Path) -> Iterator[str]:
    """The top-level names that a Python file imports, anywhere in it."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        # Whether it is wrong for the cluster's Python is looked at when the package is tried.
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
