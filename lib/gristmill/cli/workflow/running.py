"""Running executions: here and now, or by whoever works on the ledger."""

import argparse
import contextlib
import json
import signal
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.cli.manager.context import opened
from gristmill.cli.show import Block, blocks, show
from gristmill.cli.voice import tell
from gristmill.cli.workflow.files import json_of, text_of
from gristmill.errors import ExitCode, InputError, UsageError
from gristmill.manager.ledger import Ledger
from gristmill.workflow.api import drive, name_of, registered
from gristmill.workflow.bindings.mocks import MockBindings, read_mocks
from gristmill.workflow.engine import service
from gristmill.workflow.engine.clocks import JumpingClock, RealClock
from gristmill.workflow.engine.driver import Bindings, Clock, Driver
from gristmill.workflow.engine.engine import Engine
from gristmill.workflow.engine.memory import MemoryStore
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter import steps
from gristmill.workflow.interpreter.branch import Execution, Status
from gristmill.workflow.interpreter.run import Limits, Run
from gristmill.workflow.lint import check_text
from gristmill.workflow.opening import open_bindings
from gristmill.workflow.redriving import redrive as redrive_in
from gristmill.workflow.settings import LocalSettings


@dataclass(frozen=True)
class ExecutionEnd:
    """How an execution is, in AWS's words. `output` is null unless it succeeded."""

    execution: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    is_new: bool = True


@blocks.register
def _(found: ExecutionEnd) -> Iterable[Block]:
    yield f"{found.status}  {found.execution}"
    if found.status == Status.SUCCEEDED:
        yield json.dumps(found.output, indent=2, ensure_ascii=False)
    if found.error:
        yield f"error: {found.error}"
    if found.cause:
        yield f"cause: {found.cause}"


def _end(execution: Execution, *, is_new: bool = True) -> ExecutionEnd:
    return ExecutionEnd(
        execution.arn,
        str(execution.status),
        execution.output,
        execution.error,
        execution.cause,
        is_new,
    )


def run(arguments: argparse.Namespace) -> int:
    """Run a state machine, and wait for its end; gives the exit code."""
    given = json_of(arguments.input, "--input")
    clock: Clock = JumpingClock() if arguments.jump else RealClock()
    with opened(arguments) as ledger:
        bindings = _bindings(arguments, ledger)
        limits = Limits.of_aws() if arguments.aws_limits else Limits()
        if arguments.express:
            execution = _express(arguments, given, bindings(str(Path.cwd())), clock, limits)
            show(_end(execution), as_json=arguments.json)
            return _code(execution)
        with ledger.begin() as tx:
            machine = registered(tx, arguments.machine, Path.cwd())
            started = service.start(tx, machine, given, arguments.name)
        if not started.is_new:
            tell(f"{started.execution.name} was there already: {started.execution.status}")
        engine = Engine(ledger, bindings, limits=limits, clock=clock, tell=_telling())
        execution = _driven(ledger, engine, started.execution.arn)
    show(_end(execution, is_new=started.is_new), as_json=arguments.json)
    return _code(execution)


def _code(execution: Execution) -> int:
    return ExitCode.DONE if execution.status is Status.SUCCEEDED else ExitCode.FAILED


def _bindings(arguments: argparse.Namespace, ledger: Ledger) -> Any:
    open_ = open_bindings(ledger)
    if not arguments.mock:
        return open_
    file, _, case = arguments.mock.rpartition(":")
    answers = read_mocks(Path(file), name_of(arguments.machine), case)
    return lambda folder: MockBindings(open_(folder), answers)


def _driven(ledger: Ledger, engine: Engine, arn: str) -> Execution:
    """Drive an execution to its end, or look on while another worker does."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _interrupted(engine))
    return drive(ledger, engine, arn, tell)


def _interrupted(engine: Engine) -> None:
    tell("let go of it: it goes on with gristmill worker, or the same command with its --name")
    engine.stop()


def _telling() -> Any:
    seen: dict[str, int] = {}

    def told(run: Run) -> None:
        arn = run.execution.arn
        for branch in list(run.branches.values()):
            mark = f"{arn}/{branch.id}"
            if not branch.is_quiet and branch.visit > seen.get(mark, 0):
                seen[mark] = branch.visit
                tell(f"{run.execution.machine_name}: {branch.state}")

    return told


def _express(
    arguments: argparse.Namespace, given: Any, bindings: Bindings, clock: Clock, limits: Limits
) -> Execution:
    aws = LocalSettings(Path.cwd()).aws
    checked = check_text(text_of(arguments.machine), is_express=True, aws=aws)
    machine = checked.sound(arguments.machine)
    name = name_of(arguments.machine)
    arn = service.execution_arn(name, arguments.name or "express")
    execution = Execution(arn, service.machine_arn(name), given, clock.now())
    run_ = Run(machine, execution, clock.now, limits, is_express=True)
    store = MemoryStore()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:
        driver = Driver(run_, store, bindings, pool, clock, Path(folder), tell=_telling())
        store.on_answer = driver.woken.set
        steps.start(run_)
        return driver.drive()


def start(arguments: argparse.Namespace) -> int:
    """Start an execution, for a worker to drive; gives the exit code."""
    given = json_of(arguments.input, "--input")
    if arguments.express:
        raise UsageError("an express execution is run at once: gristmill workflow run --express")
    with opened(arguments) as ledger, ledger.begin() as tx:
        machine = registered(tx, arguments.machine, Path.cwd())
        started = service.start(tx, machine, given, arguments.name)
    show(_end(started.execution, is_new=started.is_new), as_json=arguments.json)
    tell("gristmill worker drives it")
    return ExitCode.DONE


def redrive(arguments: argparse.Namespace) -> int:
    """Go on with an execution that ended badly, and wait for its end; gives the exit code."""
    with opened(arguments) as ledger:
        arn = redrive_in(ledger, arguments.execution)
        engine = Engine(ledger, open_bindings(ledger), tell=_telling())
        execution = _driven(ledger, engine, arn)
    show(_end(execution), as_json=arguments.json)
    return _code(execution)


def stop(arguments: argparse.Namespace) -> int:
    """Stop an execution; gives the exit code."""
    with opened(arguments) as ledger:
        with ledger.begin() as tx:
            arn = service.find(tx, arguments.execution)["arn"]
            was_running = service.ask_to_stop(tx, arn, arguments.error, arguments.cause)
        if not was_running:
            raise UsageError(f"{arguments.execution} has ended already")
        # Where nobody drives it, it is stopped here.
        engine = Engine(ledger, open_bindings(ledger))
        with contextlib.closing(engine):
            engine.run_one(arn)
        with ledger.look() as tx:
            execution = service.execution_of(tx, arn)
    show(_end(execution), as_json=arguments.json)
    return ExitCode.DONE


def answer(arguments: argparse.Namespace) -> int:
    """Tell what came of a task, by its token; gives the exit code."""
    given = [
        name
        for name, value in (
            ("success", arguments.output),
            ("failure", arguments.error),
            ("heartbeat", arguments.heartbeat),
        )
        if value
    ]
    if len(given) != 1:
        raise UsageError("exactly one of --output, --error and --heartbeat is needed")
    output = json_of(arguments.output, "--output") if arguments.output else None
    with opened(arguments) as ledger, ledger.begin() as tx:
        try:
            service.answer(
                tx,
                arguments.token,
                given[0],
                output=output,
                error=arguments.error,
                cause=arguments.cause,
            )
        except StatesError as error:
            raise InputError(str(error.cause)) from error
    tell("told")
    return ExitCode.DONE
