"""An execution is in the ledger before its effects count, and goes on where it was."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from gristmill import failpoints
from gristmill.errors import UsageError
from gristmill.manager.ledger.workflow_tables import branches, executions, kept_items, tokens
from gristmill.workflow.bindings.queues import waiting
from gristmill.workflow.engine import service
from gristmill.workflow.engine.engine import claim
from gristmill.workflow.engine.ledger_store import TakenOverError
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter.branch import Status
from gristmill.workflow.redriving import redrive
from tests.support.workflows import machine, task
from tests.workflow.conftest import QUEUES, Shop

Json = Any
SEND = {"QueueUrl": "https://sqs.local/0/work", "MessageBody.$": "$"}
LAMBDA = "arn:aws:states:::lambda:invoke"


def text(*states: tuple[str, Json], **more: Json) -> str:
    return json.dumps(machine(*states, **more), indent=1)


def call(name: str, **more: Json) -> Json:
    parameters = {"FunctionName": name, "Payload.$": "$"}
    return task(LAMBDA, Parameters=parameters, OutputPath="$.Payload", **more)


# Everything that can wait: a function, a queue, a time, branches, iterations.
WHOLE = text(
    ("Ask", call("double", Next="Send")),
    ("Send", task(Parameters=SEND, ResultPath=None, Next="Wait")),
    ("Wait", {"Type": "Wait", "Seconds": 60, "Next": "Both"}),
    (
        "Both",
        {
            "Type": "Parallel",
            "Branches": [
                machine(("Send left", task(Parameters=SEND, ResultPath=None))),
                machine(
                    (
                        "Send right",
                        task(Parameters=SEND, ResultPath=None, Next="Then wait"),
                    ),
                    ("Then wait", {"Type": "Wait", "Seconds": 5, "End": True}),
                ),
            ],
            "ResultSelector": {"sum.$": "States.MathAdd($[0], $[1])"},
            "Next": "Each",
        },
    ),
    (
        "Each",
        {
            "Type": "Map",
            "ItemsPath": "$.items",
            "InputPath": "$",
            "MaxConcurrency": 2,
            "ItemProcessor": machine(
                ("Send one", task(Parameters=SEND, ResultPath=None, Next="Again")),
                ("Again", call("double")),
            ),
            "End": True,
        },
    ),
).replace('"sum.$": "States.MathAdd($[0], $[1])"', '"items.$": "States.Array($[0], $[1], 5)"')
WHOLE_OUTPUT = [8, 8, 10]
WHOLE_SENT = 6


class DiedError(BaseException):
    """The worker is gone, as by kill -9."""


def test_a_run_goes_through_and_leaves_nothing_behind(shop: Shop) -> None:
    shop.functions["double"] = lambda event, _context: event * 2
    arn = shop.start(WHOLE, 2)
    execution = shop.drive(arn)
    assert (execution.status, execution.output) == (Status.SUCCEEDED, WHOLE_OUTPUT)
    assert waiting(shop.ledger, QUEUES["work"]) == WHOLE_SENT
    with shop.ledger.look() as tx:
        assert tx.all(sa.select(tokens)) == []
        assert tx.all(sa.select(kept_items)) == []
        assert [row["id"] for row in tx.all(sa.select(branches.c.id))] == [0]
    assert shop.types(arn)[-1] == "ExecutionSucceeded"


@pytest.mark.parametrize("where", ["is about to write", "has written"])
def test_a_worker_that_dies_at_any_transition_loses_and_doubles_nothing(
    shop: Shop, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.functions["double"] = lambda event, _context: event * 2
    expected = None
    for nth in range(200):
        arn = shop.start(WHOLE, 2, f"run-{nth}")
        before = waiting(shop.ledger, QUEUES["work"])
        deaths = _drive_dying(shop, arn, where, nth, monkeypatch)
        execution = shop.look(arn)
        assert (execution.status, execution.output) == (Status.SUCCEEDED, WHOLE_OUTPUT), nth
        # A queue is told once, however often a worker dies.
        assert waiting(shop.ledger, QUEUES["work"]) - before == WHOLE_SENT, nth
        types = [one for one in shop.types(arn) if one not in {"TaskStarted"}]
        expected = expected or sorted(types)
        assert sorted(types) == expected, nth
        if not deaths:
            break
    assert nth >= 5


def _drive_dying(
    shop: Shop, arn: str, where: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Drive by a worker that dies at the nth point; others go on. Gives how many died."""
    deaths, left = 0, nth

    def die(name: str) -> None:
        nonlocal left, deaths
        if not name.endswith(where):
            return
        left -= 1
        if left == -1:
            deaths += 1
            raise DiedError(name)

    monkeypatch.setattr(failpoints, "at", die)
    while not shop.look(arn).status.is_final:
        engine = shop.engine()
        try:
            engine.run_one(arn)
        except DiedError:
            # It says nothing to anybody: its lease has to run out.
            engine._pool.shutdown(wait=True)
            shop.clock.wait(engine._woken, 31.0, is_busy=False, most=1.0)
        else:
            engine.close()
    monkeypatch.setattr(failpoints, "at", None)
    return deaths


