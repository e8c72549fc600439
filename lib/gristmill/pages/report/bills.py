"""Bills: costs by service and owner, movers, commitments, anomalies; each currency by itself."""

import re
from typing import TYPE_CHECKING, Any

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import over_time, ranked
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report import watch
from gristmill.pages.report.reads import Columns
from gristmill.pages.report.watch import quoted

if TYPE_CHECKING:
    from decimal import Decimal

_BILL = ("billing_currency", "billing_period")
_COSTS = ("billed_cost", "effective_cost")
READS = {
    "cost_by_service": Columns(
        text=(*_BILL, "service_name"), numbers=(*_COSTS, "list_cost", "charges")
    ),
    "cost_daily": Columns(
        text=("billing_currency", "service_name"), numbers=("effective_cost",), days=("date",)
    ),
    "month_over_month": Columns(
        text=(*_BILL, "service_name"),
        numbers=("billed_cost", "previous_billed_cost", "billed_cost_change"),
    ),
    "cost_by_account": Columns(text=(*_BILL, "sub_account_name", "sub_account_id"), numbers=_COSTS),
    "cost_by_tag": Columns(text=(*_BILL, "tag_key", "tag_value"), numbers=_COSTS),
    "commitments": Columns(
        text=(*_BILL, *(f"commitment_discount_{part}" for part in ("name", "id", "type"))),
        numbers=("used_cost", "unused_cost", "utilization", "coverage"),
    ),
    **watch.READS,
}
_MOST_CURRENCIES = 3
_SERVICES = 6
_ROWS = 50
_OTHERS = "others"


def bills(ask: Questions, names: frozenset[str]) -> list[Section]:
    """A section for each currency, those with most charges first."""
    if "cost_by_service" not in names:
        return []
    found = ask.rows(
        f"""SELECT billing_currency AS currency, max(billing_period) AS month
        FROM cost_by_service GROUP BY 1 ORDER BY sum(charges) DESC, 1 LIMIT {_MOST_CURRENCIES}"""
    )
    return [_section(ask, names, row["currency"], row["month"]) for row in found]


def _section(ask: Questions, names: frozenset[str], currency: str, month: str) -> Section:
    here = f"billing_currency = {quoted(currency)}"
    now = f"{here} AND billing_period = {quoted(month)}"
    charts: list[Chart] = []
    if "cost_daily" in names:
        charts += _daily(ask, here, currency)
    charts.append(_services(ask, now, currency, month))
    sheets = [_months(ask, here, currency)]
    for name, make in (
        ("month_over_month", _movers),
        ("cost_by_account", _accounts),
        ("cost_by_tag", _tags),
        ("commitments", _commitments),
    ):
        if name in names:
            sheets += make(ask, now, currency, month)
    if "budget_status" in names:
        sheets += watch.budgets(ask, currency)
    if "cost_anomalies" in names:
        sheets += watch.unusual(ask, here, currency)
    return Section(
        "bills-" + re.sub(r"[^a-z0-9]+", "-", currency.lower()),
        f"Costs in {currency}",
        f"The newest month is {month}.",
        _figures(ask, here, currency, month),
        charts,
        sheets,
    )


def _figures(ask: Questions, here: str, currency: str, month: str) -> list[Figure]:
    rows = ask.rows(
        f"""SELECT billing_period AS month, sum(billed_cost) AS billed,
          sum(effective_cost) AS effective, sum(list_cost) AS list, sum(charges)::BIGINT AS n
        FROM cost_by_service WHERE {here} GROUP BY 1 ORDER BY 1 DESC LIMIT 2"""
    )
    newest, before = rows[0], rows[1] if len(rows) > 1 else None
    note = ""
    if before is not None and before["billed"]:
        grown = newest["billed"] / before["billed"] - 1
        note = f"{numbers.change(grown)} on {before['month']}"
    figures = [
        Figure(f"billed in {month}", numbers.money(newest["billed"], currency), note),
        Figure("effective cost", numbers.money(newest["effective"], currency)),
        Figure("charges", numbers.count(newest["n"])),
    ]
    if newest["list"]:
        saved = newest["list"] - newest["effective"]
        share = numbers.share(saved / newest["list"])
        figures.insert(2, Figure("below list prices", numbers.money(saved, currency), share))
    return figures


def _daily(ask: Questions, here: str, currency: str) -> list[Chart]:
    top = [
        row["name"]
        for row in ask.rows(
            f"""SELECT service_name AS name FROM cost_daily WHERE {here} AND
              service_name IS NOT NULL
            GROUP BY 1 ORDER BY sum(effective_cost) DESC, 1 LIMIT {_SERVICES}"""
        )
    ]
    listed = ", ".join(map(quoted, top)) or "NULL"
    rows = ask.rows(
        f"""SELECT date AS moment, CASE WHEN service_name IN ({listed}) THEN service_name
          ELSE '{_OTHERS}' END AS series, sum(effective_cost) AS value
        FROM cost_daily WHERE {here} AND date IS NOT NULL GROUP BY ALL ORDER BY ALL"""
    )
    if not rows:
        return []
    there = {row["series"] for row in rows}
    series = [*top, *([_OTHERS] if _OTHERS in there else [])]
    by_day: dict[Any, dict[str, Decimal]] = {}
    for row in rows:
        by_day.setdefault(row["moment"], {})[row["series"]] = row["value"]
    shown = [
        (numbers.day(at), *(numbers.money(values.get(one, 0)) for one in series))
        for at, values in by_day.items()
    ]
    table = Sheet(("day", *series), shown, frozenset(range(1, len(series) + 1)))
    plain = [{**row, "value": float(row["value"])} for row in rows]
    title = "Effective cost by day and service"
    return [over_time(title, plain, table, unit=currency, series=series, stacked=True)]


