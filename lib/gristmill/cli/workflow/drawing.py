"""`gristmill workflow graph`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.cli.manager.context import opened
from gristmill.cli.voice import tell
from gristmill.cli.workflow.files import text_of
from gristmill.errors import ExitCode
from gristmill.workflow.api import name_of
from gristmill.workflow.definition.states import Machine
from gristmill.workflow.drawing.mermaid import mermaid
from gristmill.workflow.drawing.status import status_of
from gristmill.workflow.drawing.svg import svg
from gristmill.workflow.engine import service
from gristmill.workflow.lint import check_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def graph(arguments: argparse.Namespace) -> int:
    """Draw a state machine, or an execution; gives the exit code."""
    status: Mapping[str, str] = {}
    if Path(arguments.subject).exists():
        machine = _drawable(text_of(arguments.subject), arguments.subject)
        title = name_of(arguments.subject)
    else:
        with opened(arguments) as ledger, ledger.look() as tx:
            row = service.find(tx, arguments.subject)
            known = service.machine_of(tx, row["machine"], row["revision"])
            machine = _drawable(known.text, known.name)
            status = status_of(tx, row["arn"], machine)
            title = f"{row['machine']}:{row['name']} {row['status']}"
    named = Path(arguments.output or "").suffix
    is_svg = (arguments.format or ("mermaid" if named in {".mmd", ".md"} else "svg")) == "svg"
    drawn = svg(machine, status, title) if is_svg else mermaid(machine, status)
    if arguments.output:
        Path(arguments.output).write_text(drawn, encoding="utf-8")
        tell(f"drawn into {arguments.output}")
    else:
        sys.stdout.write(drawn)
    return ExitCode.DONE


def _drawable(text: str, name: str) -> Machine:
    """A machine, even one whose tasks are bound to nothing here."""
    checked = check_text(text)
    return checked.machine if checked.machine is not None else checked.sound(name)