def test_who_was_taken_for_dead_writes_nothing_more(shop: Shop) -> None:
    shop.functions["double"] = lambda event, _context: event * 2
    arn = shop.start(WHOLE, 2)
    first, second = shop.engine(), shop.engine()
    first.tick()
    with shop.ledger.begin() as tx:
        tx.run(sa.update(executions).values(lease_until=0.0))
        taken = claim(tx, second.owner, arn)
    assert len(taken) == 1
    driver, store = next(iter(first._drivers.values()))
    with pytest.raises(TakenOverError):
        store.commit(driver.run)
    first.tick()
    assert first._drivers == {}
    first.close()
    second._open_one(taken[0])
    while second.tick():
        second._pause()
    second.close()
    assert shop.look(arn).output == WHOLE_OUTPUT
    assert waiting(shop.ledger, QUEUES["work"]) == WHOLE_SENT


def test_a_name_is_one_execution(shop: Shop) -> None:
    sound = text(("A", {"Type": "Pass", "End": True}))
    first = shop.run(sound, 1, "same")
    again = shop.run(sound, 1, "same")
    assert first.arn == again.arn
    with pytest.raises(UsageError, match="another input"):
        shop.start(sound, 2, "same")
    for name in ("", "a b", "a:b", "x" * 81):
        with pytest.raises(UsageError, match="is no name"):
            service.check_name(name)


def test_a_definition_that_changes_is_a_new_revision_and_what_runs_keeps_its_own(
    shop: Shop,
) -> None:
    one = text(
        ("A", {"Type": "Wait", "Seconds": 9, "Next": "B"}),
        ("B", {"Type": "Pass", "Result": 1, "End": True}),
    )
    arn = shop.start(one, None, "old")
    engine = shop.engine()
    engine.tick()
    with shop.ledger.begin() as tx:
        revision = service.register(tx, "machine", one.replace('"Result": 1', '"Result": 2'))
        assert revision.revision == 2
        assert service.register(tx, "machine", revision.text).revision == 2
    while engine.tick():
        engine._pause()
    engine.close()
    assert shop.look(arn).output == 1


def test_redrive_does_only_what_was_not_done(shop: Shop) -> None:
    is_mended, done = False, []

    def work(event: Json, _context: Any) -> Json:
        if event == 3 and not is_mended:
            raise ValueError("not yet")
        done.append(event)
        return event

    shop.functions["work"] = work
    shop.functions["double"] = lambda event, _context: event
    each = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": machine(("Work", call("work"))),
        "Next": "After",
    }
    definition = text(
        ("First", call("double", Next="Each")), ("Each", each), ("After", call("double"))
    )
    arn = shop.start(definition, [1, 2, 3, 4])
    assert shop.drive(arn).error == "ValueError"
    assert done == [1, 2]
    is_mended = True
    assert redrive(shop.ledger, "one") == arn
    execution = shop.drive(arn)
    assert (execution.status, execution.output) == (Status.SUCCEEDED, [1, 2, 3, 4])
    assert (done, execution.redrives) == ([1, 2, 3, 4], 1)
    assert "ExecutionRedriven" in shop.types(arn)
    assert shop.types(arn).count("ExecutionStarted") == 1
    with pytest.raises(UsageError, match="only what ended badly"):
        redrive(shop.ledger, arn)


