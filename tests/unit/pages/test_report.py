"""The report: its figures against plain Python, and what it does with odd data."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gristmill.cli import main
from gristmill.cli.output import history
from gristmill.model.schema import DatasetSchema
from gristmill.outputs.output import open as open_datasets
from gristmill.pages import numbers
from gristmill.pages.parts import Section
from gristmill.pages.report.page import page, sections
from gristmill.pages.report.time import step_of
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.storage.local import LocalStorage
from tests.support.outputs import publish

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
Rows = Sequence[Mapping[str, Any]]
MONEY = pa.decimal128(38, 18)
SPARK = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.date32(): "date",
    MONEY: "decimal(38,18)",
}
TRAFFIC = {
    "hour": pa.int32(),
    "status_class": pa.string(),
    "method": pa.string(),
    "requests": pa.int64(),
    "bytes": pa.int64(),
    "clients": pa.int64(),
    "seconds_p50": pa.float64(),
    "seconds_p95": pa.float64(),
    "seconds_p99": pa.float64(),
    "date": pa.date32(),
}
SERVICES = {
    "service_name": pa.string(),
    "billing_currency": pa.string(),
    "billed_cost": MONEY,
    "effective_cost": MONEY,
    "list_cost": MONEY,
    "charges": pa.int64(),
    "billing_period": pa.string(),
}
REJECTS = {
    "job": pa.string(),
    "reason": pa.string(),
    "source_file": pa.string(),
    "block_start": pa.int64(),
    "line_number": pa.int64(),
    "raw": pa.string(),
}
PATHS = {
    "rank": pa.int32(),
    "path": pa.string(),
    "requests": pa.int64(),
    "bytes": pa.int64(),
    "date": pa.date32(),
}


def put(root: Path, name: str, columns: Mapping[str, Any], rows: Rows, run: str = "aa") -> None:
    schema = pa.schema(list(columns.items()))
    fields = [(column, SPARK[kind]) for column, kind in columns.items()]
    publish(root, name, fields, {"": pa.Table.from_pylist(list(rows), schema)}, run)


def hour(at: datetime, status: str = "2xx", requests: int = 10, **more: Any) -> dict[str, Any]:
    plain = {"method": "GET", "bytes": requests * 100, "clients": 3}
    when = {"date": at.date(), "hour": at.hour}
    return {**plain, **when, "status_class": status, "requests": requests, **more}


def service(name: str, cost: str, month: str = "2026-10", currency: str = "USD") -> dict[str, Any]:
    amount = Decimal(cost)
    return {
        "service_name": name,
        "billing_currency": currency,
        "billed_cost": amount,
        "effective_cost": amount,
        "list_cost": amount * 2,
        "charges": 4,
        "billing_period": month,
    }


def found(root: Path) -> list[Section]:
    return sections(open_datasets(str(root)), history(str(root), None, 100).publishes)


def section(root: Path, name: str) -> Section:
    return next(one for one in found(root) if one.id == name)


def figures(one: Section) -> dict[str, str]:
    return {figure.label: figure.value for figure in one.figures}


class Tags(HTMLParser):
    """What a page refers to, and which elements it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counts: dict[str, int] = defaultdict(int)
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def made(root: Path) -> str:
    return page("Out", found(root), NOW)


def test_traffic_is_what_plain_python_sums(tmp_path: Path) -> None:
    start = datetime(2026, 10, 5, tzinfo=UTC)
    rows = [
        hour(start + timedelta(hours=at), status, requests=at * 7 + len(status) + number)
        for at in range(50)
        for number, status in enumerate(("2xx", "4xx", "5xx"))
    ]
    put(tmp_path, "traffic_hourly", TRAFFIC, rows)
    one = section(tmp_path, "traffic")
    total = sum(row["requests"] for row in rows)
    failed = sum(row["requests"] for row in rows if row["status_class"] == "5xx")
    assert figures(one) == {
        "requests": f"{total:,}",
        "answered 5xx": f"{failed / total:.1%}",
        "answered 4xx": numbers.share(
            sum(row["requests"] for row in rows if row["status_class"] == "4xx") / total
        ),
        "sent": numbers.size(sum(row["bytes"] for row in rows)),
    }
    table = one.charts[0].table
    assert table.heading == ("time", "2xx", "4xx", "5xx")
    assert table.rows[0] == ("2026-10-05 00:00", *(f"{rows[at]['requests']:,}" for at in range(3)))
    assert len(table.rows) == 50
    assert [chart.title for chart in one.charts] == [
        *("Requests by status", "Share of errors", "Clients")
    ]


