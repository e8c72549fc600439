"""Sessions, against plain Python over the same requests, and at their edges."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession

from gristmill.jobs import access_logs, web_sessions
from gristmill.jobs.web_sessions import WebSessionsOptions
from tests.conftest import RunJob
from tests.spark.test_traffic_summary import requests
from tests.support.reference import Request

COLUMNS = [
    *("client", "user_agent", "start", "end", "requests", "bytes", "entry_path", "exit_path"),
    "date",
]


def in_sessions(found: list[Request], gap: timedelta) -> set[tuple[Any, ...]]:
    """What plain Python makes of requests, without whether it is a bot."""
    clients = defaultdict(list)
    for request in found:
        clients[request.client, request.user_agent].append(request)
    rows = set()
    for client, theirs in clients.items():
        theirs.sort(key=lambda request: (request.timestamp, request.path or ""))
        session: list[Request] = []
        for request, following in zip(theirs, [*theirs[1:], None], strict=True):
            session.append(request)
            if following is None or following.timestamp - request.timestamp > gap:
                paths = [request.path for request in session if request.path is not None]
                start, end = session[0].timestamp, session[-1].timestamp
                size = sum(request.bytes or 0 for request in session)
                ends = (paths[0], paths[-1]) if paths else (None, None)
                rows.add((*client, start, end, len(session), size, *ends, start.date()))
                session = []
    return rows


def as_tuple(row: Row) -> tuple[Any, ...]:
    return tuple(
        value.astimezone(UTC) if isinstance(value, datetime) else value
        for value in (row[name] for name in COLUMNS)
    )


def test_the_sessions_are_those_of_plain_python(
    spark: SparkSession, run_job: RunJob, samples: Path, tmp_path: Path
) -> None:
    run_job(access_logs.JOB, samples / "logs")
    for minutes in (30, 2):
        options = WebSessionsOptions(gap_minutes=minutes)
        run_job(web_sessions.JOB, tmp_path / "out", options=options)
        rows = spark.read.parquet(str(tmp_path / "out" / "web_sessions")).collect()
        expected = in_sessions(requests(samples / "logs"), timedelta(minutes=minutes))
        assert {as_tuple(row) for row in rows} == expected
        assert len(rows) == len(expected)


def sessions(spark: SparkSession, *found: tuple[str, str | None, str, str | None]) -> list[Row]:
    """Sessions of requests given as (client, user agent, time, path)."""
    rows = [
        (client, agent, datetime.fromisoformat(f"{time}Z"), path, 10)
        for client, agent, time, path in found
    ]
    schema = "client string, user_agent string, timestamp timestamp, path string, bytes bigint"
    frames = web_sessions.sessions(spark.createDataFrame(rows, schema), WebSessionsOptions())
    return frames["web_sessions"].orderBy("client", "start").collect()


def test_a_session_across_midnight_is_one_of_the_day_it_started(spark: SparkSession) -> None:
    found = sessions(
        spark,
        ("a", "UA", "2026-10-05T23:50:00", "/in"),
        ("a", "UA", "2026-10-06T00:19:59", "/out"),
    )
    assert [(row["requests"], row["date"]) for row in found] == [(2, date(2026, 10, 5))]
    assert (found[0]["entry_path"], found[0]["exit_path"]) == ("/in", "/out")


def test_a_silence_as_long_as_the_gap_does_not_end_a_session(spark: SparkSession) -> None:
    found = sessions(
        spark,
        ("a", "UA", "2026-10-05T10:00:00", "/1"),
        ("a", "UA", "2026-10-05T10:30:00", "/2"),
        ("a", "UA", "2026-10-05T11:00:01", "/3"),
        ("a", "other", "2026-10-05T10:10:00", "/4"),
        ("b", None, "2026-10-05T10:10:00", None),
        ("b", None, "2026-10-05T10:11:00", None),
    )
    expected = [("a", 2, 20, "/1"), ("a", 1, 10, "/4"), ("a", 1, 10, "/3"), ("b", 2, 20, None)]
    assert [
        tuple(row[n] for n in ("client", "requests", "bytes", "entry_path")) for row in found
    ] == (expected)


def test_requests_of_one_second_are_in_the_order_of_their_paths(spark: SparkSession) -> None:
    moment = "2026-10-05T10:00:00"
    found = sessions(spark, *(("a", "UA", moment, path) for path in ("/b", None, "/c", "/a")))
    assert [(row["entry_path"], row["exit_path"]) for row in found] == [("/a", "/c")]


def test_bots_are_told_from_people(spark: SparkSession) -> None:
    agents = {
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": "bot",
        "curl/8.5.0": "unknown",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36": (
            "human"
        ),
        "Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 Chrome/126.0": "human",
        "quiet": "unknown",
    }
    moment = "2026-10-05T10:00:00"
    found = sessions(spark, *(("a", agent, moment, "/") for agent in agents))
    assert {row["user_agent"]: row["agent_kind"] for row in found} == agents
    robots = sessions(spark, ("a", "quiet", moment, "/"), ("a", "quiet", moment, "/robots.txt"))
    assert [row["agent_kind"] for row in robots] == ["bot"]
