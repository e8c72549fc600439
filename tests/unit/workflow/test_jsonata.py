"""JSONata as Step Functions has it."""

from typing import Any

import pytest

from gristmill.workflow.data.jsonata import ExpressionError, UndefinedError, check, evaluate

STATES = {"input": {"a": [1, 2, 3], "none": None, "deep": {"none": None}}, "context": {}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$sum($states.input.a) + $v", 9),
        ("$states.input.none", None),
        ("$states.input.deep", {"none": None}),
        ("[$states.input.deep.none]", [None]),
        ("null", None),
        ("[]", []),
        ("[1..4]", [1, 2, 3, 4]),
        ("1.0", 1),
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 9, 3)", [0, 3, 6, 9]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$parse('{\"a\": [null]}')", {"a": [None]}),
        ("$random(3) = $random(3)", True),
        ("$length($uuid())", 36),
        ("$count($map([1..1000], function($x){[$x, 1]}))", 1000),
        ("$count($map([1..1000], function($x){ {'a': [1, [2, $x]]} }))", 1000),
        (
            "$map([1..300], function($x){ {'d': $x, 'c': 1} }){$string(d % 3): $sum(c)}",
            {"0": 100, "1": 100, "2": 100},
        ),
        # What is alike stays in its order.
        ("$sort(['b1', 'a2', 'b2', 'a1'], function($l, $r){$l > $r})", ["a1", "a2", "b1", "b2"]),
        (
            "$sort([[2, 'x'], [1, 'y'], [2, 'z'], [1, 'w']], function($l, $r){$l[0] > $r[0]})",
            [[1, "y"], [1, "w"], [2, "x"], [2, "z"]],
        ),
        ("$sort([3, 1, 2])", [1, 2, 3]),
        ("[3, 1, 2] ~> $sort(function($l, $r){$l < $r})", [3, 2, 1]),
        ("$states.input.deep ~> |$|{'b': 1}|", {"none": None, "b": 1}),
    ],
)
def test_an_expression_gives(text: str, value: Any) -> None:
    assert evaluate(text, {"states": STATES, "v": 3}) == value


@pytest.mark.parametrize("text", ["$nothing", "$states.input.x", "function($x){$x}", "$f := $sum"])
def test_nothing_and_functions_are_no_result(text: str) -> None:
    with pytest.raises(UndefinedError):
        evaluate(text, {"states": STATES})


@pytest.mark.parametrize(
    "text",
    [
        "$eval('1')",
        "$hash('x', 'CRC')",
        "$parse('nothing')",
        "'a' + 1",
        "($f := function($n){$n + $f($n)}; $f(1))",
    ],
)
def test_what_fails_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, {"states": STATES})


def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gristmill.workflow.data.jsonata._TIME_MS", 200)
    with pytest.raises(ExpressionError, match="took over"):
        evaluate("($f := function(){$f()}; $f())", {})


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ExpressionError):
        check("1 +")
