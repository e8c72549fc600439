"""Data quality: what was rejected, why, with examples."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from gristmill.outputs.asking import Questions
from gristmill.outputs.output import Output
from gristmill.pages import numbers
from gristmill.pages.charts import over_time, ranked
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report.reads import Columns
from gristmill.publish.manifest import Manifest

READS = {
    "rejects": Columns(
        text=("job", "reason", "source_file", "raw"), numbers=("block_start", "line_number")
    ),
}
_REASONS, _EXAMPLES, _LONGEST = 12, 3, 160


def quality(
    ask: Questions, names: frozenset[str], found: Output, log: Sequence[Manifest]
) -> Section | None:
    """The section; None where nothing was ever rejected. `log` is the history of the output."""
    if "rejects" not in names:
        return None
    rows = ask.rows(
        """SELECT job, reason, count(*) AS n, count(DISTINCT source_file) AS files
        FROM rejects GROUP BY ALL ORDER BY n DESC, job, reason"""
    )
    total = sum(row["n"] for row in rows)
    figures = [
        Figure("rejected", numbers.count(total)),
        Figure("reasons", numbers.count(len(rows))),
    ]
    if not rows:
        return Section("quality", "Data quality", "Nothing is rejected.", figures)
    charts = [_chart(rows), *_over_time(found, log)]
    return Section("quality", "Data quality", "", figures, charts, [_examples(ask)])


def _over_time(found: Output, log: Sequence[Manifest]) -> list[Chart]:
    """What is rejected now, by the run that read it; nothing of runs before the log's."""
    rejects = found["rejects"]
    columns = ["reason", "__filename"]
    kept = rejects.dataset().scanner(columns=columns).to_table().group_by(columns)
    when = {one.run: datetime.fromisoformat(one.committed) for one in log}
    counts: dict[tuple[datetime, str], int] = defaultdict(int)
    for row in kept.aggregate([([], "count_all")]).to_pylist():
        moment = when.get(rejects.run_of(row["__filename"]) or "")
        if moment is not None:
            counts[moment, row["reason"]] += row["count_all"]
    if not counts:
        return []
    series = sorted({reason for _, reason in counts})
    times = sorted({moment for moment, _ in counts})
    rows = [
        {"moment": moment, "series": reason, "value": count}
        for (moment, reason), count in sorted(counts.items())
    ]
    shown = [
        (numbers.day(moment), *(numbers.count(counts.get((moment, one), 0)) for one in series))
        for moment in times
    ]
    table = Sheet(("run, UTC", *series), shown, frozenset(range(1, len(series) + 1)))
    title = "Rejected, by the run that read it"
    return [over_time(title, rows, table, unit="lines", series=series, stacked=True)]


def _chart(rows: list[dict[str, object]]) -> Chart:
    shown = [
        (str(row["job"]), str(row["reason"]), numbers.count(row["n"]), numbers.count(row["files"]))
        for row in rows
    ]
    table = Sheet(("job", "reason", "lines", "files"), shown, frozenset({2, 3}))
    bars = [
        {"name": f"{row['job']}: {row['reason']}", "value": row["n"]} for row in rows[:_REASONS]
    ]
    return ranked("Rejected, by reason", bars, table, unit="lines")


def _examples(ask: Questions) -> Sheet:
    rows = ask.rows(
        f"""SELECT job, reason, source_file, raw FROM rejects
        QUALIFY row_number() OVER (PARTITION BY job, reason
          ORDER BY source_file, block_start, line_number) <= {_EXAMPLES}
        ORDER BY job, reason, source_file, block_start, line_number LIMIT 100"""
    )
    shown = [
        (row["reason"], str(row["source_file"]).rpartition("/")[2], _clipped(row["raw"]))
        for row in rows
    ]
    return Sheet(("reason", "file", "line"), shown, caption="Examples")


def _clipped(text: object) -> str:
    line = str(text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
