"""Traffic: requests, errors, latency and clients over time; who asked, and for what."""

from typing import Any

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import over_time, ranked
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report import traffic_details
from gristmill.pages.report.reads import Columns
from gristmill.pages.report.time import by_time, step_of, steps

_PERCENTILES = ("seconds_p50", "seconds_p95", "seconds_p99")
READS = {
    "traffic_hourly": Columns(
        text=("status_class", "method"),
        numbers=("hour", "requests", "bytes", "clients", *_PERCENTILES),
        days=("date",),
    ),
    "top_paths": Columns(text=("path",), numbers=("requests", "bytes")),
    **traffic_details.READS,
}
_TOP = 20


def traffic(ask: Questions, names: frozenset[str]) -> Section | None:
    """The section; None where there is no summary of traffic, or an empty one."""
    if "traffic_hourly" not in names:
        return None
    total = ask.rows(_TOTALS)[0]
    if not total["requests"]:
        return None
    step = step_of(total["first"], total["last"])
    charts = [_requests(ask, step), _errors(ask, step), *_latency(ask, step), *_clients(ask, step)]
    if "top_paths" in names:
        charts.append(_paths(ask))
    charts += traffic_details.charts(ask, names, "day" if step == "hour" else step)
    sheets = traffic_details.sheets(ask, names)
    days = f"{numbers.day(total['first'])} to {numbers.day(total['last'])}, UTC"
    return Section("traffic", "Traffic", days, _figures(total), charts, sheets)


_TOTALS = """
SELECT sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes,
  min(date) AS first, max(date) AS last, count(DISTINCT date) AS days,
  sum(requests) FILTER (status_class = '5xx')::BIGINT AS failed,
  sum(requests) FILTER (status_class = '4xx')::BIGINT AS refused
FROM traffic_hourly"""


def _figures(total: dict[str, Any]) -> list[Figure]:
    requests = total["requests"]
    failed, refused = total["failed"] or 0, total["refused"] or 0
    return [
        Figure("requests", numbers.count(requests), f"{numbers.count(total['days'])} days"),
        Figure("answered 5xx", numbers.share(failed / requests), numbers.count(failed)),
        Figure("answered 4xx", numbers.share(refused / requests), numbers.count(refused)),
        Figure("sent", numbers.size(total["bytes"])),
    ]


def _requests(ask: Questions, step: str) -> Chart:
    rows = ask.rows(
        f"""SELECT {steps(step)} AS moment, status_class AS series, sum(requests)::BIGINT AS value
        FROM traffic_hourly GROUP BY ALL ORDER BY ALL"""
    )
    series = sorted({row["series"] for row in rows})
    table = by_time(rows, series, numbers.count)
    unit = f"requests a {step}"
    return over_time("Requests by status", rows, table, unit=unit, series=series, stacked=True)


def _errors(ask: Questions, step: str) -> Chart:
    rows = ask.rows(
        f"""WITH sums AS (SELECT {steps(step)} AS moment, sum(requests) AS n,
          sum(requests) FILTER (status_class = '4xx') AS refused,
          sum(requests) FILTER (status_class = '5xx') AS failed
        FROM traffic_hourly GROUP BY 1)
        SELECT moment, '4xx' AS series, coalesce(refused, 0) / n AS value FROM sums
        UNION ALL SELECT moment, '5xx', coalesce(failed, 0) / n FROM sums ORDER BY moment, series"""
    )
    table = by_time(rows, ("4xx", "5xx"), numbers.share)
    return over_time(
        "Share of errors", rows, table, unit="of requests", series=("4xx", "5xx"), form=".0%"
    )


def _latency(ask: Questions, step: str) -> list[Chart]:
    """Percentiles cannot be summed up: the highest of the hours, of what was asked for most."""
    rows = ask.rows(
        f"""WITH most AS (SELECT method, status_class FROM traffic_hourly
          WHERE seconds_p95 IS NOT NULL GROUP BY ALL ORDER BY sum(requests) DESC, 1, 2 LIMIT 1),
        found AS (SELECT {steps(step)} AS moment, max(seconds_p50) AS p50, max(seconds_p95) AS p95,
          max(seconds_p99) AS p99 FROM traffic_hourly SEMI JOIN most USING (method, status_class)
          WHERE seconds_p95 IS NOT NULL GROUP BY 1)
        UNPIVOT found ON p50, p95, p99 INTO NAME series VALUE value ORDER BY moment, series"""
    )
    if not rows:
        return []
    table = by_time(rows, ("p50", "p95", "p99"), numbers.span)
    note = "Of the method and status that came most; the highest of the hours in each."
    unit = "seconds"
    series = ("p50", "p95", "p99")
    return [over_time("Latency", rows, table, unit=unit, series=series, form="~g", note=note)]


def _clients(ask: Questions, step: str) -> list[Chart]:
    rows = ask.rows(
        f"""WITH hours AS (SELECT date, hour, max(clients) AS clients FROM traffic_hourly
          GROUP BY ALL)
        SELECT {steps(step)} AS moment, max(clients)::BIGINT AS value
        FROM hours GROUP BY 1 ORDER BY 1"""
    )
    if not rows:
        return []
    shown = [(numbers.day(row["moment"]), numbers.count(row["value"])) for row in rows]
    table = Sheet(("time", "clients"), shown, frozenset({1}))
    note = "Different addresses of one method and status in an hour: the highest."
    return [over_time("Clients", rows, table, unit="clients", note=note)]


def _paths(ask: Questions) -> Chart:
    rows = ask.rows(
        f"""SELECT path AS name, sum(requests)::BIGINT AS value, sum(bytes)::BIGINT AS bytes
        FROM top_paths GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [(row["name"], numbers.count(row["value"]), numbers.size(row["bytes"])) for row in rows]
    table = Sheet(("path", "requests", "sent"), shown, frozenset({1, 2}))
    note = "Summed up over the days on which a path was among the first."
    return ranked("Paths asked for most", rows[:12], table, unit="requests", note=note)
