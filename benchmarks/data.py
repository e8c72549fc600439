"""Data for the benchmarks, of any size, the same at every run.

    python benchmarks/data.py logs|words|small|costs FOLDER MEGABYTES

`logs` are combined logs of web servers as `gristmill sample` makes them, in eight files: one line
in a thousand is broken, one in six has escaped quotes. `small` are the same lines in files of
20 kB. `words` is a text whose 150,000 words occur by Zipf's law, with capitals, apostrophes, marks.
`costs` are a month of AWS's Cost and Usage Report as `gristmill sample` makes it, in eight files.
"""

import gzip
import shutil
import sys
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from gristmill.sample.billing import write_billing
from gristmill.sample.logs import write_logs

_FILES = 8
_LINE_BYTES = 188  # of a log, on average
_COST_BYTES = 382  # of a line item, on average
_COSTS_MADE = 64  # megabytes
_SMALL_LINES = 107
_LETTERS = "etaoinshrdlucmfwypvbgkqjxz"
_WORDS, _AT_ONCE = 150_000, 100_000
_BETWEEN = (*[" "] * 20, ", ", ". ", " — ", "; ", "\n", "\n")


def logs(folder: Path, megabytes: int) -> None:
    """Eight files of log lines."""
    with TemporaryDirectory() as scratch:
        each = megabytes * 1_000_000 // _LINE_BYTES // _FILES
        for number in range(_FILES):
            paths = write_logs(Path(scratch) / str(number), seed=number, requests=each)
            with (folder / f"access-{number}.log").open("wb") as out:
                for path in paths:
                    data = path.read_bytes()
                    out.write(gzip.decompress(data) if path.suffix == ".gz" else data)


def small(folder: Path, megabytes: int) -> None:
    """Many files of some twenty thousand bytes each."""
    with TemporaryDirectory() as scratch:
        logs(Path(scratch), megabytes)
        for path in sorted(Path(scratch).iterdir()):
            lines = iter(path.read_bytes().splitlines(keepends=True))
            for number, some in enumerate(_in_parts(lines)):
                (folder / f"{path.stem}-{number:05d}.log").write_bytes(b"".join(some))


def _in_parts(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(islice(lines, _SMALL_LINES)):
        yield some


def words(folder: Path, megabytes: int) -> None:
    """Eight files of text."""
    rng = Random(1)
    vocabulary = ["".join(rng.choices(_LETTERS, k=rng.randint(2, 11))) for _ in range(_WORDS)]
    vocabulary = [_varied(word, place) for place, word in enumerate(vocabulary)]
    weights = list(accumulate(1 / (place + 3) for place in range(_WORDS)))
    for number in range(_FILES):
        with (folder / f"text-{number}.txt").open("w", encoding="utf-8", newline="\n") as out:
            while out.tell() < megabytes * 1_000_000 // _FILES:
                drawn = rng.choices(vocabulary, cum_weights=weights, k=_AT_ONCE)
                between = rng.choices(_BETWEEN, k=_AT_ONCE)
                out.write(
                    "".join(part for pair in zip(drawn, between, strict=True) for part in pair)
                )
            out.write("\n")


def _varied(word: str, place: int) -> str:
    word = word.capitalize() if place % 11 == 0 else word
    return word + ("'s" if place % 37 == 0 else "") + ("é" if place % 97 == 0 else "")


def costs(folder: Path, megabytes: int) -> None:
    """Eight files of line items of one month; beyond 64 MB they are the same ones, of others of the
    company's resources."""
    times = -(-megabytes // _COSTS_MADE)
    each = megabytes * 1_000_000 // _COST_BYTES // (_FILES // 2) // times
    for seed in range(_FILES // 2):
        with TemporaryDirectory() as scratch:
            # Half of the usage is that of the first month, whose report was delivered once.
            paths = write_billing(Path(scratch), seed=seed, usage=each * 2)
            found = [path for path in paths if "/cur/" in str(path) and "20260801-" in str(path)]
            for part, path in enumerate(path for path in found if path.suffix == ".gz"):
                header, _, lines = gzip.decompress(path.read_bytes()).partition(b"\n")
                with (folder / f"costs-{seed}-{part}.csv").open("wb") as out:
                    out.write(header + b"\n")
                    for copy in range(times):
                        out.write(lines.replace(b",r-", b",r%d-" % copy))


KINDS = {"logs": logs, "small": small, "words": words, "costs": costs}


def made(kind: str, root: Path, megabytes: int) -> Path:
    """The folder below `root` with such data, made if it is not there."""
    folder = root / f"{kind}-{megabytes}"
    if not folder.exists():
        unfinished = root / f".{folder.name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        KINDS[kind](unfinished, megabytes)
        unfinished.rename(folder)
    return folder


if __name__ == "__main__":
    kind, root, megabytes = sys.argv[1:]
    print(made(kind, Path(root), int(megabytes)))
