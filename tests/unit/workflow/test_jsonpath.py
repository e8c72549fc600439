"""Paths: definite ones give a value or fail, others give a list."""

from typing import Any

import pytest

from gristmill.workflow.data.jsonpath import NotThereError, PathSyntaxError, compiled, put

DOCUMENT = {
    "a": {"b c": [1, 2, {"d": None}], "e-f": "x"},
    "list": [{"n": "one", "v": 1}, {"n": "two", "v": 2}, {"n": "three", "v": 3}],
    'Test\\""Name"': "odd",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a.e-f", "x"),
        ("$.a['b c'][0]", 1),
        ('$.a["b c"][-1].d', None),
        ("$.a.['b c'][1]", 2),
        ('$[\'Test\\""Name"\']', "odd"),
        ("$.list[*].v", [1, 2, 3]),
        ("$.list[1:].v", [2, 3]),
        ("$.list[?(@.v > 1)].n", ["two", "three"]),
        ("$.list[?(@.n == 'two')].v", [2]),
        ("$.list[?(@.n==two)].v", [2]),
        ("$..v", [1, 2, 3]),
        ("$.nothing[*]", []),
        ("$.list.length()", 3),
        ("$.list[0,2].v", [1, 3]),
    ],
)
def test_a_path_leads_to(path: str, value: Any) -> None:
    assert compiled(path).find(DOCUMENT) == value


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$.x", "No results for path: $['x']"),
        ("$.x.y.z", "Missing property in path $['x']"),
        ("$.list[9]", "No results for path: $['list'][9]"),
        ("$.a[0]", "No results for path: $['a'][0]"),
        ("$.list.n", "No results for path: $['list']['n']"),
    ],
)
def test_a_definite_path_that_leads_nowhere_says_where_it_stopped(path: str, said: str) -> None:
    with pytest.raises(NotThereError) as caught:
        compiled(path).find(DOCUMENT)
    assert str(caught.value) == said


@pytest.mark.parametrize("path", ["", "a", "$.a[", "$.a b", "$.a..", "$[?(@.x ="])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathSyntaxError):
        compiled(path)


def test_roots() -> None:
    assert compiled("$$.Execution.Id").root == "$$"
    assert compiled("$mine.a[0]").root == "mine"
    assert compiled("$.a").root == "$"


@pytest.mark.parametrize(
    ("path", "document", "after"),
    [
        ("$.x", {"y": 1}, {"y": 1, "x": 9}),
        ("$.x.z", {}, {"x": {"z": 9}}),
        ("$.x.z", {"x": None}, {"x": {"z": 9}}),
        ("$.x[1]", {"x": [1, 2, 3]}, {"x": [1, 9, 3]}),
        ("$", {"y": 1}, 9),
    ],
)
def test_a_value_is_put_without_changing_what_was_there(
    path: str, document: Any, after: Any
) -> None:
    before = repr(document)
    assert put(compiled(path), document, 9) == after
    assert repr(document) == before


@pytest.mark.parametrize(("path", "document"), [("$.x[5]", {"x": [1]}), ("$.x.y", {"x": 1})])
def test_what_cannot_be_put_is_refused(path: str, document: Any) -> None:
    with pytest.raises(NotThereError):
        put(compiled(path), document, 9)