def test_latency_is_the_highest_of_the_hours_of_what_came_most(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        hour(
            start + timedelta(hours=at),
            method=method,
            requests=50 if method == "GET" else 5,
            seconds_p50=at / 100,
            seconds_p95=at / 50 if method == "GET" else 99.0,
            seconds_p99=at / 10,
        )
        for at in range(24 * 30)
        for method in ("GET", "POST")
    ]
    put(tmp_path, "traffic_hourly", TRAFFIC, rows)
    one = section(tmp_path, "traffic")
    (latency,) = (chart for chart in one.charts if chart.title == "Latency")
    # Thirty days are shown by day.
    assert latency.table.rows[0] == ("2026-01-01 00:00", "230 ms", "460 ms", "2.30 s")


def test_costs_stand_by_their_currency_and_are_compared_with_the_month_before(
    tmp_path: Path,
) -> None:
    rows = [
        service("EC2", "100.50", "2026-09"),
        service("EC2", "150.75"),
        service("S3", "0.125"),
        service("Odd", "7", currency="EUR"),
    ]
    put(tmp_path, "cost_by_service", SERVICES, rows)
    dollars = section(tmp_path, "bills-usd")
    billed = Decimal("150.75") + Decimal("0.125")
    assert figures(dollars)["billed in 2026-10"] == f"{billed:,.2f} USD"
    change = float(billed / Decimal("100.50") - 1)
    assert dollars.figures[0].note == f"{change:+.1%} on 2026-09"
    assert dollars.charts[0].table.rows == [("EC2", "150.75", "150.75"), ("S3", "0.12", "0.12")]
    assert figures(section(tmp_path, "bills-eur"))["billed in 2026-10"] == "7.00 EUR"


def test_of_ten_thousand_services_the_first_are_shown_and_the_rest_counted(
    tmp_path: Path,
) -> None:
    rows = [service(f"service {number:05d}", str(10_000 - number)) for number in range(10_000)]
    put(tmp_path, "cost_by_service", SERVICES, rows)
    chart = section(tmp_path, "bills-usd").charts[-1]
    assert (len(chart.table.rows), chart.table.left_out) == (50, 9_950)
    text = made(tmp_path)
    assert "9,950 more are not shown" in text
    assert len(text) < 400_000


WORDS = {"word": pa.string(), "count": pa.int64(), "corpus": pa.string()}


def word(text: str) -> dict[str, Any]:
    return {"word": text, "count": 3, "corpus": text}


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "' OR 1=1 --",
    "\u202egpj.exe \x1b[2J\x00\x7f\ufffe",
    "\N{CAT FACE}e\N{COMBINING ACUTE ACCENT}\u200b\ue000",
    "",
]


def test_what_data_say_is_never_markup(tmp_path: Path) -> None:
    at = datetime(2026, 10, 5, tzinfo=UTC)
    put(tmp_path, "traffic_hourly", TRAFFIC, [hour(at, one) for one in HOSTILE], "aa")
    put(tmp_path, "word_counts", WORDS, [word(one) for one in HOSTILE], "ee")
    paths = [
        {"rank": 1, "path": one, "requests": 9, "bytes": 9, "date": date(2026, 10, 5)}
        for one in HOSTILE
    ]
    put(tmp_path, "top_paths", PATHS, paths, "bb")
    put(tmp_path, "cost_by_service", SERVICES, [service(one, "5") for one in HOSTILE], "cc")
    rejects = [
        {
            "job": one,
            "reason": one,
            "source_file": f"file:///{one}",
            "block_start": 0,
            "line_number": 1,
            "raw": one * 40,
        }
        for one in HOSTILE
    ]
    put(tmp_path, "rejects", REJECTS, rejects, "dd")
    text = page("<script>alert(1)</script>", found(tmp_path), NOW)
    tags = Tags(text)
    assert tags.counts["script"] == tags.counts["img"] == 0
    assert [one for one in tags.attributes if one[1].startswith("on")] == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7 * 7 }}" in text
    assert "\x1b" not in text


