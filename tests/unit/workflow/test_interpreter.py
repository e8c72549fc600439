"""What state machines do, by what the language's specification says."""

from pathlib import Path
from typing import Any

import pytest

from gristmill.workflow.bindings.calls import Call
from gristmill.workflow.engine.driver import Answer
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter.branch import Status
from gristmill.workflow.interpreter.run import Limits
from tests.support.workflows import Bench, machine, task

Json = Any
DONE = {"Type": "Pass", "End": True}
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]


def failing(times: int, error: str = "Odd", result: Json = None) -> Any:
    """Fails so often, and then answers."""
    tries = 0

    def answer(_call: Call) -> Json:
        nonlocal tries
        tries += 1
        if tries <= times:
            raise StatesError(error, f"try {tries}")
        return {"tries": tries} if result is None else result

    return answer


# Data


def test_a_result_is_put_into_the_input_and_the_output_picked_from_that() -> None:
    state = task(ResultPath="$.got.it", OutputPath="$.got")
    ran = Bench(answer=lambda _call: 7).run(machine(("A", state)), {"a": 1})
    assert ran.execution.output == {"it": 7}


def test_a_result_path_of_null_throws_the_result_away() -> None:
    ran = Bench(answer=lambda _call: 7).run(machine(("A", task(ResultPath=None))), {"a": 1})
    assert ran.execution.output == {"a": 1}


def test_parameters_are_filled_from_the_input_the_context_and_variables() -> None:
    parameters = {"in.$": "$.a", "name.$": "$$.Execution.Name", "var.$": "$v", "as it is": "$.a"}
    definition = machine(
        ("A", {"Type": "Pass", "Assign": {"v.$": "$.a"}, "Next": "B"}),
        ("B", task(Parameters=parameters)),
    )
    ran = Bench().run(definition, {"a": 1})
    assert ran.calls[0].arguments == {"in": 1, "name": "one", "var": 1, "as it is": "$.a"}


def test_what_is_assigned_is_seen_from_the_next_state_on() -> None:
    definition = machine(
        ("A", {"Type": "Pass", "Assign": {"v": 1}, "Next": "B"}),
        ("B", {"Type": "Pass", "Assign": {"v": 2, "before": "{% $v %}"}, "Next": "C"}),
        ("C", {"Type": "Pass", "Output": ["{% $v %}", "{% $before %}"], "End": True}),
        QueryLanguage="JSONata",
    )
    assert Bench().run(definition).execution.output == [2, 1]


def test_a_path_that_leads_nowhere_ends_the_execution_whatever_catches() -> None:
    state = task(Parameters={"a.$": "$.nothing"}, Catch=CATCH_ALL)
    ran = Bench().run(machine(("A", state), ("Caught", DONE)), {})
    assert (ran.execution.status, ran.execution.error) == (Status.FAILED, "States.Runtime")
    assert "'$.nothing' specified for the field 'a.$'" in str(ran.execution.cause)


def test_an_expression_that_gives_nothing_is_caught() -> None:
    state = task(Arguments="{% $nothing %}", Catch=CATCH_ALL)
    definition = machine(("A", state), ("Caught", DONE), QueryLanguage="JSONata")
    ran = Bench().run(definition, {})
    assert ran.execution.output["Error"] == "States.QueryEvaluationError"
    assert "EvaluationFailed" in ran.types


# Choices


@pytest.mark.parametrize(
    ("rule", "given", "holds"),
    [
        ({"StringEquals": "x"}, "x", True),
        ({"StringEquals": "x"}, 1, False),
        ({"StringLessThan": "b"}, "a", True),
        ({"StringMatches": "log-*.txt"}, "log-2026.txt", True),
        ({"StringMatches": "a\\*b"}, "a*b", True),
        ({"StringMatches": "a\\*b"}, "axb", False),
        ({"StringMatches": "a.b"}, "axb", False),
        ({"NumericEquals": 1}, 1.0, True),
        ({"NumericEquals": 1}, True, False),
        ({"NumericGreaterThanEquals": 2}, 2, True),
        ({"BooleanEquals": True}, True, True),
        ({"BooleanEquals": True}, 1, False),
        ({"TimestampEquals": "2026-01-01T00:00:00Z"}, "2026-01-01T01:00:00+01:00", True),
        ({"TimestampLessThan": "2026-01-01T00:00:00Z"}, "2025-12-31T23:59:59.5Z", True),
        ({"TimestampEquals": "2026-01-01T00:00:00Z"}, "2026-01-01", False),
        ({"IsNull": True}, None, True),
        ({"IsNull": False}, 1, True),
        ({"IsNumeric": True}, True, False),
        ({"IsTimestamp": True}, "2026-01-01T00:00:00Z", True),
        ({"IsPresent": True}, None, True),
        ({"NumericGreaterThanPath": "$.two"}, 3, True),
    ],
)
def test_a_comparison_holds(rule: Json, given: Json, *, holds: bool) -> None:
    choices = [{"Variable": "$.x", **rule, "Next": "Yes"}]
    definition = machine(
        ("A", {"Type": "Choice", "Choices": choices, "Default": "No"}), ("Yes", DONE), ("No", DONE)
    )
    ran = Bench().run(definition, {"x": given, "two": 2})
    assert ran.entered[-1] == ("Yes" if holds else "No")


