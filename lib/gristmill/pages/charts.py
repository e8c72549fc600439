"""Charts: Vega-Lite's words made by Altair, drawn as SVG by vl-convert, without a browser.

Colours are names of the page's, so one drawing serves light and dark. The palette is Okabe and
Ito's, which those who confuse colours can tell apart (https://jfly.uni-koeln.de/color/).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import altair as alt
import vl_convert

from gristmill.pages.numbers import plain
from gristmill.pages.parts import Chart, Sheet

WIDE, NARROW = 900, 340
_HEIGHT = 220
_SERIES = [f"var(--series-{number})" for number in range(1, 9)]
_CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    # vl-convert measures by Liberation Sans, which is as wide as Arial.
    "font": "Arial, 'Liberation Sans', Helvetica, sans-serif",
    "view": {"stroke": None},
    "range": {"category": _SERIES},
    "axis": {
        "labelColor": "var(--quiet)",
        "titleColor": "var(--quiet)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": "var(--ink)",
        "title": None,
        "orient": "top",
        "labelFontSize": 12,
        "symbolType": "square",
        "columns": 4,
        "labelLimit": 190,
    },
    "line": {"strokeWidth": 2},
    "bar": {"color": "var(--series-1)"},
}
_PLAIN = "var(--series-1)"
# Of each label on a line of time, by the largest unit that begins there.
_TIMES = (
    "{'hours': '%H:%M', 'day': '%d %b', 'date': '%d %b', 'week': '%d %b', 'month': '%b', "
    "'quarter': '%b', 'year': '%Y'}"
)
_LONGEST, _BEGINNING = 32, 14
_UNSEEN = "\u200b"  # a space of no width
_WIDEST, _FILLED, _FEW = 60, 0.7, 14


def over_time(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    table: Sheet,
    *,
    unit: str,
    series: Sequence[str] = (),
    stacked: bool = False,
    form: str = "~s",
    note: str = "",
) -> Chart:
    """A line, or bars upon each other, over time. Rows have `moment` (a day or time), `value` and,
    with `series`, which of these as `series`, in their order."""
    values = [{**_seen(row), "moment": row["moment"].isoformat()} for row in rows]
    data = alt.InlineData(values=values)
    base = alt.Chart(data)
    is_short = len({row["moment"] for row in rows}) < 3
    count, ticks = _spacing([row["moment"] for row in rows])
    # One chart is drawn at two widths.
    size = f"max(1, min({_WIDEST}, {_FILLED} * width / {count}))"
    bars = base.mark_bar(size=alt.ExprRef(size))
    chart = bars if stacked else base.mark_line(point=is_short, interpolate="linear")
    axis = alt.Axis(
        labelExpr=f"utcFormat(datum.value, {_TIMES})", labelOverlap=True, tickCount=ticks
    )
    # Half a bar stands before its moment.
    scale = alt.Scale(type="utc", padding=alt.ExprRef(f"{size} / 2") if stacked else 0)
    when = alt.X("moment:T", title=None, scale=scale, axis=axis)
    value = alt.Y("value:Q", title=unit, axis=alt.Axis(format=form, tickCount=5))
    coloured = _coloured(series) if series else alt.value(_PLAIN)
    spec = chart.encode(x=when, y=value, color=coloured).to_dict(validate=False)
    return Chart(title, spec, table, note)


def _spacing(moments: Sequence[date]) -> tuple[float, Any]:
    """How many bars have room, and where the axis is marked: at no hours, where there are days."""
    known = sorted(set(moments))
    steps = [later - earlier for earlier, later in pairwise(known)]
    if not steps:
        return 1, alt.Undefined
    count = (known[-1] - known[0]) / min(steps) + 1
    is_by_day = min(steps) >= timedelta(days=1) and len(known) <= _FEW
    return count, {"interval": "day", "step": 1} if is_by_day else alt.Undefined


def ranked(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    table: Sheet,
    *,
    unit: str,
    form: str = "~s",
    note: str = "",
) -> Chart:
    """Bars from left to right, one for each row: `name` and `value`, as they are given."""
    data = alt.InlineData(
        values=[
            {"name": name, "value": row["value"]}
            for name, row in zip(_apart([row["name"] for row in rows]), rows, strict=True)
        ]
    )
    name = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=220, ticks=False))
    least = 1 if all(isinstance(row["value"], int) for row in rows) else alt.Undefined
    axis = alt.Axis(format=form, tickCount=5, tickMinStep=least)
    value = alt.X("value:Q", title=unit, axis=axis)
    chart = alt.Chart(data, height=alt.Step(22)).mark_bar(color=_PLAIN)
    return Chart(title, chart.encode(x=value, y=name).to_dict(validate=False), table, note)


def _seen(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose series can be drawn: vl-convert ends the process at a control character."""
    return {**row, "series": plain(row["series"])} if "series" in row else dict(row)


def _apart(texts: Sequence[str]) -> list[str]:
    """Names that are short enough, and differ as their texts do: bars of one name would be one."""
    found: list[str] = []
    for text in texts:
        name = plain(text)
        if len(name) > _LONGEST:
            name = f"{name[:_BEGINNING]}…{name[_BEGINNING + 1 - _LONGEST :]}"
        while name in found:
            name += _UNSEEN
        found.append(name)
    return found


def by_hour(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    table: Sheet,
    *,
    unit: str,
    series: Sequence[str],
    note: str = "",
) -> Chart:
    """Lines over the hours of a day: `hour`, `value` and `series`."""
    data = alt.InlineData(values=[_seen(row) for row in rows])
    hour = alt.X("hour:Q", title="hour of the day", scale=alt.Scale(domain=[0, 23]))
    value = alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5))
    chart = alt.Chart(data).mark_line().encode(x=hour, y=value, color=_coloured(series))
    return Chart(title, chart.to_dict(validate=False), table, note)


def _coloured(series: Sequence[str]) -> alt.Color:
    names = list(map(plain, series))
    return alt.Color("series:N", sort=names, scale=alt.Scale(domain=names))


def drawn(chart: Chart, width: int) -> str:
    """A chart as SVG, so wide."""
    spec = {
        **chart.spec,
        "width": width,
        "config": {**_CONFIG, "padding": {"left": 20, "right": 12, "top": 4, "bottom": 4}},
    }
    spec.setdefault("height", _HEIGHT)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    if width < WIDE:
        spec["config"] = {
            **spec["config"],
            "legend": {**_CONFIG["legend"], "columns": 1, "labelLimit": 260},
        }
    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg
