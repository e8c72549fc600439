"""`gristmill submit`."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gristmill.cli.manager.context import bytes_of, opened
from gristmill.cli.manager.detail import RunDetail
from gristmill.cli.show import Block, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, UsageError
from gristmill.manager.ledger import Ledger
from gristmill.manager.request import RunRequest
from gristmill.manager.states import RunState
from gristmill.manager.submit import children, submit_request

_LOOK = 0.5
# Flags of submit that no job has: behind the job's name they would be taken for one of its own.
_OURS = {
    *("--ledger", "--key", "--queue", "--priority", "--share", "--after", "--after-any"),
    *("--array", "--n-to-n", "--sequential", "--fail-fast", "--retries", "--timeout"),
    *("--cores", "--memory", "--on"),
}


@dataclass(frozen=True)
class SubmittedRun:
    """A run that was submitted, or was there before under its key."""

    run: str
    state: str
    is_new: bool


@blocks.register
def _(found: SubmittedRun) -> Iterable[Block]:
    yield found.run


def submit(arguments: argparse.Namespace) -> int:
    """Submit a run and, if that is asked for, wait for its end; gives the exit code."""
    for word in arguments.argv:
        name = word.partition("=")[0]
        if name in _OURS:
            raise UsageError(
                f"{name} goes before the job: gristmill submit {name} … {arguments.job} --input …"
            )
    with opened(arguments) as ledger:
        done = submit_request(ledger, _request(arguments))
        if not done.is_new:
            tell(f"run {done.run} was there already, under the key {arguments.key}: {done.state}")
        if arguments.wait:
            return _wait(ledger, done.run, as_json=arguments.json)
        show(SubmittedRun(done.run, done.state, done.is_new), as_json=arguments.json)
        tell(f"why it waits: gristmill why {done.run}")
    return ExitCode.DONE


def _request(arguments: argparse.Namespace) -> RunRequest:
    asked = {
        "queue": arguments.queue,
        "share": arguments.share,
        "attempts": None if arguments.retries is None else arguments.retries + 1,
        "timeout": arguments.timeout and arguments.timeout.total_seconds(),
        "cores": arguments.cores,
        "memory": bytes_of(arguments.memory),
    }
    return RunRequest(
        arguments.job,
        tuple(arguments.argv),
        key=arguments.key,
        priority=arguments.priority,
        after=tuple(arguments.after),
        after_any=tuple(arguments.after_any),
        array=_array(arguments.array),
        n_to_n=arguments.n_to_n,
        sequential=arguments.sequential,
        fail_fast=arguments.fail_fast,
        on=arguments.on,
        **{name: value for name, value in asked.items() if value is not None},
    )


def _array(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    if text.isdigit():
        return children(int(text))
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--array takes a number, or a file with a line for each: {error}"
        ) from error
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _wait(ledger: Ledger, run: str, *, as_json: bool) -> int:
    said = ""
    while True:
        detail = RunDetail.of(ledger, run, lines=10)
        if detail.state != said:
            said = detail.state
            tell(f"{run}  {said}  {detail.reason}".rstrip())
        if RunState(detail.state).is_final:
            show(detail, as_json=as_json)
            return _CODES.get(RunState(detail.state), ExitCode.FAILED)
        time.sleep(_LOOK)


_CODES = {RunState.SUCCEEDED: ExitCode.DONE, RunState.CANCELLED: ExitCode.INTERRUPTED}
