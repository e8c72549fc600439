"""Utility bills: what was used and billed, what is not complete, use by the hour."""

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import by_hour
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report.reads import Columns

READS = {
    "utility_statements": Columns(
        text=("meter", "month", "problems", "currency"),
        numbers=("kwh", "missing_readings", "total"),
    ),
    "usage_patterns": Columns(text=("customer_group",), numbers=("hour", "kwh", "hours")),
}
_ROWS = 50


def utility(ask: Questions, names: frozenset[str]) -> Section | None:
    """The section; None where there are no statements."""
    if "utility_statements" not in names:
        return None
    total = ask.rows(
        """SELECT count(*) AS n, count(DISTINCT meter) AS meters, sum(kwh) AS kwh,
          count(*) FILTER (problems IS NOT NULL AND problems <> '') AS odd,
          sum(missing_readings)::BIGINT AS missing FROM utility_statements"""
    )[0]
    if not total["n"]:
        return None
    figures = [
        Figure("statements", numbers.count(total["n"]), f"{numbers.count(total['meters'])} meters"),
        Figure("used", f"{total['kwh']:,.0f} kWh"),
        Figure("with problems", numbers.count(total["odd"])),
        Figure("readings that are missing", numbers.count(total["missing"])),
    ]
    charts = [_pattern(ask)] if "usage_patterns" in names else []
    return Section("utility", "Utility bills", "", figures, charts, [_months(ask), _odd(ask)])


def _months(ask: Questions) -> Sheet:
    rows = ask.rows(
        """SELECT month, currency, count(*) AS n, sum(kwh) AS kwh, sum(total) AS total
        FROM utility_statements GROUP BY ALL ORDER BY month DESC, currency LIMIT 36"""
    )
    shown = [
        (
            row["month"],
            numbers.count(row["n"]),
            f"{row['kwh']:,.1f}",
            numbers.money(row["total"], row["currency"] or ""),
        )
        for row in rows
    ]
    return Sheet(("month", "statements", "kWh", "billed"), shown, frozenset({1, 2, 3}), 0, "Months")


def _odd(ask: Questions) -> Sheet:
    rows = ask.rows(
        f"""SELECT meter, month, problems, missing_readings AS missing, total, currency,
          count(*) OVER ()::BIGINT AS n FROM utility_statements
        WHERE problems IS NOT NULL AND problems <> ''
        ORDER BY missing DESC, meter, month LIMIT {_ROWS}"""
    )
    shown = [
        (
            row["meter"],
            row["month"],
            row["problems"],
            numbers.count(row["missing"]),
            numbers.money(row["total"], row["currency"] or ""),
        )
        for row in rows
    ]
    left = rows[0]["n"] - len(rows) if rows else 0
    heading = ("meter", "month", "problems", "missing", "billed")
    return Sheet(heading, shown, frozenset({3, 4}), left, "Statements with problems")


def _pattern(ask: Questions) -> Chart:
    rows = ask.rows(
        """SELECT hour, customer_group AS series, sum(kwh)::DOUBLE / nullif(sum(hours), 0) AS value
        FROM usage_patterns GROUP BY ALL ORDER BY series, hour"""
    )
    series = sorted({row["series"] or "(none)" for row in rows})
    rows = [{**row, "series": row["series"] or "(none)"} for row in rows]
    by: dict[int, dict[str, float]] = {}
    for row in rows:
        by.setdefault(row["hour"], {})[row["series"]] = row["value"]
    shown = [
        (f"{hour}:00", *(f"{values.get(one) or 0:,.2f}" for one in series))
        for hour, values in sorted(by.items())
    ]
    table = Sheet(("hour", *series), shown, frozenset(range(1, len(series) + 1)))
    return by_hour("Average load by the hour", rows, table, unit="kW", series=series)
