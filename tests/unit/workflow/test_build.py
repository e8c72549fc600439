"""The builder gives what one would write by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.run import EXAMPLES
from gristmill.errors import UsageError
from gristmill.workflow.build import (
    catch,
    choice,
    fail,
    in_language,
    machine,
    map_,
    parallel,
    pass_,
    retry,
    succeed,
    task,
    wait,
    when,
    when_true,
)
from gristmill.workflow.lint import check

LAMBDA = "lambda:invoke"


def test_it_gives_the_example_that_is_written_by_hand() -> None:
    given = {"donuts.$": "$.donuts", "count.$": "$.count", "price.$": "$.stock.price"}
    handed = {"handed.$": "States.Format('{} {}', $.count, $.donuts)", "paid.$": "$.payment.paid"}
    made = machine(
        task(
            "Look up inventory",
            LAMBDA,
            parameters={"FunctionName": "look-up-inventory", "Payload.$": "$"},
            result_selector={"price.$": "$.Payload.price"},
            result_path="$.stock",
            retries=[retry("Lambda.ServiceException", attempts=3)],
            catches=[catch("NotEnoughInventory", result_path="$.problem", then="Too few donuts")],
        ),
        task(
            "Take payment",
            LAMBDA,
            parameters={"FunctionName": "take-payment", "Payload": given},
            result_selector={"paid.$": "$.Payload.paid"},
            result_path="$.payment",
            catches=[catch("NotEnoughFunds", result_path="$.problem", then="Too little money")],
        ),
        pass_("Hand over", parameters=handed, end=True),
        fail("Too few donuts", error="NotEnoughInventory", cause_path="$.problem.Cause"),
        fail("Too little money", error="NotEnoughFunds", cause_path="$.problem.Cause"),
        comment="Sell donuts: look whether they are there, take the money, hand them over.",
    )
    file = EXAMPLES / "donut-shop" / "donut-shop.asl.json"
    assert made.definition == json.loads(file.read_text(encoding="utf-8"))


def test_each_kind_of_state_can_be_made(tmp_path: Path) -> None:
    made = machine(
        wait("Wait", seconds=5),
        choice("Which?", when("$.a", NumericEquals=1, then="Both"), default="Each"),
        parallel("Both", [pass_("Left")], [pass_("Right", result=1)], then="Done"),
        map_("Each", pass_("One"), items_path="$.list", max_concurrency=2, result_path=None),
        succeed("Done"),
        timeout=60,
    )
    made.write(tmp_path / "made.asl.json")
    written = json.loads((tmp_path / "made.asl.json").read_text(encoding="utf-8"))
    states = written["States"]
    assert states["Wait"] == {"Type": "Wait", "Seconds": 5, "Next": "Which?"}
    assert states["Both"]["Branches"][1]["States"]["Right"]["End"] is True
    assert states["Each"]["ResultPath"] is None
    assert (states["Each"]["Next"], states["Done"]) == ("Done", {"Type": "Succeed"})
    assert written["TimeoutSeconds"] == 60


def test_jsonata_is_for_a_machine_or_a_state() -> None:
    made = machine(
        pass_("A", output="{% $states.input %}"),
        choice("B", when_true("{% true %}", then="C")),
        pass_("C"),
        language="JSONata",
    )
    assert made.definition["QueryLanguage"] == "JSONata"
    one = machine(in_language(pass_("A", output="{% 1 %}"), "JSONata"))
    assert one.definition["States"]["A"]["QueryLanguage"] == "JSONata"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (machine, "a state at least"),
        (lambda: machine(pass_("A"), pass_("A")), "there twice"),
        (lambda: machine(pass_("A", then="Nowhere"), pass_("B")), "there is no state 'Nowhere'"),
        (lambda: when("$.a", NumericEqual=1, then="B"), "did you mean NumericEquals"),
        (lambda: when("$.a", NumericEquals=1, StringEquals="x", then="B"), "one comparison"),
        (lambda: machine(pass_("A", output=1)), "has no field 'Output'"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(make: Any, said: str) -> None:
    def made_and_checked() -> None:
        # What can be drawn is made, and refused when it is run: here too.
        check(make().definition).sound("this")

    with pytest.raises(UsageError, match=said):
        made_and_checked()
