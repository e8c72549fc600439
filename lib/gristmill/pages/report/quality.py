"""Data quality: what was rejected, why, with examples."""

from gristmill.api.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import ranked
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report.reads import Columns

READS = {
    "rejects": Columns(
        text=("job", "reason", "source_file", "raw"), numbers=("block_start", "line_number")
    ),
}
_REASONS, _EXAMPLES, _LONGEST = 12, 3, 160


def quality(ask: Questions, names: frozenset[str]) -> Section | None:
    """The section; None where nothing was ever rejected."""
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
    return Section("quality", "Data quality", "", figures, [_chart(rows)], [_examples(ask)])


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
