"""How long does a summary of 30 days take where one of them has changed, beside all of them?

    python benchmarks/incremental.py FOLDER [LINES]

Loads 30 days of LINES web requests each (default 100,000), makes the summaries, loads a few late
lines of one day, and makes them again: what has changed, and everything. Prints seconds and ratios,
the median of three. Results: docs/publishing.md.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from gristmill.engine.run import Run, execute
from gristmill.jobs import access_logs, traffic_summary, web_sessions
from gristmill.model.job import AnyJob, Request
from gristmill.spark.session import session, use_java

_DAYS = 30
_FIRST = date(2026, 9, 1)


def lines(day: date, count: int) -> Iterator[str]:
    """Requests of a day by a thousand clients, evenly spread over the hours from 8 to 20."""
    for number in range(count):
        clock = time.strftime("%H:%M:%S", time.gmtime(28_800 + number * 43_200 // count))
        client = f"192.0.{number % 1000 // 250}.{number % 250}"
        request = f"GET /products/{number % 5000} HTTP/1.1"
        yield f'{client} - - [{day:%d/%b/%Y}:{clock} +0000] "{request}" 200 {number % 9999}\n'


def run(spark: SparkSession, job: AnyJob, source: Path, out: Path, *, full: bool = False) -> float:
    """Run a job; gives the seconds that it took."""
    began = time.perf_counter()
    request = Request((str(source),), str(out), job.options(), full=full)
    execute(spark, job, request, Run.new(), lambda _text: None)
    return time.perf_counter() - began


def measure(folder: Path, count: int) -> Iterator[str]:
    """A line for each job."""
    use_java()
    spark = session("incremental")
    out, logs = folder / "out", folder / "logs"
    logs.mkdir(parents=True)
    for number in range(_DAYS):
        day = _FIRST + timedelta(days=number)
        (logs / f"{day}.log").write_text("".join(lines(day, count)))
    run(spark, access_logs.JOB, logs, out)
    for job in (traffic_summary.JOB, web_sessions.JOB):
        run(spark, job, out, out)
        taken: dict[bool, list[float]] = {True: [], False: []}
        for number in range(3):
            late = folder / f"late-{job.name}-{number}.log"
            late.write_text("".join(lines(_FIRST + timedelta(days=14), 50)))
            run(spark, access_logs.JOB, late, out)
            taken[False].append(run(spark, job, out, out))
            taken[True].append(run(spark, job, out, out, full=True))
        part, whole = (statistics.median(taken[full]) for full in (False, True))
        yield f"{job.name}: all {whole:.1f} s, what has changed {part:.1f} s: {part / whole:.0%}"
    spark.stop()


if __name__ == "__main__":
    for line in measure(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 100_000):
        print(line)