def _services(ask: Questions, now: str, currency: str, month: str) -> Chart:
    rows = ask.rows(
        f"""SELECT coalesce(service_name, '(none)') AS name, sum(billed_cost) AS billed,
          sum(effective_cost) AS effective, count(*) OVER ()::BIGINT AS n
        FROM cost_by_service WHERE {now} GROUP BY 1 ORDER BY effective DESC, 1 LIMIT {_ROWS}"""
    )
    shown = [
        (row["name"], numbers.money(row["billed"]), numbers.money(row["effective"])) for row in rows
    ]
    left = rows[0]["n"] - len(rows) if rows else 0
    heading = ("service", f"billed, {currency}", f"effective, {currency}")
    table = Sheet(heading, shown, frozenset({1, 2}), left)
    bars = [{"name": row["name"], "value": float(row["effective"])} for row in rows[:12]]
    return ranked(f"Services in {month}", bars, table, unit=f"effective cost, {currency}")


def _months(ask: Questions, here: str, currency: str) -> Sheet:
    rows = ask.rows(
        f"""SELECT billing_period AS month, sum(billed_cost) AS billed,
          sum(effective_cost) AS effective, sum(charges)::BIGINT AS n
        FROM cost_by_service WHERE {here} GROUP BY 1 ORDER BY 1 DESC LIMIT 24"""
    )
    shown = [
        (
            row["month"],
            numbers.money(row["billed"]),
            numbers.money(row["effective"]),
            numbers.count(row["n"]),
        )
        for row in rows
    ]
    heading = ("month", f"billed, {currency}", f"effective, {currency}", "charges")
    return Sheet(heading, shown, frozenset({1, 2, 3}), caption="Months")


def _movers(ask: Questions, now: str, currency: str, month: str) -> list[Sheet]:
    rows = ask.rows(
        f"""SELECT coalesce(service_name, '(none)') AS name, sum(previous_billed_cost) AS previous,
          sum(billed_cost) AS billed, sum(billed_cost_change) AS moved
        FROM month_over_month WHERE {now} GROUP BY 1
        HAVING moved <> 0 ORDER BY abs(moved) DESC, 1 LIMIT 10"""
    )
    if not rows:
        return []
    shown = [
        (
            row["name"],
            numbers.money(row["previous"]),
            numbers.money(row["billed"]),
            numbers.money(row["moved"]),
            numbers.change(row["moved"] / row["previous"] if row["previous"] else None),
        )
        for row in rows
    ]
    heading = ("service", "month before", month, f"change, {currency}", "change")
    return [Sheet(heading, shown, frozenset({1, 2, 3, 4}), caption="Moved most, billed")]


def _accounts(ask: Questions, now: str, currency: str, month: str) -> list[Sheet]:
    named = "coalesce(sub_account_name, sub_account_id, '(none)')"
    caption = f"Accounts in {month}"
    return _by(ask, ("cost_by_account", named, now), ("account",), currency, caption)


def _tags(ask: Questions, now: str, currency: str, month: str) -> list[Sheet]:
    named = "concat(tag_key, ' = ', coalesce(tag_value, '(none)'))"
    caption = f"Owners, by tag, in {month}"
    return _by(ask, ("cost_by_tag", named, now), ("tag",), currency, caption)


def _by(
    ask: Questions,
    where: tuple[str, str, str],
    heading: tuple[str],
    currency: str,
    caption: str,
) -> list[Sheet]:
    dataset, named, now = where
    rows = ask.rows(
        f"""SELECT {named} AS name, sum(billed_cost) AS billed, sum(effective_cost) AS effective,
          count(*) OVER ()::BIGINT AS n
        FROM {dataset} WHERE {now} GROUP BY 1 ORDER BY effective DESC, 1 LIMIT {_ROWS}"""
    )
    if not rows:
        return []
    shown = [
        (row["name"], numbers.money(row["billed"]), numbers.money(row["effective"])) for row in rows
    ]
    columns = (*heading, f"billed, {currency}", f"effective, {currency}")
    left = rows[0]["n"] - len(rows)
    return [Sheet(columns, shown, frozenset({1, 2}), left, caption)]


def _commitments(ask: Questions, now: str, currency: str, month: str) -> list[Sheet]:
    rows = ask.rows(
        f"""SELECT coalesce(commitment_discount_name, commitment_discount_id, '(none)') AS name,
          commitment_discount_type AS kind, used_cost AS used, unused_cost AS unused,
          utilization, coverage
        FROM commitments WHERE {now} ORDER BY unused_cost DESC, 1 LIMIT {_ROWS}"""
    )
    if not rows:
        return []
    shown = [
        (
            row["name"],
            row["kind"] or "–",
            numbers.money(row["used"]),
            numbers.money(row["unused"]),
            numbers.share(row["utilization"]),
            numbers.share(row["coverage"]),
        )
        for row in rows
    ]
    heading = (
        *("commitment", "kind", f"used, {currency}", f"unused, {currency}"),
        *("used", "covered"),
    )
    caption = f"Commitments in {month}"
    return [Sheet(heading, shown, frozenset({2, 3, 4, 5}), caption=caption)]
