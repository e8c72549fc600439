"""Readers of tables of Iceberg, while every file is replaced again and again.

    python -m tests.crash.table_race FOLDER READER READS [FILES] [PAUSE]

READER is `pyiceberg`; `duckdb`, with its own reader of Iceberg; or `spark`, with Iceberg's runtime.
Prints how often it found what: all of an old generation or all of the newest; anything else is
`mixed`, `torn` or `failed`. DuckDB 1.4 is fetched once into FOLDER, with the extensions that PyPI
has for it; Iceberg's runtime as by `make iceberg`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pyiceberg.table import StaticTable

from gristmill.publish.log import Log
from gristmill.storage.local import LocalStorage
from tests.crash.worker import PARTITIONS, ROWS
from tests.support.process import ROOT

Rows = list[tuple[str, int, int]]
"""How many rows a shop has of a generation."""
Reads = Callable[[], Rows]

_QUERY = "SELECT shop, generation, count(*) FROM {} GROUP BY ALL"


def pyiceberg_reader(table: Path) -> Reads:
    """By its folder, as it leads to the newest state."""
    metadata = table / "metadata"

    def read() -> Rows:
        number = (metadata / "version-hint.text").read_text()
        found = StaticTable.from_metadata(str(metadata / f"v{number}.metadata.json"))
        counted = found.scan(selected_fields=("shop", "generation")).to_arrow()
        counted = counted.group_by(["shop", "generation"]).aggregate([([], "count_all")])
        return [(one["shop"], one["generation"], one["count_all"]) for one in counted.to_pylist()]

    return read


def spark_reader(table: Path) -> Reads:
    """By Iceberg's own runtime."""
    from pyspark.sql import SparkSession  # noqa: PLC0415

    from gristmill.spark.iceberg import JARS  # noqa: PLC0415

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    jars = ":".join(map(str, JARS.folder().iterdir()))
    session = builder.config("spark.driver.extraClassPath", jars).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")

    def read() -> Rows:
        frame = session.read.format("iceberg").load(str(table))
        frame.createOrReplaceTempView("stock")
        return [tuple(row) for row in session.sql(_QUERY.format("stock")).collect()]

    return read


def duckdb_reader(table: Path, packages: Path) -> Reads:
    """By DuckDB's own, in a process of its own: 1.4 is the newest that PyPI has extensions for."""
    if not packages.exists():
        names = ("duckdb==1.4.4", "duckdb-ext-iceberg==1.4.4.*", "duckdb-ext-avro==1.4.4.*")
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target"]
        uv = ROOT / ".uv" / "bin" / "uv"
        command = [str(uv) if uv.exists() else "uv", *command[3:]]
        subprocess.run([*command, str(packages), *names], check=True)
    script = (
        "import sys, json, glob; sys.path.insert(0, sys.argv[1]); import duckdb\n"
        "c = duckdb.connect(config={'allow_unsigned_extensions': 'true'})\n"
        "c.execute('SET enable_progress_bar = false')\n"
        "for name in ('avro', 'iceberg'):\n"
        "    (path,) = glob.glob(f'{sys.argv[1]}/**/{name}.duckdb_extension', recursive=True)\n"
        "    c.execute(f\"LOAD '{path}'\")\n"
        "for _ in sys.stdin:\n"
        "    try:\n"
        "        told = c.execute(sys.argv[2]).fetchall()\n"
        "    except duckdb.Error as error:\n"
        "        told = str(error)\n"
        "    print(json.dumps(told), flush=True)\n"
    )
    query = _QUERY.format(f"iceberg_scan('{table}')")
    child = subprocess.Popen(  # ends with this process, whose pipe it reads
        [sys.executable, "-c", script, str(packages), query],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def read() -> Rows:
        assert child.stdin
        assert child.stdout
        child.stdin.write("\n")
        child.stdin.flush()
        told = json.loads(child.stdout.readline())
        if isinstance(told, str):
            raise OSError(told)
        return [tuple(row) for row in told]

    return read


def classify(found: Rows, files: int, before: int) -> str:
    """What a reader found that began when generation `before` was the newest in its table."""
    generations = {generation for _, generation, _ in found}
    if len(generations) > 1:
        return "mixed"
    whole = [rows for _, _, rows in found if rows == files * ROWS]
    if len(whole) != PARTITIONS or len(found) != PARTITIONS:
        return "torn"
    return "old" if generations.pop() < before else "new"


def race(
    reader: Callable[[Path], Reads], folder: Path, reads: int, files: int = 4, pause: float = 0
) -> tuple[Counter[str], list[float]]:
    """How often a reader found what, and how many milliseconds each publish took."""
    counts: Counter[str] = Counter()
    log = Log(LocalStorage(str(folder)))
    told = [sys.executable, "-m", "tests.crash.worker", "generations", str(folder), str(files)]
    writer = subprocess.Popen(
        [*told, str(pause), "iceberg"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert writer.stdout
        writer.stdout.readline()
        read = reader(folder / "stock")
        for _ in range(reads):
            before = log.head()
            try:
                counts[classify(read(), files, before)] += 1
            except Exception as error:
                if not counts["failed"]:
                    print(f"failed: {error}", file=sys.stderr)
                counts["failed"] += 1
        out, _ = writer.communicate("enough\n", timeout=60)
    finally:
        writer.kill()
    assert writer.returncode == 0
    return counts, json.loads(out)["took"]


def main() -> None:
    """Print what a reader found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("reader", choices=("pyiceberg", "duckdb", "spark"))
    parser.add_argument("reads", type=int)
    parser.add_argument("files", type=int, nargs="?", default=4)
    parser.add_argument("pause", type=float, nargs="?", default=0)
    told = parser.parse_args()
    folder, name, reads = told.folder, told.reader, told.reads
    folder.mkdir(parents=True, exist_ok=True)
    readers = {
        "pyiceberg": pyiceberg_reader,
        "spark": spark_reader,
        "duckdb": lambda table: duckdb_reader(table, folder / "duckdb-1.4"),
    }
    began = time.monotonic()
    output = folder / f"out-{name}-{time.time():.0f}"
    counts, took = race(readers[name], output, reads, told.files, told.pause)
    seconds = time.monotonic() - began
    print(f"{name}: {dict(counts)} of {reads} reads, {len(took)} publishes, {seconds:.0f} s")


if __name__ == "__main__":
    main()
