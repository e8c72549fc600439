"""Who asked and where they came from, what failed, and what was slow."""

from typing import Any

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import over_time, ranked
from gristmill.pages.parts import Chart, Sheet
from gristmill.pages.report.reads import Columns
from gristmill.pages.report.time import by_time

READS = {
    "traffic_agents": Columns(
        text=("agent_kind",),
        numbers=("requests", "bytes", "clients", "server_errors"),
        days=("date",),
    ),
    "top_clients": Columns(text=("client",), numbers=("requests", "bytes", "client_errors")),
    "top_referers": Columns(text=("referer",), numbers=("requests",)),
    "errors_by_path": Columns(
        text=("path",), numbers=("requests", "client_errors", "server_errors")
    ),
    "slowest_paths": Columns(
        text=("path",), numbers=("requests", "seconds_p95", "seconds_max", "seconds_total")
    ),
}
_TOP, _DRAWN = 20, 12
_DAYS = "Summed up over the days on which it was among the first."


def charts(ask: Questions, names: frozenset[str], step: str) -> list[Chart]:
    """Those of whichever datasets are there, and hold something; `step` is a day at the least."""
    found = []
    if "traffic_agents" in names:
        found += _agents(ask, step)
    if "top_clients" in names:
        found += _clients(ask)
    if "top_referers" in names:
        found += _referers(ask)
    return found


def sheets(ask: Questions, names: frozenset[str]) -> list[Sheet]:
    """The same for tables."""
    found = []
    if "traffic_agents" in names:
        found += _kinds(ask)
    if "errors_by_path" in names:
        found += _errors(ask)
    if "slowest_paths" in names:
        found += _slowest(ask)
    return found


def _agents(ask: Questions, step: str) -> list[Chart]:
    rows = ask.rows(
        f"""SELECT date_trunc('{step}', date::TIMESTAMP) AS moment, agent_kind AS series,
          sum(requests)::BIGINT AS value
        FROM traffic_agents GROUP BY ALL ORDER BY ALL"""
    )
    if not rows:
        return []
    series = sorted({row["series"] for row in rows})
    table = by_time(rows, series, numbers.count)
    unit = f"requests a {step}"
    title = "People, bots and health checks"
    return [over_time(title, rows, table, unit=unit, series=series, stacked=True)]


def _clients(ask: Questions) -> list[Chart]:
    rows = ask.rows(
        f"""SELECT client AS name, sum(requests)::BIGINT AS value, sum(bytes)::BIGINT AS bytes,
          sum(client_errors)::BIGINT AS refused
        FROM top_clients GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [
        (
            row["name"],
            numbers.count(row["value"]),
            numbers.size(row["bytes"]),
            numbers.count(row["refused"]),
        )
        for row in rows
    ]
    heading = ("client", "requests", "sent", "answered 4xx")
    return _ranked("Clients that asked most", rows, Sheet(heading, shown, frozenset({1, 2, 3})))


def _referers(ask: Questions) -> list[Chart]:
    rows = ask.rows(
        f"""SELECT referer AS name, sum(requests)::BIGINT AS value
        FROM top_referers GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [(row["name"], numbers.count(row["value"])) for row in rows]
    table = Sheet(("page", "requests"), shown, frozenset({1}))
    return _ranked("Pages that requests came from", rows, table)


def _ranked(title: str, rows: list[dict[str, Any]], table: Sheet) -> list[Chart]:
    if not rows:
        return []
    return [ranked(title, rows[:_DRAWN], table, unit="requests", note=_DAYS)]


def _kinds(ask: Questions) -> list[Sheet]:
    rows = ask.rows(
        """SELECT agent_kind, sum(requests)::BIGINT AS requests, max(clients)::BIGINT AS clients,
          sum(bytes)::BIGINT AS bytes, sum(server_errors)::BIGINT AS failed
        FROM traffic_agents GROUP BY 1 ORDER BY 2 DESC, 1"""
    )
    shown = [
        (
            row["agent_kind"],
            numbers.count(row["requests"]),
            numbers.count(row["clients"]),
            numbers.size(row["bytes"]),
            numbers.share(row["failed"] / row["requests"]),
        )
        for row in rows
    ]
    heading = ("who", "requests", "clients in a day, at most", "sent", "answered 5xx")
    caption = "Who asked, by the user agent"
    return [Sheet(heading, shown, frozenset({1, 2, 3, 4}), caption=caption)] if rows else []


def _errors(ask: Questions) -> list[Sheet]:
    rows = ask.rows(
        f"""SELECT path, sum(requests)::BIGINT AS requests, sum(client_errors)::BIGINT AS refused,
          sum(server_errors)::BIGINT AS failed
        FROM errors_by_path GROUP BY 1 ORDER BY 4 DESC, 3 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [
        (row["path"], *(numbers.count(row[name]) for name in ("requests", "refused", "failed")))
        for row in rows
    ]
    heading = ("path", "requests", "answered 4xx", "answered 5xx")
    caption = "Paths with errors, on the days on which they were among the first"
    return [Sheet(heading, shown, frozenset({1, 2, 3}), caption=caption)] if rows else []


def _slowest(ask: Questions) -> list[Sheet]:
    rows = ask.rows(
        f"""SELECT path, sum(requests)::BIGINT AS requests, max(seconds_p95) AS high,
          max(seconds_max) AS longest, sum(seconds_total) AS total
        FROM slowest_paths GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [
        (
            row["path"],
            numbers.count(row["requests"]),
            *(numbers.span(row[name]) for name in ("high", "longest", "total")),
        )
        for row in rows
    ]
    heading = ("path", "requests", "p95, of the worst day", "longest", "in all")
    caption = "Slowest paths, on the days on which they were among the first"
    return [Sheet(heading, shown, frozenset({1, 2, 3, 4}), caption=caption)] if rows else []
