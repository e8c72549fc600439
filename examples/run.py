"""Runs an example in a folder of its own, and says whether it did what it should.

`python -m examples.run NAME [FOLDER]`: what is in `examples/NAME` is copied, its data made, and its
state machine run on each input of its `example.toml`.
"""

import importlib.util
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from gristmill.manager.ledger import open_ledger
from gristmill.workflow.api import run_workflow

EXAMPLES = Path(__file__).parent


def names() -> list[str]:
    """The examples that there are."""
    return sorted(one.parent.name for one in EXAMPLES.glob("*/example.toml"))


def copied(name: str, folder: Path) -> Path:
    """An example in a folder of its own, with its data."""
    target = folder / name
    shutil.copytree(EXAMPLES / name, target, dirs_exist_ok=True)
    script = target / "prepare.py"
    if script.exists():
        spec = importlib.util.spec_from_file_location(f"prepare_{name}", script)
        assert spec is not None  # noqa: S101  the file is there
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.prepare(target)
    return target


def differs(run: dict[str, Any], status: str, output: Any, error: str | None) -> str | None:
    """How a run is not what the example says; None where it is."""
    wanted = "FAILED" if "error" in run else "SUCCEEDED"
    if status != wanted:
        return f"{status}, not {wanted}: {error}"
    if error != run.get("error"):
        return f"error {error}, not {run.get('error')}"
    return _lacks(run.get("output"), output, "output")


def _lacks(wanted: Any, found: Any, where: str) -> str | None:
    if isinstance(wanted, dict) and isinstance(found, dict):
        said = (_lacks(one, found.get(name), f"{where}.{name}") for name, one in wanted.items())
        return next(filter(None, said), None)
    return None if wanted is None or wanted == found else f"{where} is {found!r}, not {wanted!r}"


def run_example(name: str, folder: Path) -> list[str]:
    """Run an example; gives what it did otherwise than it says."""
    target = copied(name, folder)
    document = tomllib.loads((target / "example.toml").read_text(encoding="utf-8"))
    wrong = []
    # The functions of one example are not those of another.
    sys.modules.pop("functions", None)
    ledger = open_ledger(f"sqlite:///{target / '.gristmill' / 'ledger.db'}")
    try:
        for run in document["run"]:
            execution = run_workflow(
                f"{run.get('machine', name)}.asl.json",
                run["input"],
                name=run["name"],
                folder=target,
                ledger=ledger,
                jump=document.get("jump", False),
            )
            said = differs(run, execution.status, execution.output, execution.error)
            print(f"{run['name']}: {execution.status} {execution.error or execution.output}")
            if said:
                wrong.append(f"{run['name']}: {said}")
    finally:
        ledger.close()
        if str(target) in sys.path:
            sys.path.remove(str(target))
    return wrong


def main(argv: list[str]) -> int:
    """Run the example that is named; gives 0 where it did what it should."""
    if len(argv) not in {1, 2} or argv[0] not in names():
        print(f"which example? NAME is one of {', '.join(names())}", file=sys.stderr)
        return 2
    folder = Path(argv[1]) if len(argv) == 2 else Path(tempfile.mkdtemp(prefix="gristmill-"))
    print(f"in {folder / argv[0]}")
    wrong = run_example(argv[0], folder)
    for text in wrong:
        print(f"not as it should be: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
