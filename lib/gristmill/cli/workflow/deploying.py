"""`gristmill workflow deploy`."""

import argparse
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gristmill.cli.show import Block, blocks, show
from gristmill.cli.voice import tell
from gristmill.cli.workflow.files import text_of
from gristmill.errors import ExitCode, UsageError
from gristmill.workflow.api import name_of
from gristmill.workflow.deployment.template import template, to_json
from gristmill.workflow.lint import check_text


@dataclass(frozen=True)
class Deployed:
    """A state machine that was deployed, and whether anything changed. `arn` is null where only
    the template was written, or AWS does not tell it."""

    name: str
    arn: str | None
    changed: bool


@blocks.register
def _(found: Deployed) -> Iterable[Block]:
    if found.arn or found.changed:
        yield found.arn or f"{found.name} is deployed"
    else:
        yield f"the template of {found.name} is written; nothing was deployed"


def deploy(arguments: argparse.Namespace) -> int:
    """Make a template, and deploy it; gives the exit code."""
    text = text_of(arguments.file)
    name = arguments.name or name_of(arguments.file)
    checked = check_text(text, is_express=arguments.express, for_aws=True)
    for one in checked.problems:
        if one.is_warning:
            tell(f"{arguments.file}: {one}")
    if checked.machine is None:
        checked.sound(arguments.file)
        raise UsageError(f"{arguments.file} is no state machine")
    made = template(name, text, checked.machine, is_express=arguments.express)
    if arguments.template:
        Path(arguments.template).write_text(to_json(made), encoding="utf-8")
        show(Deployed(name, None, False), as_json=arguments.json)
        return ExitCode.DONE
    # What knows AWS is loaded where it is called.
    from gristmill.emr.aws import Aws  # noqa: PLC0415
    from gristmill.emr.stacks import Stacks  # noqa: PLC0415

    stacks = Stacks(Aws(None).client("cloudformation"), tell)
    stack = f"gristmill-workflow-{name}"
    request = {
        "StackName": stack,
        "ChangeSetName": f"gristmill-{uuid.uuid4().hex[:12]}",
        "ChangeSetType": "UPDATE" if stacks.find(stack) else "CREATE",
        "TemplateBody": to_json(made),
        "Capabilities": ["CAPABILITY_IAM"],
    }
    changed = stacks.apply(request)
    arn = stacks.outputs(stack).get("StateMachineArn")
    show(Deployed(name, arn, changed), as_json=arguments.json)
    return ExitCode.DONE