def test_a_page_needs_no_network_and_every_chart_has_its_table(tmp_path: Path) -> None:
    start = datetime(2026, 10, 5, tzinfo=UTC)
    put(tmp_path, "traffic_hourly", TRAFFIC, [hour(start)], "aa")
    put(tmp_path, "cost_by_service", SERVICES, [service("EC2", "5")], "bb")
    tags = Tags(made(tmp_path))
    references = [value for _, name, value in tags.attributes if name in {"href", "src"}]
    assert all(value.startswith("#") for value in references), references
    ids = {value for _, name, value in tags.attributes if name == "id"}
    assert {value[1:] for value in references} <= ids
    assert tags.counts["figure"] == tags.counts["details"] > 2
    assert "url(" not in made(tmp_path).replace("url(#", "")


def test_a_year_is_shown_by_day_and_more_by_week(tmp_path: Path) -> None:
    assert step_of(date(2026, 1, 1), date(2026, 1, 14)) == "hour"
    assert step_of(date(2026, 1, 1), date(2026, 12, 31)) == "day"
    assert step_of(date(2024, 1, 1), date(2026, 12, 31)) == "week"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [hour(start + timedelta(hours=at * 6)) for at in range(4 * 365)]
    put(tmp_path, "traffic_hourly", TRAFFIC, rows)
    assert len(section(tmp_path, "traffic").charts[0].table.rows) == 365


def test_rejects_are_shown_over_time(tmp_path: Path) -> None:
    for number, lines, rejected in ((1, 100, 0), (2, 200, 50)):
        origin = Origin(f"20261121T1200{number:02d}", "logs", {}, ("in",), "", "ann@here")
        schema = DatasetSchema("words", (("word", "string"),), (), "batch")
        publication = Publication(LocalStorage(str(tmp_path)), origin, [schema])
        publication.begin(timedelta(), lambda _text: None)
        publication.stage(schema, ())
        publication.commit(lines, rejected)
    (section,) = [one for one in found(tmp_path) if one.id == "publishes"]
    chart = next(one for one in section.charts if "rejected" in one.title)
    (values,) = chart.spec["datasets"].values()
    drawn = [row["value"] for row in values]
    assert drawn == [0.0, 0.25]


def test_rejects_are_told_by_reason_and_run(tmp_path: Path) -> None:
    def reject(number: int, reason: str) -> dict[str, Any]:
        return {
            "job": "logs",
            "reason": reason,
            "source_file": "a",
            "block_start": 0,
            "line_number": number,
            "raw": "x",
        }

    put(tmp_path, "rejects", REJECTS, [reject(1, "bad_status"), reject(2, "empty_line")], "aa")
    (section,) = [one for one in found(tmp_path) if one.id == "quality"]
    chart = next(one for one in section.charts if "by the run" in one.title)
    assert chart.table.heading == ("run, UTC", "bad_status", "empty_line")
    assert [row[1:] for row in chart.table.rows] == [("1", "1")]


def test_unusual_costs_are_shown_the_costliest_first(tmp_path: Path) -> None:
    columns = {
        "service_name": pa.string(),
        "billing_currency": pa.string(),
        "kind": pa.string(),
        "effective_cost": MONEY,
        "expected_cost": MONEY,
        "amount": MONEY,
        "start_date": pa.date32(),
        "end_date": pa.date32(),
    }

    def event(number: int, service: str, kind: str, amount: int) -> dict[str, Any]:
        return {
            "service_name": service,
            "billing_currency": "USD",
            "kind": kind,
            "expected_cost": Decimal(10),
            "effective_cost": Decimal(10 + amount),
            "amount": Decimal(amount),
            "start_date": date(2026, 3, number),
            "end_date": date(2026, 3, number + 1),
        }

    days = [event(1, "EC2", "spike", 5), event(3, "EC2", "step_down", -7), event(2, "S3", "new", 1)]
    put(tmp_path, "cost_anomalies", columns, days)
    service = {
        "service_name": "EC2",
        "billing_currency": "USD",
        "billing_period": "2026-03",
        "billed_cost": Decimal(1),
        "effective_cost": Decimal(1),
        "list_cost": Decimal(1),
        "charges": 1,
    }
    put(tmp_path, "cost_by_service", SERVICES, [service], "ab")
    (section,) = [one for one in found(tmp_path) if one.id == "bills-usd"]
    sheet = next(one for one in section.sheets if one.caption == "Unusual costs")
    assert [(*row[:4], row[6]) for row in sheet.rows] == [
        ("2026-03-03", "2026-03-04", "EC2", "step down", "-7.00"),
        ("2026-03-01", "2026-03-02", "EC2", "spike", "5.00"),
        ("2026-03-02", "2026-03-03", "S3", "new", "1.00"),
    ]


