"""The sample meters: the same everywhere, each hour of two months once, but for what is odd."""

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gristmill.sample.utility import write_utility
from gristmill.utility import tariff_file, tariffs


def content(path: Path) -> bytes:
    """What is in the file, as bytes; those of gzip itself may differ between builds of zlib."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_utility(tmp_path_factory.mktemp("utility"), seed=7)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(content(path).decode().splitlines()))


def test_the_files_are_meters_tariffs_and_a_month_of_readings_each(paths: list[Path]) -> None:
    names = ["meters.csv", "tariffs.csv", "2026-10.csv.gz", "2026-11.csv.gz"]
    assert [path.name for path in paths] == names
    assert sum(path.stat().st_size for path in paths) < 60_000


def test_every_machine_gives_the_same_content(paths: list[Path]) -> None:
    # Written down once: a Python or a system with another answer shows here.
    digest = sha256()
    for path in paths:
        digest.update(content(path))
    assert digest.hexdigest() == "4c482520360504425b1a45169a2c1ce8902c4c5b772e16bcb2a7195923ff3ad1"


def test_another_seed_gives_other_readings(paths: list[Path], tmp_path: Path) -> None:
    other = write_utility(tmp_path, seed=8)
    for ours, theirs in zip(paths[2:], other[2:], strict=True):
        assert content(ours) != content(theirs)


def test_the_tariffs_have_one_rate_for_each_hour(paths: list[Path]) -> None:
    found, notes = tariff_file.parse(content(paths[1]).decode(), "tariffs.csv", "USD")
    tariffs.check(found)
    assert notes == []
    named = {tariff.name: tariff for tariff in found}
    for meter in rows(paths[0]):
        tariffs.check_interval(named[meter["tariff"]], int(meter["interval_minutes"]))


def test_every_interval_has_its_reading_but_for_those_that_are_meant(paths: list[Path]) -> None:
    found: Counter[tuple[str, str]] = Counter()
    wrong = []
    for row in [*rows(paths[2]), *rows(paths[3])]:
        found[row["meter"], row["start"]] += 1
        if row["kwh"] == "nan" or row["start"].startswith("2026-11-31"):
            wrong.append((row["meter"], row["start"][:13]))
    assert wrong == [
        ("m-2001", "2026-10-09T15"),
        ("m-2002", "2026-11-31T11"),
        ("m-2002", "2026-11-31T11"),
    ]
    expected = set()
    for meter in rows(paths[0]):
        zone = ZoneInfo(meter["zone"])
        start, end = (datetime(2026, month, 1, tzinfo=zone).astimezone(UTC) for month in (10, 12))
        while start < end:
            local = start.astimezone(zone).isoformat(timespec="minutes")
            expected.add((meter["meter"], local))
            start += timedelta(minutes=int(meter["interval_minutes"]))
    lacking = sorted((meter, start[:13]) for meter, start in expected - found.keys())
    assert lacking == [
        *[("m-1002", f"2026-11-12T0{hour}") for hour in (3, 3, 4, 4)],
        *[("m-2002", "2026-11-17T11")] * 2,
    ]
    assert [key for key, times in found.items() if times > 1] == [
        ("m-1001", "2026-11-20T18:00-06:00")
    ]