def test_redrive_of_a_parallel_does_the_branch_that_failed(shop: Shop) -> None:
    is_mended, done = False, []

    def work(event: Json, _context: Any) -> Json:
        if event["bad"] and not is_mended:
            raise ValueError("not yet")
        done.append(event["name"])
        return event["name"]

    shop.functions["work"] = work

    def branch(name: str, *, bad: bool, seconds: int) -> Json:
        asked = {"FunctionName": "work", "Payload": {"name": name, "bad": bad}}
        return machine(
            (f"{name} waits", {"Type": "Wait", "Seconds": seconds, "Next": name}),
            (name, task(LAMBDA, Parameters=asked, OutputPath="$.Payload")),
        )

    branches_ = [branch("good", bad=False, seconds=1), branch("bad", bad=True, seconds=5)]
    definition = text(("Both", {"Type": "Parallel", "Branches": branches_, "End": True}))
    arn = shop.start(definition, {})
    assert shop.drive(arn).status is Status.FAILED
    is_mended = True
    redrive(shop.ledger, arn)
    assert shop.drive(arn).output == ["good", "bad"]
    assert done == ["good", "bad"]


def test_an_execution_is_stopped_whether_it_is_driven_or_not(shop: Shop) -> None:
    definition = text(("Wait", {"Type": "Wait", "Seconds": 9999, "End": True}))
    arn = shop.start(definition)
    with shop.ledger.begin() as tx:
        assert service.ask_to_stop(tx, arn, "Enough", "somebody said so")
    execution = shop.drive(arn)
    assert (execution.status, execution.error) == (Status.ABORTED, "Enough")
    assert shop.types(arn)[-1] == "ExecutionAborted"
    with shop.ledger.begin() as tx:
        assert not service.ask_to_stop(tx, arn)


def test_a_token_comes_back_through_the_ledger_once(shop: Shop) -> None:
    asked = {"QueueUrl": "https://sqs.local/0/work", "MessageBody": {"t.$": "$$.Task.Token"}}
    state = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Parameters=asked)
    arn = shop.start(text(("A", state)))
    engine = shop.engine()
    while "TaskSubmitted" not in shop.types(arn):
        engine.tick()
    engine.close()
    with shop.ledger.look() as tx:
        token = tx.all(sa.select(tokens.c.token))[0]["token"]
    with shop.ledger.begin() as tx:
        service.answer(tx, token, "success", output={"came": "back"})
    with shop.ledger.begin() as tx, pytest.raises(StatesError, match="TaskDoesNotExist"):
        service.answer(tx, token, "failure", error="Late")
    assert shop.drive(arn).output == {"came": "back"}
    # It was taken up by another engine, and not sent again.
    assert waiting(shop.ledger, QUEUES["work"]) == 1


def test_an_activity_is_taken_up_by_one_worker(shop: Shop) -> None:
    arn = shop.start(text(("A", task("arn:aws:states:local:000000000000:activity:dig"))), {"n": 1})
    engine = shop.engine()
    engine.tick()
    with shop.ledger.begin() as tx:
        work = service.take_activity(tx, "dig", "worker-1")
        assert service.take_activity(tx, "dig", "worker-2") is None
    assert work is not None
    assert work.input == {"n": 1}
    with shop.ledger.begin() as tx:
        service.answer(tx, work.token, "success", output={"dug": True})
    while engine.tick():
        engine._pause()
    engine.close()
    assert shop.look(arn).output == {"dug": True}
    wanted = ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert [one for one in shop.types(arn) if one.startswith("Activity")] == wanted


def test_one_workflow_starts_another_and_waits_for_it(shop: Shop) -> None:
    with shop.ledger.begin() as tx:
        inner = text(("A", {"Type": "Pass", "Parameters": {"got.$": "$.n"}, "End": True}))
        service.register(tx, "inner", inner)
        broken = text(("A", {"Type": "Fail", "Error": "Inner", "Cause": "so"}))
        service.register(tx, "broken", broken)
    arn_of = service.machine_arn
    asked = {"StateMachineArn": arn_of("inner"), "Input": {"n.$": "$"}}
    two = task("arn:aws:states:::states:startExecution.sync:2", Parameters=asked)
    assert shop.run(text(("A", two)), 7, "two").output["Output"] == {"got": 7}
    one = task("arn:aws:states:::states:startExecution.sync", Parameters=asked)
    assert shop.run(text(("A", one)), 7, "text").output["Output"] == '{"got":7}'
    asked = {"StateMachineArn": arn_of("broken")}
    bad = task("arn:aws:states:::states:startExecution.sync:2", Parameters=asked)
    execution = shop.run(text(("A", bad)), 7, "bad")
    assert execution.error == "States.TaskFailed"
    assert json.loads(execution.cause or "")["Error"] == "Inner"
    none = task(
        "arn:aws:states:::states:startExecution", Parameters={"StateMachineArn": arn_of("no")}
    )
    error = shop.run(text(("A", none)), 7, "none").error
    assert error == "StepFunctions.StateMachineDoesNotExistException"
