"""Loading by kernels leaves what loading by expressions does: rows, rejects, their places."""

import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.errors import AuditError, SchemaError
from gristmill.jobs.access_logs import JOB, AccessLogOptions
from gristmill.model.checks import Check
from gristmill.model.dataset import Dataset, Field
from gristmill.model.job import Job
from gristmill.model.report import Report
from gristmill.readers import kernels
from gristmill.readers.kernels import shares, task
from gristmill.readers.kernels import web as kernels_web
from gristmill.readers.logs.reader import LogReader
from gristmill.sample import write_samples
from gristmill.sample.aws import FEEDS, write_feed
from gristmill.spark import settings
from tests.conftest import RunJob
from tests.support.log_lines import HEAD, broken, shifted

GOOD = f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"'
Rows = list[tuple[Any, ...]]


def lines(seed: int, count: int) -> list[bytes]:
    """Lines of which one in three is broken somehow, of three days."""
    rng = random.Random(seed)
    whole = [
        GOOD.replace("[10/", f"[{10 + number % 3}/").replace("/a ", f"/{number}?q={number} ")
        for number in range(count)
    ]
    return [
        (rng.choice((broken, shifted))(line, rng) if rng.random() < 0.3 else line).encode()
        for line in whole
    ]


def write_odd_files(folder: Path) -> None:
    """Files of all kinds: their names, their ends of lines, what their bytes are."""
    folder.mkdir()
    some = lines(1, 300)
    (folder / "plain.log").write_bytes(b"\n".join(some) + b"\n")
    (folder / "no end.log").write_bytes(b"\n".join(some[:50]))
    (folder / "a%20b[1].log").write_bytes(b"\r\n".join(lines(2, 100)) + b"\r\n")
    (folder / "marked.log").write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines(3, 20)) + b"\n\n\n")
    (folder / "not-utf-8.log").write_bytes(
        b"\n".join(line.replace(b"UA", b"U\xe9\xff\xe2\x82A") for line in lines(4, 20)) + b"\n"
    )
    (folder / "nul.log").write_bytes(b"\0" * 100 + b"\n".join(lines(5, 20)) + b"\n")
    (folder / "empty.log").write_bytes(b"")
    (folder / "packed.log.gz").write_bytes(
        gzip.compress(b"\n".join(lines(6, 200)) + b"\n") + gzip.compress(b"\n".join(lines(7, 50)))
    )


def counts(report: Report) -> tuple[Any, ...]:
    """What a report counts."""
    rows = {dataset.name: dataset.rows for dataset in report.datasets}
    return report.lines, report.rejected, report.rejects, rows


def by_kernels(output: Path) -> int:
    """How many of the rows in an output, not rejects, were written by kernels."""
    files = list(output.glob("[a-z]*/date=*/*.parquet"))
    footers = [pq.read_metadata(file) for file in files]
    return sum(one.num_rows for one in footers if not one.created_by.startswith("parquet-mr"))


@pytest.fixture
def both(
    run_job: RunJob, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Report, int]]:
    """Load an input both ways, and hold the outputs against each other; gives the report and how
    many rows the kernels wrote."""

    def table(name: str, dataset: str) -> Rows:
        folder = tmp_path / name / dataset
        found = spark.read.parquet(str(folder)) if folder.exists() else None
        return sorted((tuple(map(str, row)) for row in found.collect()), key=str) if found else []

    def run(*inputs: Path, **options: Any) -> tuple[Report, int]:
        reports = {}
        for name, switch in (("expressions", "0"), ("kernels", "1")):
            monkeypatch.setenv(kernels.SWITCH, switch)
            reports[name] = run_job(
                JOB,
                *inputs,
                options=AccessLogOptions(**options),
                output=tmp_path / name,
                max_reject_rate=1.0,
            )
        assert by_kernels(tmp_path / "expressions") == 0
        for dataset in (*(one.name for one in JOB.writes), "rejects"):
            assert table("kernels", dataset) == table("expressions", dataset)
        one, other = map(counts, (reports["kernels"], reports["expressions"]))
        assert one == other
        return reports["kernels"], by_kernels(tmp_path / "kernels")

    return run


