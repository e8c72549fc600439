"""A summary equals the one made from scratch, whatever has happened to what it is made of."""

import itertools
import json
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill import Dataset, Job, Options
from gristmill.engine.run import Run, execute
from gristmill.jobs import api_activity, flow_summary, traffic_summary, web_sessions
from gristmill.model.job import AnyJob, Request
from gristmill.model.report import Report
from gristmill.publish import retention
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.manifest import Origin
from gristmill.publish.run_ids import run_id
from gristmill.readers.logs.cloudtrail import CLOUDTRAIL_EVENTS
from gristmill.readers.logs.http import views
from gristmill.readers.logs.vpc_flow import VPC_FLOWS
from gristmill.readers.logs.web import WEB_REQUESTS
from gristmill.readers.text.lines import Lines
from gristmill.storage.local import LocalStorage

FIRST = date(2026, 10, 5)
S3_REQUESTS = views()["s3_requests"][0]


def loader(dataset: Dataset) -> AnyJob:
    """A job that loads rows of a dataset as JSON, a row a line."""

    def parsed(lines: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
        row = F.from_json("line", dataset.ddl).alias("row")
        return {dataset.name: lines.select(row).select("row.*")}

    return Job(
        name=f"load-{dataset.name}",
        help="Load rows.",
        options=Options,
        reads=Lines(),
        writes=(dataset,),
        transform=parsed,
    )


def web(at: datetime, who: int) -> dict[str, Any]:
    return {
        "client": f"192.0.2.{who}",
        "user_agent": f"agent {who % 2}",
        "timestamp": at.isoformat(),
        "method": "GET",
        "path": f"/{who}",
        "status": 200,
        "bytes": who,
    }


def flow(at: datetime, who: int) -> dict[str, Any]:
    return {"action": "ACCEPT", "protocol": 6, "dstport": who, "packets": 1, "bytes": at.hour}


def event(at: datetime, who: int) -> dict[str, Any]:
    identity = json.dumps({"arn": f"arn:aws:iam::111122223333:user/{who}"})
    source = "s3.amazonaws.com"
    return {"event_source": source, "event_name": f"Get{at.hour}", "user_identity": identity}


def s3(at: datetime, who: int) -> dict[str, Any]:
    return {
        "request_datetime": at.isoformat(),
        "remote_ip": f"192.0.2.{who}",
        "request_uri": f"GET /{who} HTTP/1.1",
        "http_status": 200,
    }


@dataclass
class Mill:
    """An output with sources, and with what is made of them."""

    spark: SparkSession
    folder: Path
    numbers: Any = field(default_factory=itertools.count)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def load(
        self,
        dataset: Dataset,
        make: Callable[[datetime, int], dict[str, Any]],
        batch: str,
        requests: Sequence[tuple[datetime, int]],
    ) -> None:
        """Load requests, or events: when, and by whom."""
        file = self.folder / f"{next(self.numbers)}.json"
        rows = [{**make(at, who), "date": at.date().isoformat()} for at, who in requests]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        self.run(loader(dataset), file, batch=f"{dataset.name} {batch}")

    def run(
        self, job: AnyJob, source: Path, out: Path | None = None, **given: Any
    ) -> tuple[Report, list[str]]:
        told: list[str] = []
        options = given.pop("options", job.options())
        request = Request((str(source),), str(out or self.out), options, **given)
        return execute(self.spark, job, request, Run.new(), told.append), told

    def expire(self, dataset: str, before: date) -> None:
        now = utc_now()
        origin = Origin(run_id(now, secrets.token_hex(4)), "expire", {}, (), "", owner())
        storage = LocalStorage(str(self.out))
        retention.expire(storage, origin, dataset, before, wait=timedelta(0), tell=print)

    def see(self, job: AnyJob, options: Any = None) -> tuple[Report, list[str]]:
        """Make a summary again, and see that it equals the one that is made from scratch."""
        given = {"options": options} if options else {}
        done = self.run(job, self.out, **given)
        scratch = self.folder / f"scratch-{next(self.numbers)}"
        self.run(job, self.out, scratch, **given)
        for dataset in job.writes:
            assert content(self.out / dataset.name) == content(scratch / dataset.name), dataset.name
        return done


def content(folder: Path) -> list[str]:
    if not any(folder.rglob("*.parquet")):
        return []
    table = arrow.dataset(folder, format="parquet", partitioning="hive").to_table()
    return sorted(str(row) for row in table.to_pylist())


@pytest.fixture
def mill(spark: SparkSession, tmp_path: Path) -> Mill:
    return Mill(spark, tmp_path)


def at(day: int, clock: str = "12:00") -> datetime:
    hour, minute = clock.split(":")
    when = datetime(FIRST.year, FIRST.month, FIRST.day, int(hour), int(minute), tzinfo=UTC)
    return when + timedelta(days=day)


def test_a_session_over_midnight_whose_second_day_came_first_is_one(mill: Mill) -> None:
    mill.load(WEB_REQUESTS, web, "second", [(at(1, "00:10"), 1)])
    mill.see(web_sessions.JOB)
    mill.load(WEB_REQUESTS, web, "first", [(at(0, "23:50"), 1)])
    mill.see(web_sessions.JOB)
    (row,) = arrow.dataset(mill.out / "web_sessions", partitioning="hive").to_table().to_pylist()
    assert (row["requests"], str(row["date"])) == (2, str(FIRST))


def six_days(mill: Mill) -> None:
    for day in range(6):
        mill.load(WEB_REQUESTS, web, str(day), [(at(day), 1), (at(day), 2)])


def test_only_the_days_that_have_changed_are_made_again(mill: Mill) -> None:
    six_days(mill)
    mill.run(traffic_summary.JOB, mill.out)
    report, told = mill.run(traffic_summary.JOB, mill.out)
    assert (report.lines, report.datasets) == (0, ())
    assert told == ["0 of 6 partitions of the source have changed since the last run"]
    mill.load(WEB_REQUESTS, web, "3", [(at(3), 1), (at(4), 3)])
    report, told = mill.see(traffic_summary.JOB)
    assert report.lines == 1 + 3
    says = "2 of 6 partitions of the source have changed since the last run: 2 days are made again"
    assert told == [says]


@pytest.mark.thorough
def test_all_days_are_made_again_where_that_is_asked_for_or_options_differ(mill: Mill) -> None:
    six_days(mill)
    mill.run(traffic_summary.JOB, mill.out)
    report, told = mill.run(traffic_summary.JOB, mill.out, full=True)
    assert (report.lines, told) == (12, [])
    # Other options make something else of the same.
    report, _ = mill.see(traffic_summary.JOB, traffic_summary.TrafficSummaryOptions(top=1))
    assert report.lines == 12
    # What was taken out of the summary alone comes back.
    mill.expire("top_paths", FIRST + timedelta(days=2))
    mill.see(traffic_summary.JOB, traffic_summary.TrafficSummaryOptions(top=1))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("job", "dataset", "make"),
    [
        pytest.param(traffic_summary.JOB, WEB_REQUESTS, web, marks=pytest.mark.thorough),
        pytest.param(flow_summary.JOB, VPC_FLOWS, flow, marks=pytest.mark.thorough),
        (api_activity.JOB, CLOUDTRAIL_EVENTS, event),
    ],
    ids=["traffic-summary", "flow-summary", "api-activity"],
)
def test_what_the_source_has_no_longer_goes(
    mill: Mill, job: AnyJob, dataset: Dataset, make: Callable[[datetime, int], dict[str, Any]]
) -> None:
    mill.load(dataset, make, "a", [(at(0), 1), (at(1), 2)])
    mill.load(dataset, make, "b", [(at(1), 3), (at(2), 4)])
    mill.see(job)
    mill.load(dataset, make, "a", [(at(3), 1)])
    mill.see(job)
    mill.expire(dataset.name, FIRST + timedelta(days=3))
    report, _ = mill.see(job)
    assert report.lines == 0
    mill.expire(dataset.name, FIRST + timedelta(days=99))
    mill.run(job, mill.out)
    assert all(content(mill.out / written.name) == [] for written in job.writes)