def test_and_or_and_not_are_what_they_say_and_the_first_rule_that_holds_counts() -> None:
    x_is = {"Variable": "$.x"}
    rules = [
        {"Not": {**x_is, "IsPresent": True}, "Next": "None"},
        {"And": [{**x_is, "NumericGreaterThan": 1}, {**x_is, "NumericLessThan": 5}], "Next": "Low"},
        {"Or": [{**x_is, "NumericEquals": 9}, {**x_is, "NumericEquals": 8}], "Next": "High"},
    ]
    definition = machine(
        ("A", {"Type": "Choice", "Choices": rules}), ("Low", DONE), ("High", DONE), ("None", DONE)
    )
    assert Bench().run(definition, {"x": 2}).entered == ["A", "Low"]
    assert Bench().run(definition, {"x": 8}).entered == ["A", "High"]
    assert Bench().run(definition, {}).entered == ["A", "None"]
    ran = Bench().run(definition, {"x": 7})
    assert ran.execution.error == "States.NoChoiceMatched"


def test_a_variable_that_is_not_there_ends_the_execution() -> None:
    rule = {"Variable": "$.x", "NumericEquals": 1, "Next": "B"}
    definition = machine(("A", {"Type": "Choice", "Choices": [rule]}), ("B", DONE))
    assert Bench().run(definition, {}).execution.error == "States.Runtime"


# Retrying and catching


def test_a_retry_waits_longer_each_time_up_to_a_bound() -> None:
    retry = [
        {"ErrorEquals": ["Odd"], "IntervalSeconds": 3, "MaxAttempts": 4, "MaxDelaySeconds": 10}
    ]
    ran = Bench(answer=failing(4)).run(machine(("A", task(Retry=retry))))
    assert ran.execution.output == {"tries": 5}
    assert ran.waited == pytest.approx(3 + 6 + 10 + 10, abs=0.5)
    assert [event.type for event in ran.history].count("TaskStateEntered") == 1


def test_a_retry_with_jitter_waits_no_longer_than_that() -> None:
    retry = [{"ErrorEquals": ["Odd"], "IntervalSeconds": 10, "JitterStrategy": "FULL"}]
    waits = [
        Bench(answer=failing(1)).run(machine(("A", task(Retry=retry)))).waited for _ in range(12)
    ]
    assert max(waits) <= 10.5
    assert len({round(one, 3) for one in waits}) > 6


def test_each_retrier_counts_for_itself() -> None:
    errors = iter(["One", "Other", "One", "Other"])

    def answer(_call: Call) -> Json:
        if (error := next(errors, None)) is not None:
            raise StatesError(error)
        return "done"

    retry = [
        {"ErrorEquals": ["One"], "MaxAttempts": 2},
        {"ErrorEquals": ["Other"], "MaxAttempts": 2},
    ]
    assert Bench(answer=answer).run(machine(("A", task(Retry=retry)))).execution.output == "done"


def test_no_attempts_are_none() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]
    ran = Bench(answer=failing(1)).run(machine(("A", task(Retry=retry))))
    assert (ran.execution.error, len(ran.calls)) == ("Odd", 1)


@pytest.mark.parametrize(
    ("errors", "error", "is_caught"),
    [
        (["Odd"], "Odd", True),
        (["Other"], "Odd", False),
        (["States.TaskFailed"], "Odd", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.ALL"], "States.Timeout", True),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.ALL"], "States.Runtime", False),
    ],
)
def test_a_catcher_is_for(errors: list[str], error: str, *, is_caught: bool) -> None:
    catch = [{"ErrorEquals": errors, "ResultPath": "$.why", "Next": "Caught"}]
    definition = machine(("A", task(Catch=catch)), ("Caught", DONE))
    ran = Bench(answer=failing(9, error)).run(definition, {"a": 1})
    if is_caught:
        told = {"Error": error, "Cause": "try 1"}
        assert ran.execution.output == {"a": 1, "why": told}
    else:
        assert ran.execution.error == error


# Time


def test_a_wait_waits_and_a_time_that_is_past_does_not() -> None:
    definition = machine(
        ("A", {"Type": "Wait", "Seconds": 3600, "Next": "B"}),
        ("B", {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "Next": "C"}),
        ("C", {"Type": "Wait", "SecondsPath": "$.s", "End": True}),
    )
    assert Bench().run(definition, {"s": 10}).waited == pytest.approx(3610, abs=0.5)


