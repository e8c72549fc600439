"""What was published, when, by which job: the newest entries of an output's log."""

from collections.abc import Sequence
from datetime import datetime

from gristmill.pages import numbers
from gristmill.pages.charts import over_time
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.publish.manifest import Manifest

_ROWS = 40


def publishes(found: Sequence[Manifest]) -> Section | None:
    """The section; None where nothing was published. `found` is oldest first."""
    if not found:
        return None
    times = [datetime.fromisoformat(one.committed) for one in found]
    rejected = sum(one.rejected for one in found)
    lines = sum(one.lines for one in found)
    figures = [
        Figure("publishes", numbers.count(len(found))),
        Figure("lines read", numbers.count(lines)),
        Figure(
            "rejected", numbers.share(rejected / lines if lines else 0), numbers.count(rejected)
        ),
        Figure("newest", numbers.day(times[-1]), "UTC"),
    ]
    table = _table(found[-_ROWS:], max(0, len(found) - _ROWS))
    charts = [_chart("Lines read by run", found, [one.lines for one in found], table)]
    if rejected:
        shares = [one.rejected / max(1, one.lines) for one in found]
        charts.append(_chart("Share of lines rejected by run", found, shares, table, form=".1%"))
    return Section("publishes", "Runs", "What was published into this output.", figures, charts)


def _chart(
    title: str, found: Sequence[Manifest], values: Sequence[float], table: Sheet, form: str = "~s"
) -> Chart:
    """A bar for each publish, by its job."""
    rows = [
        {
            "moment": datetime.fromisoformat(one.committed),
            "value": value,
            "series": one.origin.job,
        }
        for one, value in zip(found, values, strict=True)
    ]
    jobs = sorted({one.origin.job for one in found})
    unit = "lines" if form == "~s" else "of lines"
    return over_time(title, rows, table, unit=unit, series=jobs, stacked=True, form=form)


def _table(found: Sequence[Manifest], left: int) -> Sheet:
    shown = [
        (
            numbers.day(datetime.fromisoformat(one.committed)),
            one.origin.job,
            one.origin.batch_name or "–",
            numbers.count(one.lines),
            numbers.count(one.rejected),
            ", ".join(f"{change.schema.name} {change.rows:,}" for change in one.changes),
        )
        for one in reversed(found)
    ]
    heading = ("when, UTC", "job", "batch", "lines", "rejected", "rows published")
    return Sheet(heading, shown, frozenset({3, 4}), left)
