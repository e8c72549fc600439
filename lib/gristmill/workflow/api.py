"""Running workflows from Python: `run_workflow("nightly.asl.json", {"day": "2026-11-29"})`."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gristmill.errors import InputError
from gristmill.manager.ledger import Ledger, Transaction, open_ledger
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import JumpingClock, RealClock
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.interpreter.branch import Execution
from gristmill.workflow.interpreter.run import Limits, Run
from gristmill.workflow.opening import open_bindings
from gristmill.workflow.settings import LocalSettings

# What submits runs, or starts what may.
_SUBMITS = ("gristmill:run", "batch:", "elasticmapreduce:", "emr-serverless:", "states:startExec")

Definition = str | os.PathLike[str] | Mapping[str, Any]


def run_workflow(
    definition: Definition,
    input: Any = None,  # noqa: A002  the flag's name
    *,
    name: str | None = None,
    folder: Path | None = None,
    ledger: str | Ledger | None = None,
    jump: bool = False,
    limits: Limits | None = None,
    tell: Callable[[Run], None] = lambda _run: None,
) -> Execution:
    """Run a state machine, and give how it ended.

    `definition` is a file, a name of `[tool.gristmill.local.machines]`, or the definition itself.
    The same `name` with the same input is one execution, which goes on where it was. `folder` is
    where functions are looked for, by default the working directory; `jump` jumps over waits.

    Raises `DefinitionError` for what cannot be run, `UsageError` for a name that was used with
    another input, `InputError` for a file that cannot be read.
    """
    where = (folder or Path.cwd()).resolve()
    opened = ledger if isinstance(ledger, Ledger) else open_ledger(ledger)
    try:
        with opened.begin() as tx:
            machine = registered(tx, definition, where)
            given = {} if input is None else input
            started = service.start(tx, machine, given, name, str(where))
        clock = JumpingClock() if jump else RealClock()
        engine = Engine(opened, open_bindings(opened), limits=limits, clock=clock, tell=tell)
        return drive(opened, engine, started.execution.arn)
    finally:
        if not isinstance(ledger, Ledger):
            opened.close()


def registered(tx: Transaction, definition: Definition, folder: Path) -> service.Registered:
    """A state machine in the ledger: of a file, a name, or the definition itself.

    Raises `DefinitionError`, `InputError`.
    """
    settings = LocalSettings(folder)
    if isinstance(definition, Mapping):
        text = json.dumps(definition, indent=2, ensure_ascii=False)
        name = str(definition.get("Comment") or "workflow")[:80]
        return service.register(tx, name, text, aws=settings.aws)
    named = settings.machines
    key = os.fspath(definition)
    file = named.get(key) or folder / key
    if not file.exists() and not file.suffix:
        return service.known(tx, key)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    return service.register(tx, key if key in named else name_of(key), text, aws=settings.aws)


class LedgerWorkflows:
    """Starts executions for schedules and arrivals, which a worker then drives."""

    def start(self, tx: Transaction, machine: str, folder: Path, given: Any, name: str) -> str:
        """Start one of a file or name; gives its ARN. Raises `GristmillError`."""
        found = registered(tx, machine, folder)
        return service.start(tx, found, given, name, str(folder)).execution.arn

    def stop(self, tx: Transaction, arn: str, cause: str) -> None:
        """Ask for one to be stopped."""
        service.ask_to_stop(tx, arn, None, cause)


def name_of(file: str) -> str:
    """The name of the state machine in a file: the file's, without what it ends in."""
    name = Path(file).name
    for ending in (".asl.json", ".asl", ".json"):
        name = name.removesuffix(ending)
    return name


def drive(
    ledger: Ledger, engine: Engine, arn: str, speak: Callable[[str], None] = lambda _text: None
) -> Execution:
    """Drive an execution to its end, or look on while another worker does; the runs that it
    submits are worked on meanwhile. Raises `KeyboardInterrupt` where the engine is told to end."""
    with contextlib.closing(engine), working(ledger, arn, speak):
        while True:
            engine.run_one(arn)
            with ledger.look() as tx:
                execution = service.execution_of(tx, arn)
            if execution.status.is_final:
                return execution
            if engine.is_stopped:
                raise KeyboardInterrupt
            engine.look_on()


@contextlib.contextmanager
def working(ledger: Ledger, arn: str, speak: Callable[[str], None]) -> Iterator[None]:
    """A worker of the job manager, in a thread of its own, where an execution may submit runs."""
    with ledger.look() as tx:
        row = service.find(tx, arn)
        text = service.machine_of(tx, row["machine"], row["revision"]).text
    if not any(word in text for word in _SUBMITS):
        yield
        return
    # It loads PySpark, which most workflows do without.
    from gristmill.workflow.working import worker_beside  # noqa: PLC0415

    with worker_beside(ledger, speak):
        yield
