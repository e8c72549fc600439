"""The time of a run: how long it waited and worked in each attempt, and what that was spent on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gristmill.cli.manager.detail import RunDetail
from gristmill.manager.states import RunState

_PHASES = ("starting", "waiting", "listing", "reading", "working", "publishing")


@dataclass(frozen=True)
class Span:
    """A part of a bar: `left` and `width` are percents of the whole time."""

    name: str
    seconds: float
    left: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A line of the timeline."""

    label: str
    spans: tuple[Span, ...]


def timeline(run: RunDetail, now: datetime | None = None) -> tuple[Bar, ...]:
    """A bar for each attempt; of one that has told them, one more for its phases."""
    events = [(one.at, one) for one in run.events if one.at is not None]
    if not events:
        return ()
    begin = events[0][0]
    end = run.ended or now or datetime.now(UTC)
    whole = max((end - begin).total_seconds(), 0.001)
    bars: dict[int, list[Span]] = {}
    for (at, event), until in zip(events, [*(at for at, _ in events[1:]), end], strict=True):
        if not RunState(event.after).is_final:
            seconds = max(0.0, (until - at).total_seconds())
            left = (at - begin).total_seconds()
            span = Span(event.after, seconds, _part(left, whole), _part(seconds, whole))
            bars.setdefault(event.attempt, []).append(span)
    found = [
        Bar(f"attempt {number}" if number else "before", _joined(spans))
        for number, spans in sorted(bars.items())
    ]
    phases = (run.result or {}).get("phases") or {}
    if phases and run.ended is not None:
        took = sum(phases.values())
        left = max(0.0, whole - took)
        found.append(Bar("its phases", tuple(_phases(phases, left, max(whole, took)))))
    return tuple(found)


def _part(seconds: float, whole: float) -> float:
    return round(100.0 * seconds / whole, 3)


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Neighbours of one name as one: a run that changes hands stays in its state."""
    found: list[Span] = []
    for one in spans:
        if found and found[-1].name == one.name:
            last = found.pop()
            found.append(
                Span(one.name, last.seconds + one.seconds, last.left, last.width + one.width)
            )
        else:
            found.append(one)
    return tuple(found)


def _phases(phases: dict[str, float], left: float, whole: float) -> Iterator[Span]:
    for name in (*_PHASES, *sorted(set(phases) - set(_PHASES))):
        if name in phases:
            yield Span(name, phases[name], _part(left, whole), _part(phases[name], whole))
            left += phases[name]
