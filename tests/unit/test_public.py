"""The public API: the names that users build on, each of them there and typed."""

import ast
import inspect
from pathlib import Path

import pytest

import gristmill

PUBLIC = (
    *("ByDay", "Check", "Costs", "Dataset", "DatasetReader", "DatasetsReader", "Field", "Job"),
    *("Options", "Progress", "Reader", "Reading", "Report", "main", "open", "option", "run"),
    "submit",
)
"""A name that goes breaks what others have written."""
HELD = vars(gristmill)


def test_the_public_names_are_these() -> None:
    assert sorted(HELD["__all__"]) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(gristmill))


def test_their_types_are_declared() -> None:
    stub = Path(str(gristmill.__file__)).with_suffix(".pyi")
    imported = [one for one in ast.parse(stub.read_text()).body if isinstance(one, ast.ImportFrom)]
    named = {
        alias.name: str(one.module).removeprefix("gristmill.")
        for one in imported
        for alias in one.names
    }
    assert named == HELD["_WHERE"]
    assert stub.with_name("py.typed").is_file()


@pytest.mark.parametrize("name", PUBLIC)
def test_each_says_what_it_is(name: str) -> None:
    public = getattr(gristmill, name)
    assert inspect.getdoc(public)
    assert public.__module__ == f"gristmill.{HELD['_WHERE'][name]}"


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'jbo'"):
        getattr(gristmill, "j" + "bo")
