"""DynamoDB's expressions, by the examples of its guide."""

from typing import Any

import pytest

from gristmill.workflow.bindings.dynamo_expressions import Expression, ExpressionError

ITEM = {
    "id": {"S": "1"},
    "price": {"N": "500"},
    "tags": {"SS": ["a", "b"]},
    "list": {"L": [{"S": "x"}, {"S": "y"}]},
    "map": {"M": {"in": {"N": "1"}}},
}
VALUES = {
    ":n": {"N": "500"},
    ":m": {"N": "1.5"},
    ":s": {"S": "1"},
    ":l": {"L": [{"S": "z"}]},
    ":t": {"SS": ["b", "c"]},
    ":kind": {"S": "N"},
}
NAMES = {"#p": "price", "#m": "map"}


def holds(text: str) -> bool:
    return Expression(text, NAMES, VALUES).condition(ITEM)


def updated(text: str) -> Any:
    return Expression(text, NAMES, VALUES).update(ITEM)[0]


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("#p = :n", True),
        ("price > :m AND id = :s", True),
        ("price < :m OR id = :s", True),
        ("NOT price < :m", True),
        ("price BETWEEN :m AND :n", True),
        ("id IN (:n, :s)", True),
        ("id = :n", False),
        ("id <> :n", True),
        ("attribute_exists(#m.in)", True),
        ("attribute_not_exists(nothing)", True),
        ("attribute_type(price, :kind)", True),
        ("begins_with(id, :s)", True),
        ("contains(tags, :s)", False),
        ("size(list) < :n", True),
        ("(price = :n AND (id = :n OR id = :s))", True),
        ("nothing = :n", False),
    ],
)
def test_a_condition_holds(text: str, *, is_so: bool) -> None:
    assert holds(text) is is_so


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("SET price = price + :m", "price", {"N": "501.5"}),
        ("SET price = :n - :m", "price", {"N": "498.5"}),
        ("SET fresh = if_not_exists(fresh, :s)", "fresh", {"S": "1"}),
        ("SET price = if_not_exists(price, :m)", "price", {"N": "500"}),
        (
            "SET list = list_append(list, :l)",
            "list",
            {"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]},
        ),
        ("SET list[1] = :s", "list", {"L": [{"S": "x"}, {"S": "1"}]}),
        ("SET #m.more = :s", "map", {"M": {"in": {"N": "1"}, "more": {"S": "1"}}}),
        ("REMOVE list[0]", "list", {"L": [{"S": "y"}]}),
        ("ADD price :m", "price", {"N": "501.5"}),
        ("ADD fresh :m", "fresh", {"N": "1.5"}),
        ("ADD tags :t", "tags", {"SS": ["a", "b", "c"]}),
        ("DELETE tags :t", "tags", {"SS": ["a"]}),
    ],
)
def test_an_update_changes(text: str, name: str, value: Any) -> None:
    before = repr(ITEM)
    assert updated(text)[name] == value
    assert repr(ITEM) == before


def test_several_clauses_see_the_item_as_it_was() -> None:
    after = updated("SET a = price, price = :m REMOVE list ADD n :n")
    assert after["a"] == {"N": "500"}
    assert after["price"] == {"N": "1.5"}
    assert after["n"] == {"N": "500"}
    assert "list" not in after


@pytest.mark.parametrize(
    "text",
    [
        "SET",
        "SET a",
        "CHANGE a = :n",
        "SET a = :nothing",
        "SET #x = :n",
        "SET a = nothing",
        "SET a.b.c = :n",
    ],
)
def test_a_wrong_update_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        updated(text)


@pytest.mark.parametrize("text", ["a", "a =", "a = :n :n", "what(a)", "a = $"])
def test_a_wrong_condition_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        holds(text)
