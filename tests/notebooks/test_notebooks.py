"""Every notebook runs from its first cell to its last, and is stored without outputs."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.process import TIMEOUT, environment

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    assert not [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")]


# What others show too, in the browser, or as jobs.
LONGER = ("operations", "traffic")
RUNS = [
    pytest.param(path, marks=[pytest.mark.thorough] if path.stem in LONGER else (), id=path.stem)
    for path in NOTEBOOKS
]


@pytest.mark.parametrize("path", RUNS)
def test_it_runs(
    path: Path, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    out = tmp_path / "work" / "out"
    places = {"GRISTMILL_SAMPLES": str(samples), "GRISTMILL_OUT": str(out), "PATH": tools}
    for name, value in environment(**places).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": path.parent}}).execute()
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    assert not [one for one in ("Traceback", "exit code", "error:") if one in text]
    assert not [said for said in SAYS[path.stem] if said not in text]


SAYS = {
    "billing": ("cost_by_service", "image/png", "expected_cost"),
    "operations": ("blocked", "succeeded", "no such input", "has succeeded: it is"),
    "traffic": ("spark is ready: Spark", "unclosed_quote", "image/png", "failed"),
    "words": ("image/png", "greek"),
    "your_first_job": ("amount.not_decimal", "43.10", "AddJobFlowSteps"),
}
"""What is to be read in each when it has run: what its story is about."""