@pytest.mark.parametrize(
    ("block", "small"),
    [
        (1000, 0),
        pytest.param(32 * 1024 * 1024, kernels.SMALL, marks=pytest.mark.thorough),
        *(pytest.param(block, 0, marks=pytest.mark.thorough) for block in (93, 94, 257, 5000)),
    ],
)
def test_whatever_the_files_hold_it_comes_out_the_same(
    both: Callable[..., tuple[Report, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    small: int,
) -> None:
    monkeypatch.setitem(settings.RUN, "spark.sql.files.maxPartitionBytes", str(block))
    monkeypatch.setattr(kernels, "SMALL", small)
    write_odd_files(tmp_path / "in")
    report, rows = both(tmp_path / "in", format="web")
    assert 400 < rows < (report.datasets[0].rows or 0)
    assert (report.rejected or 0) > 50


def test_the_sample_comes_out_the_same(
    both: Callable[..., tuple[Report, int]], tmp_path: Path
) -> None:
    write_samples(tmp_path / "sample")
    report, rows = both(tmp_path / "sample" / "logs")
    assert rows == report.datasets[0].rows == (report.lines or 0) - (report.rejected or 0)
    assert report.rejected


LONGER = ("alb", "cloudfront")
V2 = "2 111122223333 eni-0a1b2c3d 192.0.2.16 198.51.100.21 20641 22 6 20 4249 1772582399 1772582459"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "other",
    [
        HEADER,
        HEADER.replace("action log-status", "log-status action"),
    ],
)
def test_flow_logs_come_out_the_same(
    both: Callable[..., tuple[Report, int]], tmp_path: Path, other: str
) -> None:
    rng = random.Random(9)
    for number, header in enumerate((HEADER, other)):
        record = f"{V2} ACCEPT OK" if header == HEADER else f"{V2} OK ACCEPT"
        records = [broken(record, rng) for _ in range(200)]
        text = "\n".join([header, *[record] * 20, *records])
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{number}.log.gz").write_bytes(gzip.compress(text.encode()))
    report, rows = both(tmp_path / "in", format="vpc_flow")
    assert report.skipped == 2
    assert rows > 40


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["s3_access", *(pytest.param(n, marks=pytest.mark.thorough) for n in LONGER)]
)
def test_logs_of_aws_come_out_the_same(
    both: Callable[..., tuple[Report, int]], tmp_path: Path, name: str
) -> None:
    feed = next(feed for feed in FEEDS if feed.name == name)
    write_feed(tmp_path / "in", feed, 1, 1500)
    rng = random.Random(10)
    first = min((tmp_path / "in").iterdir())
    data = gzip.decompress(first.read_bytes()) if feed.file.endswith(".gz") else first.read_bytes()
    some = [broken(line, rng) for line in data.decode().splitlines()[:100]]
    (tmp_path / "in" / "broken.log").write_text("\n".join(some))
    report, rows = both(tmp_path / "in", format=name)
    assert report.datasets[0].rows is not None
    assert report.datasets[0].rows * 0.8 < rows < (report.lines or 0)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "tail",
    [
        b"no gzip",
        *(pytest.param(t, marks=pytest.mark.thorough) for t in (b"\0" * 512, b"\x1f", b"\x1f\x8b")),
    ],
)
def test_what_stands_behind_packed_lines_makes_no_difference(
    both: Callable[..., tuple[Report, int]], tmp_path: Path, tail: bytes
) -> None:
    (tmp_path / "b.log").write_text(f"{GOOD}\n")
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(f"{GOOD}\n".encode() * 10) + tail)
    report, rows = both(tmp_path / "a.log.gz", tmp_path / "b.log", format="combined")
    # Of a file that is damaged, what may be read is found out by Java, and read by it.
    assert (report.rejects, rows) == ({"truncated_file": 1}, 0)


