"""Access logs in the combined format, as Apache and nginx write them, of three days in October.

The clock is two hours ahead of UTC, so that the first two hours belong to the day before in UTC.
One line in a thousand is malformed, each in one of the ways of `_FAULTS`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from gzip import GzipFile
from io import TextIOWrapper
from itertools import accumulate, islice, pairwise
from pathlib import Path
from random import Random
from typing import TextIO

from gristmill.sample.draw import below
from gristmill.sample.shop import Request, Shop

START = datetime(2026, 10, 5)
_NAMES = ("access-2026-10-05.log", "access-2026-10-06.log", "access-2026-10-07.log.gz")
_MINUTES = 24 * 60  # of a day

# How much goes on in each hour of the day: least at four in the morning, most at eight at night.
_HOURS = (16, 9, 6, 4, 4, 7, 14, 26, 40, 50, 56, 60, 64, 60, 55, 54, 56, 62, 70, 78, 80, 68, 46, 28)

_LINES_PER_FAULT = 1000


def _unclosed(line: str) -> str:
    """Cut off in the middle of the user agent, as when the disk is full."""
    agent = line.rindex('" "') + len('" "')
    return line[: (agent + len(line)) // 2]


def _bad_date(line: str) -> str:
    """In a month that there is not."""
    return re.sub(r"\[\d\d/Oct/", "[31/Foo/", line, count=1)


def _bad_status(line: str) -> str:
    """With a status that is no number."""
    return re.sub(r'" \d{3} ', '" 2x0 ', line, count=1)


def _error_message(line: str) -> str:
    """A line that belongs in the error log."""
    client = line.split(" ", 1)[0]
    return f"[error] 4242#0: *917 upstream timed out while reading header, client: {client}"


def _empty(_: str) -> str:
    """With nothing on it."""
    return ""


_FAULTS: tuple[Callable[[str], str], ...] = (
    _unclosed,
    _bad_date,
    _bad_status,
    _error_message,
    _empty,
)


def write_logs(folder: Path, *, seed: int, requests: int) -> list[Path]:
    """Write one file a day to `folder`, `requests` lines over all; return the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(f"{seed}/logs")
    counts = per_minute(rng, requests)
    whole = (_combined(*found) for found in requests_of(rng, counts))
    lines = with_faults(rng, whole, _FAULTS, _LINES_PER_FAULT)
    paths = [folder / name for name in _NAMES]
    for day, path in enumerate(paths):
        today = sum(counts[day * _MINUTES : (day + 1) * _MINUTES])
        with open_text(path) as out:
            out.writelines(f"{line}\n" for line in islice(lines, today))
    return paths


def per_minute(rng: Random, requests: int) -> list[int]:
    """The number of requests in each minute, `requests` in all."""
    weights = [
        _HOURS[minute // 60 % 24] * (50 + below(rng, 100))
        for minute in range(len(_NAMES) * _MINUTES)
    ]
    total = sum(weights)
    # In whole numbers, so that the last bound is `requests` exactly.
    bounds = [0, *(requests * part // total for part in accumulate(weights))]
    return [bound - before for before, bound in pairwise(bounds)]


def requests_of(rng: Random, counts: Sequence[int]) -> Iterator[tuple[Request, datetime]]:
    """Requests in order of time, so many a minute; only those of one minute are in memory."""
    shop = Shop(rng, at_once=max(6, sum(counts) // 1000))
    for minute, count in enumerate(counts):
        for second in sorted(below(rng, 60) for _ in range(count)):
            yield shop.request(), START + timedelta(minutes=minute, seconds=second)


def _combined(request: Request, moment: datetime) -> str:
    # Not %b, which follows the locale.
    stamp = moment.strftime("%d/Oct/%Y:%H:%M:%S +0200")
    return (
        f'{request.host} - {request.user} [{stamp}] "{request.line}" {request.status} '
        f'{request.size} "{request.referer}" "{request.agent}"'
    )


def with_faults(
    rng: Random, lines: Iterator[str], faults: Sequence[Callable[[str], str]], every: int
) -> Iterator[str]:
    """The lines, of `every` so many one malformed, in each of the ways in turn."""
    chosen = 0
    for number, line in enumerate(lines):
        block, place = divmod(number, every)
        if place == 0:
            chosen = below(rng, every)
        yield faults[block % len(faults)](line) if place == chosen else line


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A text file to write, compressed if its name says so."""
    if path.suffix != ".gz":
        with path.open("w", encoding="utf-8", newline="\n") as out:
            yield out
        return
    # A header without name and time, so that the same lines give the same bytes.
    with (
        path.open("wb") as raw,
        GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as out,
    ):
        yield out
