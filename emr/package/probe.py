"""Run by the target's Python, with nothing else to import: try a package, print what is wrong.

    python -I -S probe.py CODE.zip ENTRY.py FOLDER-WITH-PYSPARK 3.11 [DEPENDENCIES here|elsewhere]

DEPENDENCIES is the folder of what is shipped beside the code. Where that is for another machine
than this one, what fails in it says nothing.

The last line of the output is a JSON list of problems.
"""

import ast
import contextlib
import importlib
import io
import json
import runpy
import sys
import traceback
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

_SAID = 200
# For commands on a laptop, or left alone where a library is missing: a cluster need not have those.
_NOT_ON_A_CLUSTER = (
    "gristmill.api.emr",
    "gristmill.cli",
    "gristmill.cloud_costs.kernels",
    "gristmill.emr",
    "gristmill.followers.catalog",
    "gristmill.lineage",
    "gristmill.manager",
    "gristmill.pages",
    "gristmill.publish.iceberg",
    "gristmill.readers.kernels",
    "gristmill.warehouse",
    "gristmill.shipping",
    "gristmill.storage.remote",
    "gristmill.workflow",
)


def main(code: str, entry: str, pyspark: str, version: str, *more: str) -> list[str]:
    """All that is wrong with a package; empty where nothing is."""
    # -I and -S have left the standard library alone on it.
    sys.path[:] = [code, *more[:1], *sys.path, pyspark]
    beyond = more[0] if more[1:] == ("elsewhere",) else None
    with zipfile.ZipFile(code) as packed:
        sources = {name: packed.read(name) for name in packed.namelist() if name.endswith(".py")}
    with open(entry, "rb") as file:  # noqa: PTH123
        script = {"entry.py": file.read()}
    wrong = [*_unreadable(sources | script, version), *_unimportable(code, sources, beyond)]
    return wrong or [*_unstartable(entry, beyond)]


def _unreadable(sources: Mapping[str, bytes], version: str) -> Iterator[str]:
    major, minor = map(int, version.split("."))
    for name, source in sources.items():
        try:
            compile(source, name, "exec")
            # Of a syntax newer than `version`, where this Python is; not quite all of it.
            ast.parse(source, name, feature_version=(major, minor))
        except (SyntaxError, ValueError) as error:
            yield f"{name}: {_said(error)}"


def _unimportable(code: str, sources: Mapping[str, bytes], beyond: str | None) -> Iterator[str]:
    for path in sorted(sources):
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not name.startswith("gristmill") or name.startswith(_NOT_ON_A_CLUSTER):
            continue
        try:
            module = importlib.import_module(name)
        except Exception as error:
            if not _is_of(beyond, error):
                yield f"import {name}: {_said(error)}"
        else:
            if not str(module.__file__).startswith(code):
                yield f"import {name}: it came from {module.__file__}"


def _unstartable(entry: str, beyond: str | None) -> Iterator[str]:
    start = runpy.run_path(entry)["main"]
    try:
        jobs = importlib.import_module("gristmill.catalogue").known_jobs()
    except Exception as error:
        if _is_of(beyond, error):
            return
        raise
    if not jobs:
        yield "there are no jobs in it"
    for name in jobs:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                start([name, "--help"])
        except SystemExit as end:
            if end.code:
                yield f"entry.py {name} --help: exit code {end.code}"
        except Exception as error:
            yield f"entry.py {name} --help: {_said(error)}"


def _is_of(folder: str | None, error: BaseException) -> bool:
    """Whether an error arose in a file of `folder`, or is about a module that it has."""
    if folder is None:
        return False
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if name and any(path.stem.partition(".")[0] == name for path in Path(folder).iterdir()):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename.startswith(folder) for frame in frames)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:_SAID]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:7])) + "\n")