def test_where_nothing_is_left_nothing_is_rejected(
    both: Callable[..., tuple[Report, int]], tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    report, rows = both(tmp_path / "a.log")
    assert (report.lines, report.rejected, rows) == (10, 0, 10)


@pytest.mark.thorough
def test_where_files_would_be_many_and_small_spark_writes_them(
    both: Callable[..., tuple[Report, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.RUN, "spark.sql.files.maxPartitionBytes", "2000")
    monkeypatch.setattr(kernels, "SMALL", 0)
    monkeypatch.setattr(shares, "MOST", 2000)
    (tmp_path / "a.log").write_bytes(b"\n".join(lines(8, 300)) + b"\n")
    report, rows = both(tmp_path / "a.log")
    assert rows == 0
    assert report.datasets[0].files == report.datasets[0].partitions == 3


@pytest.mark.parametrize("others", ["", "no request\n"])
def test_a_line_that_gets_lost_publishes_nothing(
    run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    add, parse = task._Rest.add, kernels_web.parse

    def no_more_than_the_first(rest: task._Rest, batch: Any, _rows: Any) -> None:
        add(rest, batch, pl.Series(range(bool(others), len(batch.lines)), dtype=pl.UInt32))

    monkeypatch.setattr(task._Rest, "add", no_more_than_the_first)
    monkeypatch.setattr(kernels_web, "parse", lambda *given: parse(*given).head(-1))
    (tmp_path / "a.log").write_text(others + f"{GOOD}\n" * 10)
    with pytest.raises(AuditError, match="lines were read"):
        run_job(JOB, tmp_path / "a.log", options=AccessLogOptions(format="combined"))
    assert not list((tmp_path / "out").glob("web_requests/*"))


def test_a_load_again_takes_the_place_of_the_first(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    for _ in range(2):
        run_job(JOB, tmp_path / "a.log")
    assert by_kernels(tmp_path / "out") == 10


@pytest.mark.parametrize("way", ["off", "missing"])
def test_without_kernels_it_says_so_where_it_matters(
    run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "off":
        monkeypatch.setenv(kernels.SWITCH, "0")
    else:
        monkeypatch.setattr(kernels, "find_spec", lambda _name: None)
    monkeypatch.setattr(kernels, "SMALL", 0)
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    report = run_job(JOB, tmp_path / "a.log")
    assert (report.lines, by_kernels(tmp_path / "out")) == (10, 0)
    told = [note for note in report.notes if "polars" in note]
    assert len(told) == (way == "missing")


DAYS = Dataset(
    name="days",
    help="",
    fields=(Field("status", "int", ""), Field("date", "date", "")),
    partitioned_by=("date",),
    write_mode="batch",
)
LOAD = Job(
    name="load",
    help="",
    options=AccessLogOptions,
    reads=LogReader(),
    writes=(DAYS,),
    transform=lambda rows, _options: {"days": rows},
)


def changed(dataset: Dataset = DAYS, **changes: Any) -> Job[AccessLogOptions]:
    return replace(LOAD, writes=(dataset,), **changes)


@pytest.mark.parametrize(
    ("job", "is_by_kernels"),
    [
        (LOAD, True),
        (changed(transform=lambda rows, _options: {"days": rows.where("status > 0")}), False),
        (changed(checks=(Check("positive", lambda: F.col("status") > 0),)), False),
        (changed(replace(DAYS, sorted_by=("status",))), False),
        (changed(replace(DAYS, fields=(*DAYS.fields, Field("_raw", "string", "")))), False),
    ],
)
def test_a_job_that_does_more_than_pass_on_goes_the_other_way(
    run_job: RunJob, tmp_path: Path, job: Job[AccessLogOptions], is_by_kernels: bool
) -> None:
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    report = run_job(job, tmp_path / "a.log")
    assert report.datasets[0].rows == 10
    (file,) = (tmp_path / "out" / "days").glob("*/*.parquet")
    assert pq.read_metadata(file).created_by.startswith("parquet-mr") != is_by_kernels


def test_a_column_of_another_type_is_told_as_ever(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"{GOOD}\n" * 10)
    fields = (Field("status", "bigint", ""), Field("date", "date", ""))
    with pytest.raises(SchemaError, match="status is int, not bigint"):
        run_job(changed(replace(DAYS, fields=fields)), tmp_path / "a.log")
