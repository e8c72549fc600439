"""The intrinsic functions, by the examples of AWS's page and the errors that it names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.workflow.data import intrinsics
from gristmill.workflow.data.functions import FUNCTIONS
from gristmill.workflow.data.jsonpath import Path, PathSyntaxError
from gristmill.workflow.errors import StatesError

INPUT = {
    "name": "Ada",
    "list": [1, 2, 3, 4, 5, 6, 7, 8, 9],
    "twice": [1, 2, 2, "a", "a", {"x": 1}, {"x": 1}],
    "one": {"a": {"a1": 1}, "b": 2},
    "other": {"a": {"a3": 1}, "c": 3},
    "map": {"Arg1": 1, "Arg2": []},
}


def called(text: str) -> Any:
    def find(path: Path) -> Any:
        return path.find(INPUT)

    return intrinsics.evaluate(intrinsics.parsed(text), find)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Format('Hello, my name is {}.', $.name)", "Hello, my name is Ada."),
        ("States.Format('{} {}', 1, 1.5)", "1 1.5"),
        ("States.Format('\\{\\} {}', null)", "{} null"),
        ("States.Format('it\\'s {}', true)", "it's true"),
        ("States.Format('{}', $.map)", "{Arg1=1, Arg2=[]}"),
        ("States.Array()", []),
        ("States.Array('a', 1, $.name)", ["a", 1, "Ada"]),
        (
            "States.ArrayPartition($.list, 4)",
            [[1, 2, 3, 4], [5, 6, 7, 8], [9]],
        ),
        ("States.ArrayContains($.list, 5)", True),
        ("States.ArrayContains($.list, true)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 5)", 6),
        ("States.ArrayLength($.list)", 9),
        ("States.ArrayUnique($.twice)", [1, 2, "a", {"x": 1}]),
        ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.Hash('input data', 'MD5')", "812f45842bc6d66ee14572ce20db8e86"),
        ("States.JsonMerge($.one, $.other, false)", {"a": {"a3": 1}, "b": 2, "c": 3}),
        ("States.StringToJson('')", None),
        ("States.StringToJson('[1, {\"a\": null}]')", [1, {"a": None}]),
        ("States.JsonToString($.map)", '{"Arg1":1,"Arg2":[]}'),
        ("States.MathAdd(111, -1)", 110),
        ("States.MathAdd(59, 4.3)", 63),
        ("States.StringSplit('1,2,3', ',')", ["1", "2", "3"]),
        ("States.StringSplit('This.is+a,test', '.+,')", ["This", "is", "a", "test"]),
        ("States.StringSplit(',,a,', ',')", ["a"]),
        (
            "States.ArrayGetItem(States.StringSplit('a-b', '-'), States.MathAdd(0, 1))",
            "b",
        ),
    ],
)
def test_a_function_gives(text: str, value: Any) -> None:
    assert called(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("States.Format('{} {}', 1)", "has 2 {}, and there are 1 values"),
        ("States.ArrayPartition($.list, 0)", "at least one item"),
        ("States.ArrayRange(1, 5000, 1)", "up to 1000 items"),
        ("States.ArrayRange(1, 2, 0)", "leads nowhere"),
        ("States.ArrayGetItem($.list, 9)", "there is no item 9"),
        ("States.ArrayLength($.name)", "an array is expected, not the string"),
        ("States.Hash('x', 'CRC')", "there is no hash 'CRC'"),
        ("States.JsonMerge($.one, $.other, true)", "flat only"),
        ("States.StringToJson('nothing')", "is no JSON"),
        ("States.Base64Decode('%%')", "no text in Base64"),
        ("States.MathRandom(5, 5)", "5 is not below 5"),
        ("States.UUID(1)", "takes 0 arguments, not 1"),
    ],
)
def test_a_wrong_argument_fails(text: str, said: str) -> None:
    with pytest.raises(StatesError, match="IntrinsicFailure") as caught:
        called(text)
    assert said in str(caught.value.cause)


@pytest.mark.parametrize(
    "text",
    [
        "States.Format",
        "States.Format('x'",
        "States.Format('x)",
        "States.Format('x') y",
        "States.Nothing()",
        "States.Format(x)",
        "Format('x')",
        "States.Array(" * 11 + ")" * 11,
    ],
)
def test_what_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(PathSyntaxError):
        intrinsics.parsed(text)


def test_chance_is_within_its_bounds_and_the_same_for_a_seed() -> None:
    values = {called("States.MathRandom(1, 4)") for _ in range(200)}
    assert values == {1, 2, 3}
    assert called("States.MathRandom(0, 9999, 7)") == called("States.MathRandom(0, 9999, 7)")
    assert called("States.UUID()") != called("States.UUID()")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_json_comes_back_from_its_text(value: Any) -> None:
    text = FUNCTIONS["JsonToString"]([value])
    assert FUNCTIONS["StringToJson"]([text]) == value


@given(st.lists(st.integers()), st.integers(1, 9))
def test_partitions_hold_everything_in_order(items: list[int], size: int) -> None:
    parts = FUNCTIONS["ArrayPartition"]([items, size])
    assert [one for part in parts for one in part] == items
    assert all(len(part) <= size for part in parts)