def test_an_execution_has_a_time() -> None:
    definition = machine(("A", {"Type": "Wait", "Seconds": 60, "End": True}), TimeoutSeconds=5)
    ran = Bench().run(definition)
    assert (ran.execution.status, ran.execution.error) == (Status.TIMED_OUT, "States.Timeout")
    assert ran.types[-1] == "ExecutionTimedOut"


@pytest.mark.parametrize(
    ("fields", "error", "after"),
    [
        ({"TimeoutSeconds": 5}, "States.Timeout", 5),
        ({"TimeoutSeconds": 50, "HeartbeatSeconds": 7}, "States.HeartbeatTimeout", 7),
    ],
)
def test_a_task_that_nobody_answers_runs_out_of_time(fields: Json, error: str, after: int) -> None:
    state = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", **fields)
    ran = Bench().run(machine(("A", state)))
    assert ran.execution.error == error
    assert ran.waited == pytest.approx(after, abs=1.5)
    assert ran.types[-3:] == ["TaskSubmitted", "TaskTimedOut", "ExecutionFailed"]


def test_a_token_brings_the_result() -> None:
    state = task(
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken", Parameters={"t.$": "$$.Task.Token"}
    )
    bench = Bench(tokens=lambda token: Answer(token, "success", {"came": "back"}))
    ran = bench.run(machine(("A", state)))
    assert ran.execution.output == {"came": "back"}
    assert len(ran.calls[0].arguments["t"]) >= 32


def test_a_token_brings_a_failure() -> None:
    state = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Catch=CATCH_ALL)
    bench = Bench(tokens=lambda token: Answer(token, "failure", None, "Broken", "it fell"))
    ran = bench.run(machine(("A", state), ("Caught", DONE)))
    assert ran.execution.output == {"Error": "Broken", "Cause": "it fell"}


# Branches and iterations


def each(*states: tuple[str, Json], **fields: Json) -> dict[str, Json]:
    return {"Type": "Map", "ItemProcessor": machine(*states), "End": True, **fields}


def distributed(*states: tuple[str, Json], **fields: Json) -> dict[str, Json]:
    processor = machine(*states, ProcessorConfig={"Mode": "DISTRIBUTED"})
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}


def test_branches_get_the_input_and_their_results_are_in_order() -> None:
    slow = machine(("W", {"Type": "Wait", "Seconds": 9, "Next": "S"}), ("S", {**DONE, "Result": 1}))
    fast = machine(("F", {**DONE, "Parameters": {"x.$": "$.x"}}))
    state = {"Type": "Parallel", "Branches": [slow, fast], "End": True}
    assert Bench().run(machine(("A", state)), {"x": 2}).execution.output == [1, {"x": 2}]


def test_one_failed_branch_ends_the_others() -> None:
    bad = machine(("F", {"Type": "Fail", "Error": "Bad", "Cause": "so"}))
    slow = machine(("W", {"Type": "Wait", "Seconds": 900, "End": True}))
    state = {"Type": "Parallel", "Branches": [slow, bad], "Catch": CATCH_ALL, "End": True}
    ran = Bench().run(machine(("A", state), ("Caught", DONE)))
    assert ran.execution.output == {"Error": "Bad", "Cause": "so"}
    assert ran.waited < 10


def test_a_map_gives_the_results_in_the_order_of_the_items() -> None:
    state = each(("B", task(Parameters={"n.$": "$"})), MaxConcurrency=3)
    bench = Bench(answer=lambda call: call.arguments["n"] * 2)
    ran = bench.run(machine(("A", state)), list(range(20)))
    assert ran.execution.output == [n * 2 for n in range(20)]


def test_no_more_iterations_than_may_be_are_under_way() -> None:
    state = each(("W", {"Type": "Wait", "Seconds": 10, "End": True}), MaxConcurrency=4)
    assert Bench().run(machine(("A", state)), list(range(10))).waited == pytest.approx(30, abs=1)


def test_an_item_selector_sees_item_index_and_input() -> None:
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.all"}
    state = each(("B", DONE), ItemsPath="$.list", ItemSelector=selector)
    ran = Bench().run(machine(("A", state)), {"list": ["x", "y"], "all": 1})
    assert ran.execution.output == [{"i": 0, "v": "x", "all": 1}, {"i": 1, "v": "y", "all": 1}]


def test_an_iteration_sees_variables_of_outside_and_cannot_set_them() -> None:
    inner = {"Type": "Pass", "Assign": {"v.$": "$"}, "Parameters": {"o.$": "$v"}, "End": True}
    definition = machine(
        ("A", {"Type": "Pass", "Assign": {"v": "outer"}, "Next": "B"}),
        ("B", {**each(("C", inner)), "End": False, "Next": "D"}),
        ("D", {"Type": "Pass", "Parameters": {"v.$": "$v", "in.$": "$"}, "End": True}),
    )
    del definition["States"]["B"]["End"]
    ran = Bench().run(definition, [1, 2])
    assert ran.execution.output == {"v": "outer", "in": [{"o": "outer"}, {"o": "outer"}]}


