"""Agents, clients, referers, errors and slow paths, against plain Python over the same requests."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import UsageError
from gristmill.jobs import access_logs, traffic_details, traffic_summary
from gristmill.jobs.access_logs import AccessLogOptions
from gristmill.jobs.traffic_details import TrafficDetailsOptions
from gristmill.jobs.traffic_summary import TrafficSummaryOptions
from gristmill.readers.logs.agents import with_agent_kind
from tests.conftest import RunJob

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"
KINDS = {
    # https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent
    f"{_CHROME}142.0.0.0 Safari/537.36": "human",
    "Opera/9.80 (X11; Linux i686) Presto/2.12.388 Version/12.16": "human",
    "Mozilla/5.0 (Linux; Android 9; Robot Phone) AppleWebKit/537.36 Chrome/90.0 Mobile": "human",
    "Mozilla/5.0 (Linux; Android 8; CUBOT_X18) AppleWebKit/537.36 Chrome/90.0 Mobile": "human",
    # What their makers say that they send.
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)": "ai_crawler",
    "ELB-HealthChecker/2.0": "health_check",
    "Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)": "health_check",
    "kube-probe/1.31": "health_check",
    "GoogleHC/1.0": "health_check",
    "Consul Health Check": "health_check",
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": "health_check",
    "sqlmap/1.8#stable (https://sqlmap.org)": "scanner",
    "Mozilla/5.0 zgrab/0.x": "scanner",
    # In no list, but it says where to read about it.
    "Mozilla/5.0 (compatible; HarrowThing/2.1; +https://harrow.example.com/thing)": "bot",
    "okhttp/4.12.0": "unknown",
    "curl/8.5.0": "unknown",
    "Robot Phone": "unknown",
    "": "unknown",
}


def _kinds(
    spark: SparkSession, agents: Sequence[str | None], *, listed: bool
) -> dict[str | None, str]:
    rows = spark.createDataFrame([(agent,) for agent in agents], "user_agent string")
    found = with_agent_kind(rows, listed=listed).collect()
    assert len(found) == len(agents)
    return {row["user_agent"]: row["agent_kind"] for row in found}


def test_an_agent_is_what_its_maker_says(spark: SparkSession) -> None:
    assert _kinds(spark, [*KINDS, None], listed=True) == KINDS | {None: "unknown"}


def test_without_the_list_no_bot_is_taken_for_another_kind_than_it_says(
    spark: SparkSession,
) -> None:
    told = _kinds(spark, [*KINDS], listed=False)
    assert {told[agent] for agent, kind in KINDS.items() if kind == "human"} == {"human"}
    assert told["ELB-HealthChecker/2.0"] == "health_check"


def _line(at: datetime, number: int) -> tuple[str, dict[str, Any]]:
    """A line with the time taken in microseconds, and what it says."""
    agents = list(KINDS)[:-1]
    one = {
        "client": f"192.0.2.{number % 7}",
        "path": f"/p{number % 5}",
        "status": (200, 404, 500, 200, 302, 403)[number % 6],
        "bytes": number,
        "referer": ("-", "https://a.example/x?y=1", "https://a.example/x#z", "https://b.example/")[
            number % 4
        ],
        "agent": agents[number % len(agents)],
        "micros": number * number * 37 % 90_001,
        "at": at,
    }
    text = (
        f'{one["client"]} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET {one["path"]}?q={number} '
        f'HTTP/1.1" {one["status"]} {one["bytes"]} "{one["referer"]}" "{one["agent"]}" '
        f"{one['micros']}"
    )
    return text, one


def _lines(days: Sequence[date]) -> list[tuple[str, dict[str, Any]]]:
    return [
        _line(datetime(day.year, day.month, day.day, number % 24, number % 60, tzinfo=UTC), number)
        for day in days
        for number in range(240)
    ]


def _ranked(counts: dict[str, Any], top: int) -> dict[int, tuple[str, Any]]:
    order = sorted(counts.items(), key=lambda item: (-_first(item[1]), item[0]))
    return dict(enumerate(order[:top], 1))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _of(spark: SparkSession, out: Path, name: str, columns: str) -> set[tuple[Any, ...]]:
    rows = spark.read.parquet(str(out / name)).select(*columns.split()).collect()
    found = {tuple(row) for row in rows}
    assert len(found) == len(rows)
    return found


def test_details_of_a_day_are_those_of_plain_python(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    day = date(2026, 10, 5)
    lines = _lines([day])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("".join(f"{line}\n" for line, _ in lines))
    out = tmp_path / "out"
    run_job(access_logs.JOB, tmp_path / "logs", options=AccessLogOptions(format="apache-%D"))
    run_job(traffic_summary.JOB, out)
    run_job(traffic_details.JOB, out, options=TrafficDetailsOptions(top=3, timed=20))
    asked = [one for _, one in lines]

    kinds = defaultdict(list)
    for one in asked:
        kinds[KINDS[one["agent"]]].append(one)
    assert _of(
        spark,
        out,
        "traffic_agents",
        "agent_kind requests bytes clients client_errors server_errors",
    ) == {
        (
            *(kind, len(some), sum(one["bytes"] for one in some)),
            len({one["client"] for one in some}),
            sum(one["status"] in {404, 403} for one in some),
            sum(one["status"] == 500 for one in some),
        )
        for kind, some in kinds.items()
    }

    clients = _ranked(Counter(one["client"] for one in asked), 3)
    assert _of(spark, out, "top_clients", "rank client requests") == {
        (rank, *pair) for rank, pair in clients.items()
    }
    pages = Counter(
        one["referer"].split("?")[0].split("#")[0] for one in asked if one["referer"] != "-"
    )
    assert _of(spark, out, "top_referers", "rank referer requests") == {
        (rank, *pair) for rank, pair in _ranked(pages, 3).items()
    }
    by_path = defaultdict(list)
    for one in asked:
        by_path[one["path"]].append(one)
    errors = {
        path: (
            sum(one["status"] >= 400 for one in some),
            sum(400 <= one["status"] < 500 for one in some),
            sum(one["status"] >= 500 for one in some),
        )
        for path, some in by_path.items()
    }
    assert _of(spark, out, "errors_by_path", "rank path client_errors server_errors") == {
        (rank, path, *counts[1:]) for rank, (path, counts) in _ranked(errors, 3).items()
    }
    slow = {}
    for path, some in by_path.items():
        times = sorted(one["micros"] / 10**6 for one in some)
        # The nearest rank: one that there was, at place ceil(n p / 100).
        middle, high = (times[-(-len(times) * percent // 100) - 1] for percent in (50, 95))
        slow[path] = (high, len(times), middle, times[-1], round(sum(times), 6))
    assert _of(
        spark,
        out,
        "slowest_paths",
        "rank path seconds_p95 requests seconds_p50 seconds_max seconds_total",
    ) == {(rank, path, *told) for rank, (path, told) in _ranked(slow, 3).items()}


def test_paths_with_few_times_are_not_among_the_slowest(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    lines = [_line(datetime(2026, 10, 5, 3, tzinfo=UTC), number)[0] for number in range(12)]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("\n".join(lines))
    run_job(access_logs.JOB, tmp_path / "logs", options=AccessLogOptions(format="apache-%D"))
    run_job(traffic_details.JOB, tmp_path / "out", options=TrafficDetailsOptions(timed=3))
    # /p0 and /p1 were asked for three times, the others twice.
    assert {row[0] for row in _of(spark, tmp_path / "out", "slowest_paths", "path")} == {
        "/p0",
        "/p1",
    }


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        pytest.param("Pacific/Kiritimati", marks=pytest.mark.thorough),
        pytest.param("Asia/Kathmandu", marks=pytest.mark.thorough),
    ],
)
def test_days_of_a_zone_are_those_of_its_clock_also_where_one_is_made_again(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, zone: str
) -> None:
    days = [date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]
    logs, out = tmp_path / "logs", tmp_path / "out"
    logs.mkdir()
    options = TrafficSummaryOptions(zone=zone)
    everything = []
    for some in (days[:2] + days[3:], days[2:3]):
        lines = _lines(some)
        everything += [one for _, one in lines]
        (logs / f"{some[0]}.log").write_text("".join(f"{line}\n" for line, _ in lines))
        run_job(
            access_logs.JOB,
            logs / f"{some[0]}.log",
            options=AccessLogOptions(format="apache-%D"),
        )
        run_job(traffic_summary.JOB, out, options=options)
    counts = Counter(
        (local.date(), local.hour)
        for local in (one["at"].astimezone(ZoneInfo(zone)) for one in everything)
    )
    hourly = spark.read.parquet(str(out / "traffic_hourly")).groupBy("date", "hour")
    found = hourly.sum("requests").collect()
    assert {(row[0], row[1]): row[2] for row in found} == counts
    with pytest.raises(UsageError, match="there is no time zone"):
        TrafficSummaryOptions(zone="Mars/Olympus")
