"""Are kernels still as fast beside DuckDB as they were?

    python benchmarks/guard.py [--data FOLDER]

Each kernel reads its data and writes what a load writes, on one core and without Spark; so does the
peer's script, in the same run. What counts is the CPU time of one as a part of the other's, the
least of ROUNDS. Ends with 1 where a kernel takes more than MARGIN times what RATIOS say.
"""

import argparse
import os
import runpy
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

os.environ["POLARS_MAX_THREADS"] = "1"

import pyarrow as pa

from data import made
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.kernels import exports
from gristmill.cloud_costs.layout import Layout
from gristmill.model.dataset import Dataset
from gristmill.model.job import ParseLines
from gristmill.readers.kernels import task, web, words
from gristmill.readers.kernels.blocks import Block, lines_of
from gristmill.readers.kernels.direct import Direct
from gristmill.readers.logs.web import WEB_REQUESTS
from gristmill.readers.text.delimited import names_in

ROUNDS, MARGIN = 3, 1.3
MEGABYTES = 12
RATIOS = {"logs": 0.37, "costs": 0.61, "words": 0.56}
"""CPU time of the kernel by that of DuckDB, on the machine of `results/2026-11-29.md`."""


def _loaded(dataset: Dataset, parse: ParseLines, source: Path, target: Path) -> None:
    columns = [field.name for field in dataset.fields if field.name not in dataset.partitioned_by]
    places = (f"file://{target}/rows", f"file://{target}/rest")
    targets = task.Targets(*places, columns, dataset.partitioned_by, Direct())
    task.load(parse, lambda _line: False, _blocks(source), targets)


def _blocks(source: Path) -> list[Block]:
    return [Block(path.as_uri(), 0, path.stat().st_size) for path in sorted(source.iterdir())]


def _logs(source: Path, target: Path) -> None:
    _loaded(WEB_REQUESTS, partial(web.parse, line_format="combined"), source, target)


def _costs(source: Path, target: Path) -> None:
    with min(source.iterdir()).open() as first:
        header = first.readline().rstrip("\n")
    names = tuple(names_in(header, "the first file"))
    layout = Layout(header, ",", names, is_cur=True, export="default")
    _loaded(CHARGES, partial(exports.parse, layout=layout), source, target)


def _words(source: Path, _target: Path) -> None:
    found = (lines for block in _blocks(source) for lines in lines_of(block, Direct()))
    batches = (pa.record_batch([pa.array(lines).cast(pa.string())], ["line"]) for lines in found)
    for _ in words.counted(batches, "words"):
        pass


def _duckdb(script: str, source: Path, target: Path) -> None:
    before, sys.argv = sys.argv, [script, str(source), str(target), "1"]
    try:
        runpy.run_path(str(Path(__file__).parent / "peers" / script))
    finally:
        sys.argv = before


def _seconds(work: Callable[[Path, Path], None], source: Path) -> float:
    scratch = Path(mkdtemp(prefix="gristmill-guard-"))
    began = time.process_time()
    work(source, scratch / "out")
    seconds = time.process_time() - began
    shutil.rmtree(scratch)
    return seconds


def ratios(data: Path) -> Mapping[str, float]:
    """What each kernel takes by what DuckDB takes."""
    found = {}
    for name, kernel in (("logs", _logs), ("costs", _costs), ("words", _words)):
        source = made(name, data.absolute(), MEGABYTES)
        peer = partial(_duckdb, f"{name}_duckdb.py")
        pairs = [(_seconds(kernel, source), _seconds(peer, source)) for _ in range(ROUNDS)]
        found[name] = min(one for one, _ in pairs) / min(other for _, other in pairs)
    return found


def main() -> int:
    """Measure, tell, and judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("/tmp/gristmill-bench"))
    is_slow = False
    for name, ratio in ratios(parser.parse_args().data).items():
        bad = ratio > RATIOS[name] * MARGIN
        is_slow |= bad
        verdict = "slower than it was" if bad else "as fast as it was, or faster"
        print(f"{name}: {ratio:.2f} of DuckDB's CPU time, was {RATIOS[name]:.2f}: {verdict}")
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
