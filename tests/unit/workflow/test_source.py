"""Definitions as they are written: values, lines, and what is no JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.workflow.definition.source import read

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.sampled_from([None, 0, 1, 2]))
def test_it_reads_what_python_reads(value: Any, indent: int | None) -> None:
    source = read(json.dumps(value, indent=indent))
    assert source.value == value
    assert source.problems == []


def test_each_name_has_its_line() -> None:
    source = read('{\n  "a": {\n    "b": [\n      1,\n      {"c": 2}\n    ]\n  }\n}')
    assert source.lines["/a"] == 2
    assert source.lines["/a/b"] == 3
    assert source.lines["/a/b[1]"] == 5
    assert source.line("/a/b[1]/c") == 5
    assert source.line("/a/b[1]/nothing") == 5


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "no JSON"),
        ('{"a": }', 1, "no JSON"),
        ('{\n"a": 1,\n}', 3, "a name in quotes"),
        ('{\n"a": 1\n"b": 2}', 3, "',' is expected"),
        ('{"a": 1} x', 1, "more after the end"),
        ("[" * 300, 1, "nested"),
        ('{"a": "b', 1, "no JSON"),
    ],
)
def test_what_is_no_json_is_said_with_its_line(text: str, line: int, said: str) -> None:
    (problem,) = read(text).problems
    assert problem.line == line
    assert said in problem.text


def test_a_name_that_is_there_twice_is_a_problem() -> None:
    (problem,) = read('{"a": 1,\n "a": 2}').problems
    assert (problem.path, problem.line) == ("/a", 2)
    assert "twice" in problem.text