def test_budgets_of_the_last_month_are_shown_those_that_are_over_first(tmp_path: Path) -> None:
    columns = {
        **dict.fromkeys(("budget", "status", "currency", "billing_period"), pa.string()),
        **dict.fromkeys(("amount", "spent", "forecast"), MONEY),
        "through_date": pa.date32(),
    }

    def budget(name: str, status: str | None, amount: int | None, month: str) -> dict[str, Any]:
        return {
            "budget": name,
            "status": status,
            "currency": "USD",
            "billing_period": month,
            "amount": None if amount is None else Decimal(amount),
            "spent": Decimal(5),
            "forecast": Decimal(9),
            "through_date": date(2026, 3, 9),
        }

    known = [
        budget("a", "within", 10, "2026-03"),
        budget("b", None, None, "2026-03"),
        budget("c", "over", 1, "2026-03"),
        budget("d", "forecast_over", 7, "2026-03"),
        budget("e", "over", 1, "2026-02"),
    ]
    put(tmp_path, "budget_status", columns, known)
    service = {
        "service_name": "EC2",
        "billing_currency": "USD",
        "billing_period": "2026-03",
        **dict.fromkeys(("billed_cost", "effective_cost", "list_cost"), Decimal(1)),
        "charges": 1,
    }
    put(tmp_path, "cost_by_service", SERVICES, [service], "ab")
    (section,) = [one for one in found(tmp_path) if one.id == "bills-usd"]
    sheet = next(one for one in section.sheets if (one.caption or "").startswith("Budgets"))
    assert sheet.caption == "Budgets in 2026-03, until 2026-03-09"
    assert [tuple(row) for row in sheet.rows] == [
        ("c", "over", "1.00", "5.00", "9.00"),
        ("d", "forecast over", "7.00", "5.00", "9.00"),
        ("a", "within", "10.00", "5.00", "9.00"),
        ("b", "", "", "5.00", "9.00"),
    ]


def test_where_there_is_nothing_it_says_so(tmp_path: Path) -> None:
    put(tmp_path, "traffic_hourly", TRAFFIC, [])
    put(tmp_path, "cost_by_service", SERVICES, [], "bb")
    assert [one.id for one in found(tmp_path)] == ["datasets", "publishes"]
    assert "There is nothing to show yet" in page("Out", [], NOW)


def test_examples_of_rejects_are_some_of_each_reason(tmp_path: Path) -> None:
    rows = [
        {
            "job": "access-logs",
            "reason": reason,
            "source_file": "file:///in/a.log",
            "block_start": 0,
            "line_number": number,
            "raw": f"{reason} {number}",
        }
        for reason in ("bad_status", "bad_date")
        for number in range(10)
    ]
    put(tmp_path, "rejects", REJECTS, rows)
    one = section(tmp_path, "quality")
    assert figures(one) == {"rejected": "20", "reasons": "2"}
    (sheet,) = one.sheets
    assert [row[2] for row in sheet.rows] == [
        f"{reason} {number}" for reason in ("bad_date", "bad_status") for number in range(3)
    ]


def test_the_command_writes_a_whole_page_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "out", "cost_by_service", SERVICES, [service("EC2", "5")])
    file = tmp_path / "page.html"
    assert main(["report", str(tmp_path / "out"), "-o", str(file)]) == 0
    assert "Costs in USD, Datasets, Runs" in capsys.readouterr().out
    assert re.search(r"<h1>out</h1>", file.read_text())
    assert main(["report", str(tmp_path / "out"), "-o", str(tmp_path / "no" / "p.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none"), "-o", str(file)]) == 1
    assert "EC2" in file.read_text()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.size(999), "999 B"),
        (numbers.size(1_234_567), "1.2 MB"),
        (numbers.size(10**18), "1,000.0 PB"),
        (numbers.money(Decimal("99999.995")), "100,000.00"),
        (numbers.money(Decimal("-1234567.8"), "EUR"), "-1,234,568 EUR"),
        (numbers.span(0.0123), "12 ms"),
        (numbers.change(0.5), "+50.0%"),
        (numbers.count(None), "–"),
    ],
)
def test_numbers_have_their_units(shown: str, expected: str) -> None:
    assert shown == expected
