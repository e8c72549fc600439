"""Runs an example in a folder of its own, and says whether it did what it should.

`python -m examples.run NAME [FOLDER]`: what is in `examples/NAME` is copied, its data made, and its
state machine run on each input of its `example.toml`.
"""

import importlib.util
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gristmill.manager.ledger import Ledger, open_ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.settings.file import read_settings
from gristmill.manager.start.arrivals import take_arrivals
from gristmill.manager.start.places import look
from gristmill.workflow.api import LedgerWorkflows, drive
from gristmill.workflow.engine.clocks import JumpingClock, RealClock
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.opening import open_bindings

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


def begin(
    ledger: Ledger,
    folder: Path,
    name: str,
    run: dict[str, Any],
    forward: Callable[[float], None] = time.sleep,
) -> str:
    """Start an execution as the run of an example says, with its input or for files that have
    arrived; gives its ARN."""
    workflows = LedgerWorkflows()
    if "arrival" not in run:
        machine = f"{run.get('machine', name)}.asl.json"
        with ledger.begin() as tx:
            return workflows.start(tx, machine, folder, run["input"], run["name"])
    settings = read_settings(folder / "manager.toml")
    with ledger.begin() as tx:
        apply(tx, settings)

    def write(file: str, text: str) -> str:
        (folder / file).write_text(text, encoding="utf-8")
        return str(folder / file)

    while True:
        for batch in take_arrivals(ledger, look, write, print, workflows):
            if batch.run is not None:
                return batch.run
        forward(settings.arrivals[run["arrival"]].settle)


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
            arn = begin(ledger, target, name, run)
            clock = JumpingClock() if document.get("jump") else RealClock()
            execution = drive(ledger, Engine(ledger, open_bindings(ledger), clock=clock), arn)
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
