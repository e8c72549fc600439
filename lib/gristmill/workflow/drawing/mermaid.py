"""As Mermaid, which GitHub and many others draw: https://mermaid.js.org/syntax/flowchart.html."""

from collections.abc import Iterator, Mapping

from gristmill.workflow.definition.states import Machine
from gristmill.workflow.drawing.layout import Box, Drawing, drawing

_SHAPES = {
    "Choice": ("{{", "}}"),
    "Wait": ("([", "])"),
    "Succeed": ("([", "])"),
    "Fail": ("([", "])"),
    "Pass": ("(", ")"),
}


def mermaid(machine: Machine, status: Mapping[str, str] | None = None) -> str:
    """A flowchart. `status` says of states, by their path, how they are."""
    lines = ["flowchart TD", *_drawn(drawing(machine), status or {}, "  ")]
    lines += [
        "  classDef succeeded fill:#d7f0dd,stroke:#2f7d4a,color:#12301d",
        "  classDef running fill:#fdf0cf,stroke:#a87400,color:#3d2a00",
        "  classDef failed fill:#fadcd9,stroke:#b3372b,color:#3f100b",
    ]
    return "\n".join(lines) + "\n"


def _name(key: str) -> str:
    return "s" + "".join(mark if mark.isalnum() else f"_{ord(mark):x}_" for mark in key)


def _text(text: str) -> str:
    return text.replace('"', "#quot;")


def _drawn(made: Drawing, status: Mapping[str, str], margin: str) -> Iterator[str]:
    for box in made.boxes.values():
        yield from _box(box, status, margin)
    for edge in made.edges:
        line = "-.->" if edge.is_error else "-->"
        label = f'|"{_text(edge.label)}"|' if edge.label else ""
        yield f"{margin}{_name(edge.source)} {line}{label} {_name(edge.target)}"


def _box(box: Box, status: Mapping[str, str], margin: str) -> Iterator[str]:
    name = _name(box.key)
    if box.state is None:
        yield f'{margin}{name}(("{box.label}"))'
        return
    if box.inner:
        yield f'{margin}subgraph {name}["{_text(box.label)}"]'
        for one in box.inner:
            yield from _drawn(one, status, margin + "  ")
        yield f"{margin}end"
    else:
        left, right = _SHAPES.get(type(box.state).__name__, ("[", "]"))
        yield f'{margin}{name}{left}"{_text(box.label)}"{right}'
    if box.state.path in status:
        yield f"{margin}class {name} {status[box.state.path]}"
