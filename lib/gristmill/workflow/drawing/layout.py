"""Where each state stands: in rows by how far it is from the start, and what is inside it below."""

from dataclasses import dataclass, field

from gristmill.workflow.definition.states import Choice, Fail, Machine, Map, State
from gristmill.workflow.lint.walking import inner_machines, transitions

WIDTH, HEIGHT = 168.0, 44.0
GAP_X, GAP_Y = 36.0, 40.0
PADDING, HEADER = 20.0, 34.0
TERMINAL = 16.0


@dataclass
class Box:
    """A state, or the start or end of a machine (`state` is None), and where it stands."""

    key: str
    state: State | None
    label: str
    x: float = 0.0
    y: float = 0.0
    width: float = WIDTH
    height: float = HEIGHT
    inner: list["Drawing"] = field(default_factory=list)


@dataclass(frozen=True)
class Edge:
    """A way from one box to another. One that goes back is drawn around."""

    source: str
    target: str
    label: str = ""
    is_error: bool = False


@dataclass
class Drawing:
    """A machine with all its boxes, and how large it is."""

    machine: Machine
    boxes: dict[str, Box]
    edges: list[Edge]
    ranks: dict[str, int]
    width: float = 0.0
    height: float = 0.0


def drawing(machine: Machine) -> Drawing:
    """Lay out a machine, and all that are inside of it."""
    boxes = {f"{machine.path}#start": Box(f"{machine.path}#start", None, "start")}
    edges = [Edge(f"{machine.path}#start", f"{machine.path}/{machine.start}")]
    end = f"{machine.path}#end"
    for name, state in machine.states.items():
        key = f"{machine.path}/{name}"
        box = boxes[key] = Box(key, state, name)
        box.inner = [drawing(one) for one in inner_machines(state)]
        edges += _ways(machine, state, key, end)
    boxes[end] = Box(end, None, "end")
    for box in boxes.values():
        _size(box)
    made = Drawing(machine, boxes, edges, _ranks(machine, boxes, edges))
    _place(made)
    return made


def _ways(machine: Machine, state: State, key: str, end: str) -> list[Edge]:
    found = []
    for path, name in transitions(state):
        is_error = "/Catch[" in path
        target = f"{machine.path}/{name}" if name in machine.states else end
        found.append(Edge(key, target, _label(state, path), is_error))
    # A Fail ends it where it stands, and is shaped so.
    if state.next is None and not isinstance(state, Choice | Fail):
        found.append(Edge(key, end))
    return found


def _label(state: State, path: str) -> str:
    if path.endswith("/Default"):
        return "else"
    if "/Catch[" in path:
        index = int(path.rpartition("[")[2].partition("]")[0])
        errors = getattr(state, "catch", ())[index].errors
        return ", ".join(one.removeprefix("States.") for one in errors)
    return ""


def _size(box: Box) -> None:
    if box.state is None:
        box.width = box.height = TERMINAL
        return
    box.width = max(WIDTH, 7.4 * len(box.label) + 30)
    if box.inner:
        inside = sum(one.width for one in box.inner) + GAP_X * (len(box.inner) - 1)
        box.width = max(box.width, inside + 2 * PADDING)
        box.height = max(one.height for one in box.inner) + HEADER + PADDING
        if isinstance(box.state, Map):
            box.height += 6


def _ranks(machine: Machine, boxes: dict[str, Box], edges: list[Edge]) -> dict[str, int]:
    """How many steps each is from the start, by the longest way that does not turn back."""
    onward: dict[str, list[str]] = {key: [] for key in boxes}
    for edge in edges:
        onward[edge.source].append(edge.target)
    ranks = dict.fromkeys(boxes, 0)
    start = f"{machine.path}#start"
    on_way: set[str] = set()
    forward: set[tuple[str, str]] = set()
    done: set[str] = set()
    stack: list[tuple[str, int]] = [(start, 0)]
    while stack:
        key, index = stack.pop()
        on_way.add(key)
        targets = onward[key]
        if index < len(targets):
            stack.append((key, index + 1))
            target = targets[index]
            if target not in on_way:
                forward.add((key, target))
                if target not in done:
                    stack.append((target, 0))
        else:
            on_way.discard(key)
            done.add(key)
    for _ in boxes:
        for source, target in forward:
            ranks[target] = max(ranks[target], ranks[source] + 1)
    end = f"{machine.path}#end"
    ranks[end] = (
        max(ranks.values()) if ranks[end] == max(ranks.values()) else max(ranks.values()) + 1
    )
    return ranks


def _place(made: Drawing) -> None:
    rows: dict[int, list[Box]] = {}
    for key, rank in made.ranks.items():
        rows.setdefault(rank, []).append(made.boxes[key])
    widths = {
        rank: sum(box.width for box in row) + GAP_X * (len(row) - 1) for rank, row in rows.items()
    }
    made.width = max(widths.values()) + 2 * PADDING
    y = PADDING / 2
    for rank in sorted(rows):
        x = (made.width - widths[rank]) / 2
        for box in rows[rank]:
            box.x, box.y = x, y
            x += box.width + GAP_X
        y += max(box.height for box in rows[rank]) + GAP_Y
    made.height = y - GAP_Y + PADDING / 2
