"""Gristmill beside its peers: whole processes, in turn, several times, outputs compared.

    python benchmarks/bench.py [--rounds N] [--data FOLDER] [--megabytes N] [--out FILE] [WORK…]

Works are `logs` (access logs to typed Parquet by day), `words` (word count), `costs` (a report of
AWS's to charges), `small` (logs in files of 20 kB) and `tiny` (a second word count of a few kB).
Each contender gets all cores. A time counts
only where the output is that of the first contender; one that differs is shown, and marked. Prints,
and writes to --out, medians with least and most, and ratios to the first.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

import duckdb

from data import made

HERE = Path(__file__).parent
CORES = str(os.cpu_count())
_TEXTS = ("method", "path", "query", "protocol", "referer", "user_agent", '"user"')
_LOGS = "count(*), count(distinct client), sum(status), sum(bytes), epoch_us(min(timestamp))"
_LOGS += "".join(f", sum(hash({name}))" for name in _TEXTS)
_COSTS = "count(*), epoch_us(min(charge_period_start)), sum(len(map_keys(tags)))"
_COSTS += "".join(
    f", sum({name}_cost)" for name in ("billed", "effective", "list", "contracted", "x_blended")
)
_NAMED = ("charge_category", "service_name", "resource_id", "sub_account_id", "consumed_unit")
_COSTS += "".join(f", sum(hash({name}))" for name in (*_NAMED, "commitment_discount_id"))
_WORDS = "count(*), sum(count), sum(hash(word)::hugeint * count)"


@dataclass(frozen=True)
class Contender:
    """Who does a work: a command, in which {source}, {target} and {cores} are filled in."""

    name: str
    command: Sequence[str]
    output: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """What is to be done: its data, and what has to come out alike."""

    data: str
    facts: str
    contenders: Sequence[Contender]
    fixed_megabytes: int | None = None


def _ours(name: str, job: str, output: str, **environment: str) -> Contender:
    command = [str(Path(sys.executable).with_name("gristmill")), "run", *job.split()]
    command += ["--input", "{source}", "--output", "{target}", "--quiet"]
    return Contender(name, command, output, {"GRISTMILL_WARM": "0", **environment})


def _peer(name: str, script: str, output: str = "{target}/**/*.parquet") -> Contender:
    command = [sys.executable, str(HERE / "peers" / script), "{source}", "{target}", "{cores}"]
    return Contender(name, command, output)


_REQUESTS = "{target}/web_requests/*/*.parquet"
_COUNTS = "{target}/word_counts/*/*.parquet"
_LOADS = (
    _ours("gristmill, Spark is warm", "access-logs", _REQUESTS, GRISTMILL_WARM="1"),
    _ours("gristmill", "access-logs", _REQUESTS),
    _ours("gristmill without kernels", "access-logs", _REQUESTS, GRISTMILL_KERNELS="0"),
    _peer("DuckDB, one regular expression", "logs_duckdb.py"),
    _peer("DuckDB, CSV reader", "logs_duckdb_csv.py"),
    _peer("PySpark", "logs_pyspark.py"),
)
_COUNTED = (
    _ours("gristmill, Spark is warm", "word-count", _COUNTS, GRISTMILL_WARM="1"),
    _ours("gristmill", "word-count", _COUNTS),
    _ours("gristmill without kernels", "word-count", _COUNTS, GRISTMILL_KERNELS="0"),
    _peer("DuckDB", "words_duckdb.py", "{target}"),
    _peer("Polars", "words_polars.py", "{target}"),
    _peer("PySpark", "words_pyspark.py", "{target}/*.parquet"),
)
_CHARGES = "{target}/charges/*/*/*.parquet"
_CHARGED = (
    _ours("gristmill, Spark is warm", "billing-charges", _CHARGES, GRISTMILL_WARM="1"),
    _ours("gristmill", "billing-charges", _CHARGES),
    _ours("gristmill without kernels", "billing-charges", _CHARGES, GRISTMILL_KERNELS="0"),
    _peer("DuckDB", "costs_duckdb.py"),
    _peer("PySpark", "costs_pyspark.py"),
)
WORKS = {
    "logs": Work("logs", _LOGS, _LOADS),
    "words": Work("words", _WORDS, _COUNTED),
    "costs": Work("costs", _COSTS, _CHARGED),
    "small": Work("small", _LOGS, _LOADS, fixed_megabytes=40),
    "tiny": Work("words", _WORDS, _COUNTED, fixed_megabytes=1),
}


@dataclass(frozen=True)
class Measured:
    """A run: seconds on the clock and of CPU, the most memory of all its processes, in bytes."""

    seconds: float
    cpu: float
    memory: int


def run(contender: Contender, source: Path, target: Path) -> Measured:
    """Do a work once. Raises where it fails."""
    places = {"source": str(source), "target": str(target), "cores": CORES}
    command = [part.format(**places) for part in contender.command]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **contender.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    usage = _Usage()
    watcher = threading.Thread(target=_watch, args=(process, usage))
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - began
    watcher.join()
    if code:
        raise SystemExit(f"{contender.name}: {' '.join(command)} ended with {code}")
    return Measured(seconds, sum(usage.cpu.values()), usage.memory)


@dataclass
class _Usage:
    """Seconds of CPU by process, as they were last seen, and the most memory of all at once."""

    cpu: dict[int, float] = field(default_factory=dict)
    memory: int = 0


def _watch(process: subprocess.Popen[bytes], usage: _Usage) -> None:
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    while process.poll() is None:
        parents, sizes, seconds = {}, {}, {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(status.parent.name)
            parents[pid], sizes[pid] = int(fields[1]), int(fields[21]) * page
            seconds[pid] = (int(fields[11]) + int(fields[12])) / tick
        own = {process.pid}
        while grown := {pid for pid, parent in parents.items() if parent in own} - own:
            own |= grown
        usage.memory = max(usage.memory, sum(sizes.get(pid, 0) for pid in own))
        usage.cpu |= {pid: seconds[pid] for pid in own if pid in seconds}
        time.sleep(0.2)


def facts(work: Work, contender: Contender, target: Path) -> tuple[object, ...]:
    """What is the same where outputs are."""
    files = contender.output.format(target=target)
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    found = db.execute(f"select {work.facts} from read_parquet('{files}')").fetchone()
    return found or ()


def compare(work: Work, source: Path, rounds: int, chosen: Sequence[str]) -> list[str]:
    """Run all contenders in turn, and give a table in Markdown."""
    contenders = [one for one in work.contenders if not chosen or one.name in chosen]
    runs: dict[str, list[Measured]] = {one.name: [] for one in contenders}
    found: dict[str, tuple[object, ...]] = {}
    for number in range(rounds):
        for contender in contenders:
            scratch = Path(mkdtemp(prefix="gristmill-bench-"))
            measured = run(contender, source, scratch / "out")
            if number == 0 and contender.environment.get("GRISTMILL_WARM") == "1":
                # The first run is what leaves it warm.
                shutil.rmtree(scratch / "out")
                measured = run(contender, source, scratch / "out")
            runs[contender.name].append(measured)
            found[contender.name] = facts(work, contender, scratch / "out")
            shutil.rmtree(scratch)
            print(f"  {contender.name}: {measured.seconds:.1f} s", flush=True)
    first = contenders[0].name
    base = median(one.seconds for one in runs[first])
    lines = [
        "| | seconds: median (least to most) | ratio | CPU s | memory | |",
        "|---|---|---|---|---|---|",
    ]
    for name, several in runs.items():
        seconds = [one.seconds for one in several]
        is_warm = "warm" in name
        cpu = "" if is_warm else f"{median(one.cpu for one in several):.1f}"
        memory = "" if is_warm else f"{max(one.memory for one in several) / 1e9:.1f} GB"
        same = "" if found[name] == found[first] else "other output"
        spread = f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        lines.append(
            f"| {name} | {spread} | {median(seconds) / base:.2f} | {cpu} | {memory} | {same} |"
        )
    return lines


def _machine() -> str:
    names = ("pyspark", "duckdb", "polars", "pyarrow")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{CORES} cores, {memory:.0f} GB, Python {platform.python_version()}, {versions}"


def main() -> None:
    """Run the benchmarks that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("works", nargs="*", default=list(WORKS), metavar="WORK")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--data", type=Path, default=Path("/tmp/gristmill-bench"))
    parser.add_argument("--only", action="append", default=[], help="a contender; may be repeated")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    told = [f"{time.strftime('%Y-%m-%d')}: {_machine()}; {given.rounds} rounds.", ""]
    for name in given.works:
        work = WORKS[name]
        source = made(work.data, given.data, work.fixed_megabytes or given.megabytes)
        megabytes = sum(path.stat().st_size for path in source.iterdir()) / 1e6
        told += [f"## {name}: {megabytes:,.0f} MB in {len(list(source.iterdir())):,} files", ""]
        told += [*compare(work, source, given.rounds, given.only), ""]
    subprocess.run([str(Path(sys.executable).with_name("gristmill")), "warm", "stop"], check=False)
    text = "\n".join(told)
    print(text)
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
