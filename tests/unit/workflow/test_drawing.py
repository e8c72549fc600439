"""Drawings: all states and ways are there, and nothing of a name gets out of its place."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.run import EXAMPLES
from gristmill.workflow.drawing.layout import Drawing, drawing
from gristmill.workflow.drawing.mermaid import mermaid
from gristmill.workflow.drawing.svg import svg
from gristmill.workflow.lint import check, check_text
from gristmill.workflow.lint.walking import machines_of
from tests.support.workflows import machine

FILES = sorted(EXAMPLES.glob("*/*.asl.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_states_are_drawn_and_none_over_another(file: Path) -> None:
    made = check_text(file.read_text(encoding="utf-8")).machine
    assert made is not None
    names = [state.name for one in machines_of(made) for state in one.states.values()]
    drawn = svg(made, {}, file.stem)
    root = ElementTree.fromstring(drawn)
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(names) <= set(texts)
    charted = mermaid(made)
    assert all(f'"{name}"' in charted for name in names)
    _apart(drawing(made))


def _apart(made: Drawing) -> None:
    boxes = list(made.boxes.values())
    for index, one in enumerate(boxes):
        assert one.x >= 0
        assert one.x + one.width <= made.width + 0.1
        assert one.y + one.height <= made.height + 0.1
        for other in boxes[index + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert beside or above, (one.label, other.label)
        for inner in one.inner:
            _apart(inner)


def test_a_hostile_name_stays_a_name() -> None:
    name = '<script>alert("x")</script>]'
    made = check(machine((name, {"Type": "Pass", "End": True}))).machine
    assert made is not None
    drawn = svg(made, {}, name)
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)
    assert '"x"' not in mermaid(made)


def test_how_states_are_is_told_by_more_than_colour() -> None:
    made = check(machine(("A", {"Type": "Pass", "End": True}))).machine
    assert made is not None
    for how, mark in (("succeeded", "✓"), ("running", "▸"), ("failed", "✗")):
        assert f"{mark} A" in svg(made, {"/States/A": how})
        assert f"s_2f_A {how}" in mermaid(made, {"/States/A": how})


def test_what_cannot_be_bound_can_be_drawn() -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "End": True}
    checked = check(machine(("A", state)))
    assert checked.errors
    assert checked.machine is not None
    assert "A" in svg(checked.machine)
    assert json.dumps(checked.machine.start) == '"A"'