def test_a_distributed_map_tolerates_so_many_failures() -> None:
    def answer(call: Call) -> Json:
        if call.arguments["n"] % 5 == 0:
            raise StatesError("Five", str(call.arguments["n"]))
        return call.arguments["n"]

    inner = ("B", task(Parameters={"n.$": "$"}))
    items = list(range(10))
    ran = Bench(answer=answer).run(
        machine(("A", distributed(inner, ToleratedFailureCount=2))), items
    )
    assert ran.execution.output[5] == {"Error": "Five", "Cause": "5"}
    assert ran.execution.output[6] == 6
    for bound in ({"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 10}, {}):
        ran = Bench(answer=answer).run(machine(("A", distributed(inner, **bound))), items)
        assert ran.execution.error == "States.ExceedToleratedFailureThreshold"
        assert "MapRunFailed" in ran.types
    ran = Bench(answer=answer).run(
        machine(("A", distributed(inner, ToleratedFailurePercentage=20))), items
    )
    assert ran.execution.status is Status.SUCCEEDED


def test_items_are_read_in_batches_and_results_written(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("n,word\n" + "".join(f"{n},w{n}\n" for n in range(7)))
    state = distributed(
        ("B", DONE),
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "lake", "Key": "in.csv"},
        },
        ItemBatcher={"MaxItemsPerBatch": 3, "BatchInput": {"of.$": "$.day"}},
        ResultWriter={
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "lake", "Prefix": "out"},
        },
    )
    ran = Bench(buckets={"lake": tmp_path}).run(machine(("A", state)), {"day": 1})
    key = ran.execution.output["ResultWriterDetails"]["Key"]
    folder = (tmp_path / key).parent
    import json  # noqa: PLC0415

    rows = json.loads((folder / "SUCCEEDED_0.json").read_text())
    outputs = [json.loads(row["Output"]) for row in rows]
    sizes = sorted(len(one["Items"]) for one in outputs)
    assert sizes == [1, 3, 3]
    assert all(one["BatchInput"] == {"of": 1} for one in outputs)
    words = sorted(item["word"] for one in outputs for item in one["Items"])
    assert words == [f"w{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("name", "content", "config", "items"),
    [
        ("a.json", '[1, {"x": 2}]', {"InputType": "JSON"}, [1, {"x": 2}]),
        ("a.json", '{"in": [3]}', {"InputType": "JSON", "ItemsPointer": "/in"}, [3]),
        ("a.jsonl", '{"x": 1}\n\n{"x": 2}\n', {"InputType": "JSONL"}, [{"x": 1}, {"x": 2}]),
        (
            "a.csv",
            "1|2\n3|4\n",
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["a", "b", "c"],
                "CSVDelimiter": "PIPE",
                "MaxItems": 1,
            },
            [{"a": "1", "b": "2", "c": ""}],
        ),
    ],
)
def test_an_item_reader_reads(
    tmp_path: Path, name: str, content: str, config: Json, items: Json
) -> None:
    (tmp_path / name).write_text(content)
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": "lake", "Key": name},
    }
    state = distributed(("B", DONE), ItemReader=reader)
    ran = Bench(buckets={"lake": tmp_path}).run(machine(("A", state)), {})
    assert ran.execution.output == items


def test_a_file_that_is_not_there_is_an_error_of_the_reader(tmp_path: Path) -> None:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "lake", "Key": "no.json"},
    }
    state = distributed(("B", DONE), ItemReader=reader, Catch=CATCH_ALL)
    definition = machine(("A", state), ("Caught", DONE))
    ran = Bench(buckets={"lake": tmp_path}).run(definition, {})
    assert ran.execution.output["Error"] == "States.ItemReaderFailed"


def test_a_loop_without_a_wait_does_not_hold_up_its_end() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 3000, "Next": "B"}
    definition = machine(
        ("A", {"Type": "Choice", "Choices": [rule], "Default": "Add"}),
        ("Add", {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "A"}),
        ("B", DONE),
    )
    assert Bench().run(definition, {"n": 0}).execution.output == {"n": 3000}


def test_what_is_too_big_for_aws_fails_where_its_limits_are_asked_for() -> None:
    definition = machine(("A", task(Catch=CATCH_ALL)), ("Caught", DONE))
    big = Bench(answer=lambda _call: "x" * 300_000, limits=Limits.of_aws())
    assert big.run(definition).execution.output["Error"] == "States.DataLimitExceeded"
    assert len(Bench(answer=big.answer).run(definition).execution.output) == 300_000
