"""What of bills is to be watched: budgets, and costs that nobody expected."""

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.parts import Sheet
from gristmill.pages.report.reads import Columns

READS = {
    "budget_status": Columns(
        text=("billing_period", "currency", "budget", "status"),
        numbers=("amount", "spent", "forecast"),
        days=("through_date",),
    ),
    "cost_anomalies": Columns(
        text=("billing_currency", "service_name", "kind"),
        numbers=("effective_cost", "expected_cost", "amount"),
        days=("start_date", "end_date"),
    ),
}
_ROWS = 50


def budgets(ask: Questions, currency: str) -> list[Sheet]:
    """The budgets of the last month, those that are over first."""
    rows = ask.rows(
        f"""SELECT budget, coalesce(status, '') AS status, amount, spent, forecast,
          through_date AS day, billing_period AS month, count(*) OVER ()::BIGINT AS n
        FROM budget_status WHERE currency = {quoted(currency)} AND billing_period =
          (SELECT max(billing_period) FROM budget_status WHERE currency = {quoted(currency)})
        ORDER BY status <> 'over', status <> 'forecast_over', budget LIMIT {_ROWS}"""
    )
    if not rows:
        return []
    shown = [
        (
            row["budget"],
            row["status"].replace("_", " "),
            "" if row["amount"] is None else numbers.money(row["amount"]),
            numbers.money(row["spent"]),
            numbers.money(row["forecast"]),
        )
        for row in rows
    ]
    caption = f"Budgets in {rows[0]['month']}, until {numbers.day(rows[0]['day'])}"
    heading = ("budget", "state", f"amount, {currency}", "spent", "forecast")
    left = rows[0]["n"] - len(rows)
    return [Sheet(heading, shown, frozenset({2, 3, 4}), left, caption)]


def unusual(ask: Questions, here: str, currency: str) -> list[Sheet]:
    """Events in which a service was not what it was expected to be, the costliest first."""
    rows = ask.rows(
        f"""SELECT coalesce(service_name, '(none)') AS name, kind, start_date AS first,
          end_date AS last, effective_cost AS cost, expected_cost AS usual, amount,
          count(*) OVER ()::BIGINT AS n
        FROM cost_anomalies WHERE {here} ORDER BY abs(amount) DESC, first, name LIMIT {_ROWS}"""
    )
    if not rows:
        return []
    shown = [
        (
            numbers.day(row["first"]),
            numbers.day(row["last"]),
            row["name"],
            row["kind"].replace("_", " "),
            numbers.money(row["cost"]),
            numbers.money(row["usual"]),
            numbers.money(row["amount"]),
        )
        for row in rows
    ]
    heading = ("from", "to", "service", "what", f"cost, {currency}", "expected", "apart")
    left = rows[0]["n"] - len(rows)
    return [Sheet(heading, shown, frozenset({4, 5, 6}), left, "Unusual costs")]


def quoted(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"
