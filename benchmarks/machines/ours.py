"""Our interpreter, on a ledger."""

import sys
import tempfile
import time
from pathlib import Path

from common import loop, tasks

from gristmill.workflow.api import run_workflow

PROJECT = '[tool.gristmill.functions]\nwork = "work:work"\n'


def main(kind: str, url: str, count: int) -> float:
    """Seconds for a loop of so many rounds, or so many tasks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(PROJECT)
        (folder / "work.py").write_text("def work(event, context):\n    return event\n")
        definition = loop() if kind == "loop" else tasks()
        # The tables are made, and all is imported.
        run_workflow(definition, {"i": 0, "n": 2}, folder=folder, ledger=url)
        began = time.perf_counter()
        ended = run_workflow(definition, {"i": 0, "n": count}, folder=folder, ledger=url)
        took = time.perf_counter() - began
        if ended.status != "SUCCEEDED":
            raise RuntimeError(ended.cause)
        return took


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