@pytest.mark.thorough
def test_summaries_of_other_sources_stay(mill: Mill, spark: SparkSession) -> None:
    other = Mill(spark, mill.folder / "other")
    other.folder.mkdir()
    other.load(WEB_REQUESTS, web, "a", [(at(7), 1)])
    mill.load(WEB_REQUESTS, web, "a", [(at(0), 1)])
    mill.load(S3_REQUESTS, s3, "a", [(at(0), 1), (at(1), 1)])
    for source in (other.out, mill.out):
        mill.run(traffic_summary.JOB, source)
    mill.load(WEB_REQUESTS, web, "a", [(at(2), 1)])
    mill.load(S3_REQUESTS, s3, "a", [(at(1), 1)])
    one = traffic_summary.TrafficSummaryOptions(dataset="web_requests")
    mill.run(traffic_summary.JOB, mill.out, options=one)
    folders = {path.parent for path in mill.out.glob("top_paths/*/*/*")}
    found = {(folder.parent.name, folder.name) for folder in folders}
    assert found == {
        (f"dataset={name}", f"date={FIRST + timedelta(days=day)}")
        for name, day in (
            *(("web_requests", 7), ("web_requests", 2)),
            *(("s3_requests", 0), ("s3_requests", 1)),
        )
    }


def any_sequence(mill: Mill, seed: int, steps: int) -> None:
    """Loads, corrections, late days and expiries, with the summaries made now and then."""
    chosen = random.Random(seed)
    kinds = [(WEB_REQUESTS, web), (VPC_FLOWS, flow), (CLOUDTRAIL_EVENTS, event), (S3_REQUESTS, s3)]
    made_of = {
        WEB_REQUESTS.name: (web_sessions.JOB, traffic_summary.JOB),
        S3_REQUESTS.name: (traffic_summary.JOB,),
        VPC_FLOWS.name: (flow_summary.JOB,),
        CLOUDTRAIL_EVENTS.name: (api_activity.JOB,),
    }
    there: set[str] = set()
    for _ in range(steps):
        # Sessions have the most to go wrong.
        dataset, make = chosen.choices(kinds, (6, 1, 1, 2))[0]
        requests = []
        for _ in range(chosen.randrange(1, 8)):
            # About midnight, and so that some follow each other over several days.
            minutes = 1440 * chosen.randrange(7) + chosen.choice([-20, -5, 0, 5, 15, 25, 50, 700])
            when = at(0, "00:00") + timedelta(minutes=minutes)
            requests += [(when, chosen.randrange(1, 3))]
            if chosen.random() < 0.2:
                requests += [(when + timedelta(minutes=25 * n), 1) for n in range(120)]
        mill.load(dataset, make, str(chosen.randrange(4)), requests)
        there.add(dataset.name)
        if chosen.random() < 0.2:
            name = chosen.choice(sorted(there))
            mill.expire(name, FIRST + timedelta(days=chosen.randrange(3)))
        for name in sorted(there):
            for job in made_of[name]:
                if chosen.random() < 0.4 and (mill.out / name).is_dir():
                    mill.see(job)


@pytest.mark.thorough
def test_any_sequence_leaves_what_would_be_made_from_scratch(mill: Mill) -> None:
    any_sequence(mill, 20261005, 4)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2))
def test_any_long_sequence_leaves_what_would_be_made_from_scratch(mill: Mill, seed: int) -> None:
    any_sequence(mill, seed, 12)
