"""Who asked, where they came from, what failed and what was slow, in the report."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa

from tests.unit.pages.test_report import TRAFFIC, hour, made, put, section

DAY = {"date": pa.date32()}
COUNTS = {"requests": pa.int64(), "bytes": pa.int64(), "clients": pa.int64()}
ERRORS = {"client_errors": pa.int64(), "server_errors": pa.int64()}
AGENTS = {"agent_kind": pa.string(), **COUNTS, **ERRORS, **DAY}
CLIENTS = {"rank": pa.int32(), "client": pa.string(), **COUNTS, **ERRORS, **DAY}
REFERERS = {"rank": pa.int32(), "referer": pa.string(), "requests": pa.int64(), **DAY}
PATH_ERRORS = {"rank": pa.int32(), "path": pa.string(), "requests": pa.int64(), **ERRORS, **DAY}
SLOW = {
    "rank": pa.int32(),
    "path": pa.string(),
    "requests": pa.int64(),
    **dict.fromkeys(("seconds_p50", "seconds_p95", "seconds_max", "seconds_total"), pa.float64()),
    **DAY,
}


def test_details_are_summed_up_over_their_days(tmp_path: Path) -> None:
    days = [date(2026, 10, 5), date(2026, 10, 6)]
    put(tmp_path, "traffic_hourly", TRAFFIC, [hour(datetime(2026, 10, 5, tzinfo=UTC))])
    put(
        tmp_path,
        "traffic_agents",
        AGENTS,
        [
            {
                "agent_kind": kind,
                "requests": requests * number,
                "bytes": 1000 * number,
                "clients": clients,
                "client_errors": 1,
                "server_errors": failed,
                "date": day,
            }
            for number, day in enumerate(days, 1)
            for kind, requests, clients, failed in (
                ("bot", 10, 2, 3),
                ("human", 100, 40 + number, 0),
            )
        ],
        "ab",
    )
    asked = {"bytes": 100, "client_errors": 2, "server_errors": 0}
    put(
        tmp_path,
        "top_clients",
        CLIENTS,
        [
            {"rank": 1, "client": client, "requests": requests, "date": day, **asked}
            for day, client, requests in (
                (days[0], "192.0.2.1", 7),
                (days[1], "192.0.2.2", 9),
                (days[1], "192.0.2.1", 5),
            )
        ],
        "ac",
    )
    pages = [
        {"rank": 1, "referer": "https://a.example/", "requests": 4, "date": day} for day in days
    ]
    put(tmp_path, "top_referers", REFERERS, pages, "ad")
    failed = [
        {"rank": 1, "path": path, "requests": 9, "client_errors": one, "server_errors": 5 - one}
        for path, one in (("/a", 5), ("/b", 1))
    ]
    put(tmp_path, "errors_by_path", PATH_ERRORS, [{**row, "date": days[0]} for row in failed], "ae")
    slow = [
        {
            "rank": 1,
            "path": "/slow",
            "requests": 3,
            "seconds_p50": 0.5,
            "seconds_p95": high,
            "seconds_max": high + 1,
            "seconds_total": 4.0,
            "date": day,
        }
        for day, high in zip(days, (2.0, 1.0), strict=True)
    ]
    put(tmp_path, "slowest_paths", SLOW, slow, "af")

    one = section(tmp_path, "traffic")
    charts = {chart.title: chart.table for chart in one.charts}
    assert charts["People, bots and health checks"].rows == [
        ("2026-10-05 00:00", "10", "100"),
        ("2026-10-06 00:00", "20", "200"),
    ]
    assert charts["Clients that asked most"].rows == [
        ("192.0.2.1", "12", "200 B", "4"),
        ("192.0.2.2", "9", "100 B", "2"),
    ]
    assert charts["Pages that requests came from"].rows == [("https://a.example/", "8")]
    sheets = {sheet.caption: sheet.rows for sheet in one.sheets}
    assert sheets["Who asked, by the user agent"] == [
        ("human", "300", "42", "3.0 kB", "0.0%"),
        ("bot", "30", "2", "3.0 kB", "20.0%"),
    ]
    (errors,) = (rows for caption, rows in sheets.items() if caption.startswith("Paths with"))
    assert errors == [("/b", "9", "1", "4"), ("/a", "9", "5", "0")]
    (slowest,) = (rows for caption, rows in sheets.items() if caption.startswith("Slowest"))
    assert slowest == [("/slow", "6", "2.00 s", "3.00 s", "8.00 s")]
    assert "192.0.2.1" in made(tmp_path)


def test_details_of_nothing_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "traffic_hourly", TRAFFIC, [hour(datetime(2026, 10, 5, tzinfo=UTC))])
    empty = {
        "traffic_agents": AGENTS,
        "top_clients": CLIENTS,
        "top_referers": REFERERS,
        "errors_by_path": PATH_ERRORS,
        "slowest_paths": SLOW,
    }
    for number, (name, columns) in enumerate(empty.items()):
        put(tmp_path, name, columns, [], f"b{number}")
    one = section(tmp_path, "traffic")
    assert [chart.title for chart in one.charts] == [
        *("Requests by status", "Share of errors", "Clients")
    ]
    assert not one.sheets


def test_pages_whose_names_are_alike_but_for_their_middle_have_a_bar_each(tmp_path: Path) -> None:
    put(tmp_path, "traffic_hourly", TRAFFIC, [hour(datetime(2026, 10, 5, tzinfo=UTC))])
    long = "https://shop.example.com/products/{}/and/what/else/there/is"
    pages = [
        {
            "rank": 1,
            "referer": long.format(number),
            "requests": 9 - number,
            "date": date(2026, 10, 5),
        }
        for number in range(4)
    ]
    put(tmp_path, "top_referers", REFERERS, pages, "ad")
    (chart,) = (one for one in section(tmp_path, "traffic").charts if "Pages" in one.title)
    (values,) = chart.spec["datasets"].values()
    assert [one["value"] for one in values] == [9, 8, 7, 6]
    assert len({one["name"] for one in values}) == 4
