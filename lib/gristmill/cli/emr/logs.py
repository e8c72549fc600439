"""What a run printed, as far as EMR has brought it to S3."""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gristmill.cli.emr.context import HomeContext
from gristmill.cli.voice import tell
from gristmill.emr.logs import is_of_driver
from gristmill.emr.outcome import PATIENCE, still
from gristmill.emr.redact import redact_text
from gristmill.emr.runners.serverless import ServerlessRunner
from gristmill.emr.runners.steps import bootstrap_logs
from gristmill.emr.submit import runner_of
from gristmill.errors import ExitCode, UsageError
from gristmill.runs import Handle, LogFile, Runner

_LOOK_SECONDS = 10.0
_QUIET_LOOKS = 3
_OVERLAP = 1000  # characters
_NONE_YET = "no logs yet: EMR puts them into S3 every five minutes"


def show(arguments: argparse.Namespace) -> int:
    """Print the logs of a run, without what looks like a secret; gives the exit code."""
    context = HomeContext.of(arguments)
    record = context.runs.load(arguments.run)
    runner, handle = runner_of(context.aws, record)

    def look() -> Sequence[LogFile]:
        if arguments.bootstrap:
            if handle.runner == ServerlessRunner.name:
                raise UsageError("--bootstrap: EMR Serverless runs no bootstrap actions")
            return bootstrap_logs(context.aws, record.logs, handle)
        found = runner.logs(handle)
        return [log for log in found if is_of_driver(log)] if arguments.driver else found

    if arguments.follow:
        follow(runner, handle, look)
        return ExitCode.DONE
    logs = look()
    if not logs:
        tell(_NONE_YET)
    for log in logs:
        print(f"==> {log.uri}")
        print(redact_text(runner.read(log)))
    return ExitCode.DONE


def follow(
    runner: Runner,
    handle: Handle,
    look: Callable[[], Sequence[LogFile]],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Print logs as they come, until the run has ended and nothing more comes of it."""
    shown: dict[str, tuple[int, str]] = {}
    last, quiet, said = "", 0, False
    while True:
        # Asked first: what is printed before a run ends is there when it has.
        status = runner.poll([handle])[handle]
        quiet += 1
        for log in look():
            size, before = shown.get(log.uri, (-1, ""))
            if log.size == size:
                continue
            text = runner.read(log)
            shown[log.uri] = log.size, text
            new = _behind(before, text)
            if new:
                quiet = 0
                if log.uri != last:
                    print(f"==> {log.uri}")
                last = log.uri
                print(redact_text(new), end="" if new.endswith("\n") else "\n", flush=True)
        if status.state.is_final:
            is_late = still(status, PATIENCE, clock()) <= 0
            if is_late or (shown and quiet >= _QUIET_LOOKS):
                tell(f"the run has ended: {status.state.value}")
                return
        if not shown and not said:
            said = True
            tell(_NONE_YET)
        pause(_LOOK_SECONDS)


def _behind(before: str, text: str) -> str:
    """What is new in a text, of which the end is read, and the end before that was `before`."""
    if text.startswith(before):
        return text[len(before) :]
    end = before[-_OVERLAP:]
    place = text.rfind(end)
    return text if place < 0 else text[place + len(end) :]
