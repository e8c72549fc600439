"""As SVG, in colours that hold in light and dark, and to those who do not see them all."""

from collections.abc import Iterator, Mapping
from html import escape

from gristmill.workflow.definition.states import Machine
from gristmill.workflow.drawing.layout import GAP_X as GAP
from gristmill.workflow.drawing.layout import HEADER, PADDING, Box, Drawing, Edge, drawing

_STYLE = """
svg { font: 13px system-ui, sans-serif; background: #ffffff; }
.box { fill: #f6f7f9; stroke: #8a93a3; stroke-width: 1.2; }
.label { fill: #1d2530; } .kind { fill: #5d6878; font-size: 10.5px; }
.way { fill: none; stroke: #6b7584; stroke-width: 1.3; } .error { stroke-dasharray: 5 4; }
.said { fill: #5d6878; font-size: 10.5px; }
.dot { fill: #6b7584; } .arrow { fill: #6b7584; }
.succeeded > .box { fill: #d9efe0; stroke: #2f7d4a; stroke-width: 2; }
.running > .box { fill: #fdf0cf; stroke: #a87400; stroke-width: 2.4; stroke-dasharray: 7 3; }
.failed > .box { fill: #fadcd9; stroke: #b3372b; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
svg { background: #14181e; } .box { fill: #222933; stroke: #7b8698; }
.label { fill: #eef1f5; } .kind, .said { fill: #a9b3c1; }
.way { stroke: #97a2b2; } .dot, .arrow { fill: #97a2b2; }
.succeeded > .box { fill: #16351f; stroke: #63c482; }
.running > .box { fill: #3b2f0e; stroke: #e3b341; }
.failed > .box { fill: #43191a; stroke: #f0847b; } }
"""
_MARKS = {"succeeded": "✓ ", "running": "▸ ", "failed": "✗ "}


def svg(machine: Machine, status: Mapping[str, str] | None = None, title: str = "") -> str:
    """A picture. `status` says how states are, by their path: succeeded, running or failed."""
    made = drawing(machine)
    width, height = round(made.width), round(made.height)
    body = "\n".join(_drawn(made, status or {}, 0.0, 0.0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title or "state machine")}">\n'
        f"<title>{escape(title or 'state machine')}</title>\n<style>{_STYLE}</style>\n"
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path class="arrow" d="M0 0L10 5L0 10z"/>'
        f"</marker></defs>\n{body}\n</svg>\n"
    )


def _drawn(made: Drawing, status: Mapping[str, str], left: float, top: float) -> Iterator[str]:
    for edge in made.edges:
        yield from _way(made, edge, left, top)
    for box in made.boxes.values():
        yield from _box(box, status, left, top)


def _box(box: Box, status: Mapping[str, str], left: float, top: float) -> Iterator[str]:
    x, y = left + box.x, top + box.y
    if box.state is None:
        radius = box.width / 2
        yield f'<circle class="dot" cx="{x + radius:.0f}" cy="{y + radius:.0f}" r="{radius:.0f}"/>'
        return
    how = status.get(box.state.path, "")
    kind = type(box.state).__name__
    yield f'<g class="{how}">' if how else "<g>"
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    yield f'<rect class="box" {shape} rx="{20 if kind in _ROUND else 7}"/>'
    middle = x + box.width / 2
    text = escape(_MARKS.get(how, "") + box.label)
    yield _text("label", middle, y + 20, text)
    yield _text("kind", middle, y + 35, kind)
    inside = x + (box.width - _inside(box)) / 2
    for one in box.inner:
        yield from _drawn(one, status, inside, y + HEADER)
        inside += one.width + GAP
    yield "</g>"


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text}</text>'


_ROUND = {"Choice", "Succeed", "Fail", "Wait"}


def _inside(box: Box) -> float:
    return sum(one.width for one in box.inner) + GAP * max(0, len(box.inner) - 1)


def _beside(made: Drawing, edge: Edge, middle: float) -> float:
    """Where a way passes what stands between its ends: on the nearer side."""
    first, last = made.ranks[edge.source], made.ranks[edge.target]
    between = [box for key, box in made.boxes.items() if first < made.ranks[key] < last]
    lefts = min(box.x for box in between) - PADDING / 2
    rights = max(box.x + box.width for box in between) + PADDING / 2
    return lefts if abs(middle - lefts) < abs(rights - middle) else rights


def _way(made: Drawing, edge: Edge, left: float, top: float) -> Iterator[str]:
    source, target = made.boxes[edge.source], made.boxes[edge.target]
    x1, y1 = left + source.x + source.width / 2, top + source.y + source.height
    x2, y2 = left + target.x + target.width / 2, top + target.y
    steps = made.ranks[edge.target] - made.ranks[edge.source]
    if steps > 1:
        beside = _beside(made, edge, (x1 + x2) / 2 - left) + left
        path = (
            f"M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + 30:.1f} {beside:.1f} {y1:.1f} {beside:.1f} "
            f"{y1 + 40:.1f}L{beside:.1f} {y2 - 40:.1f}C{beside:.1f} {y2:.1f} {x2:.1f} "
            f"{y2 - 30:.1f} {x2:.1f} {y2:.1f}"
        )
        at = beside, (y1 + y2) / 2
    elif steps == 1:
        bend = max(20.0, (y2 - y1) / 2)
        bends = f"{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f}"
        path = f"M{x1:.1f} {y1:.1f}C{bends} {x2:.1f} {y2:.1f}"
        at = (x1 + x2) / 2, (y1 + y2) / 2
    else:
        edge_x = left + max(source.x + source.width, target.x + target.width)
        y1, y2 = top + source.y + source.height / 2, top + target.y + target.height / 2
        x1, x2 = left + source.x + source.width, left + target.x + target.width
        far = edge_x + PADDING
        path = f"M{x1:.1f} {y1:.1f}C{far:.1f} {y1:.1f} {far:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        at = far - 6, (y1 + y2) / 2
    classes = "way error" if edge.is_error else "way"
    yield f'<path class="{classes}" d="{path}" marker-end="url(#arrow)"/>'
    if edge.label:
        yield f'<text class="said" x="{at[0] + 4:.1f}" y="{at[1]:.1f}">{escape(edge.label)}</text>'
