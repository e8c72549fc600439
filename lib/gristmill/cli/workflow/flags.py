"""The commands of workflows and their flags, for which nothing else is loaded."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from gristmill.script.console import add_flags

if TYPE_CHECKING:
    from gristmill.cli.parser import Commands

_Adding = Callable[[str, str, str], argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Add the commands."""
    text = "state machines as AWS Step Functions has them: run here, or deployed there"
    group = commands.group("workflow", text)

    def command(name: str, handler: str, text: str) -> argparse.ArgumentParser:
        added = group.add(name, f"workflow.{handler}", text)
        add_flags(added)
        return added

    def on_ledger(name: str, handler: str, text: str) -> argparse.ArgumentParser:
        added = command(name, handler, text)
        told = "the ledger's database (default: $GRISTMILL_LEDGER, the project's, or the user's)"
        added.add_argument("--ledger", metavar="URL", help=told)
        return added

    linted = command("lint", "files:lint", "say all that is wrong with definitions")
    linted.add_argument("files", nargs="+", metavar="FILE", help="JSON in the States Language")
    text = "warn, too, of what AWS has bounds for, and of what is bound here only"
    linted.add_argument("--aws", action="store_true", help=text)
    linted.add_argument("--express", action="store_true", help="as an express state machine")
    run = on_ledger("run", "running:run", "run a state machine, and wait for its end")
    _started(run)
    text = "answer tasks from a file of mocks of Step Functions Local: FILE:CASE"
    run.add_argument("--mock", metavar="FILE:CASE", help=text)
    text = "jump over waits, retries and timeouts: to try a state machine out"
    run.add_argument("--jump", action="store_true", help=text)
    run.add_argument("--aws-limits", action="store_true", help="fail where AWS would for size")
    _started(on_ledger("start", "running:start", "start an execution, for a worker to drive"))
    listed = on_ledger("list", "looking:list_executions", "list executions, the newest first")
    listed.add_argument("--machine", metavar="NAME", help="only those of this state machine")
    text = "only these: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED"
    listed.add_argument("--status", metavar="STATUS", help=text)
    listed.add_argument("-n", type=int, default=20, help="how many (default: 20)")
    shown = on_ledger("show", "looking:show_execution", "show an execution: input, output, history")
    shown.add_argument("execution", metavar="EXECUTION", help="its name, MACHINE:NAME, or ARN")
    shown.add_argument("--history", action="store_true", help="with each event")
    _graph(on_ledger)
    _acted_on(on_ledger)
    deployed = command("deploy", "deploying:deploy", "make a template, and deploy it to AWS")
    deployed.add_argument("file", metavar="FILE")
    deployed.add_argument(
        "--name", metavar="NAME", help="of the state machine (default: the file's)"
    )
    deployed.add_argument("--express", action="store_true", help="as an express state machine")
    text = "write the CloudFormation template there, and deploy nothing"
    deployed.add_argument("--template", metavar="FILE", help=text)


def _started(added: argparse.ArgumentParser) -> None:
    text = "a definition, or the name of a state machine that is known here"
    added.add_argument("machine", metavar="FILE|NAME", help=text)
    added.add_argument("--input", default="{}", metavar="JSON|@FILE", help="(default: {})")
    text = "the execution's: started twice under one name, it is one (default: made up)"
    added.add_argument("--name", metavar="NAME", help=text)
    added.add_argument("--express", action="store_true", help="without a history, once at most")


def _graph(on_ledger: _Adding) -> None:
    text = "draw a state machine, or an execution with how far it is"
    added = on_ledger("graph", "drawing:graph", text)
    added.add_argument("subject", metavar="FILE|EXECUTION")
    added.add_argument(
        "--format", choices=("svg", "mermaid"), help="(default: as the file is named)"
    )
    added.add_argument("-o", "--output", metavar="FILE", help="(default: standard output)")


def _acted_on(on_ledger: _Adding) -> None:
    text = "go on with an execution that ended badly, where it did; what was done stays done"
    redriven = on_ledger("redrive", "running:redrive", text)
    redriven.add_argument("execution", metavar="EXECUTION")
    stopped = on_ledger("stop", "running:stop", "stop an execution")
    stopped.add_argument("execution", metavar="EXECUTION")
    stopped.add_argument("--error", metavar="NAME")
    stopped.add_argument("--cause", metavar="TEXT")
    answered = on_ledger("answer", "running:answer", "tell what came of a task, by its token")
    answered.add_argument("token", metavar="TOKEN")
    answered.add_argument("--output", metavar="JSON|@FILE", help="it succeeded, with this")
    answered.add_argument("--error", metavar="NAME", help="it failed, with this error")
    answered.add_argument("--cause", metavar="TEXT", help="why it failed")
    answered.add_argument("--heartbeat", action="store_true", help="it goes on")
