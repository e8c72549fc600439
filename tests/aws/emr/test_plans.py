"""What a plan shows is what is sent, to the letter."""

import json
import re
from collections.abc import Callable

import pytest

from simulator import Simulator
from tests.support.process import Finished

Command = Callable[..., Finished]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("flags", "operation"),
    [
        ((), "AddJobFlowSteps"),
        (("--cluster", "nightly", "--transient"), "RunJobFlow"),
        (("--cluster", "serverless"), "StartJobRun"),
    ],
)
def test_a_plan_is_what_is_sent(
    command: Command, simulator: Simulator, flags: tuple[str, ...], operation: str
) -> None:
    where = (
        "--input",
        f"s3://{simulator.bucket}/in/text a",
        "--output",
        f"s3://{simulator.bucket}/planned ü",
    )
    wanted = (*flags, "--run", f"planned-{operation}", "word-count", *where, "--corpus", "a 'b\"")
    if "serverless" in flags:
        assert command("up", *flags).code == 0
    plan = command("plan", "submit", *wanted)
    assert plan.code == 0, plan.err
    done = command("submit", "--detach", *wanted)
    assert done.code == 0, done.err
    (sent,) = [call for call in simulator.faults.calls if done.out.strip() in str(call.parameters)]
    assert sent.operation == operation
    (handle,) = re.findall(r"\((\S+), \S+\)$", done.err, re.MULTILINE)
    planned = json.loads(plan.out.replace("<cluster>", handle).replace("<application>", handle))
    assert planned == {operation: sent.parameters}
    assert command("cancel", *flags[:2], done.out.strip()).code == 0
