"""The sample logs of AWS: of the size asked for, the same everywhere, odd where they must be."""

import gzip
import json
import re
import tracemalloc
from hashlib import sha256
from pathlib import Path

import pytest

from gristmill.readers.logs import formats
from gristmill.sample import write_samples
from gristmill.sample.aws import FEEDS, Feed, write_aws, write_feed

LINES = 3000
NAMES = [feed.name for feed in FEEDS]


def content(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def lines(folder: Path, name: str) -> list[str]:
    """The lines of a format, headers left out; of CloudTrail, the events."""
    found: list[str] = []
    for path in sorted((folder / name).iterdir()):
        if name == "cloudtrail":
            found += map(json.dumps, json.loads(content(path))["Records"])
        else:
            found += content(path).removesuffix("\n").split("\n")
    return [line for line in found if not line.startswith(("#", "version "))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("aws")
    write_aws(made, seed=7, lines=LINES)
    return made


def test_they_come_when_they_are_asked_for(tmp_path: Path) -> None:
    paths = write_samples(tmp_path, requests=10, words=10, aws=30)
    made = {path.parent.name for path in paths if path.parent.parent == tmp_path / "aws"}
    assert made == set(NAMES)
    assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_every_machine_gives_the_same_content(tmp_path: Path) -> None:
    # Written down once: a Python or a system with another answer shows here.
    digest = sha256()
    for path in write_aws(tmp_path, seed=1, lines=600):
        digest.update(f"{path.name}\n{content(path)}".encode())
    assert digest.hexdigest() == "14712f33f50882b403495f0778993f5f8d2f980fa661d0b0a5a140ab868c2f81"


@pytest.mark.parametrize("name", NAMES)
def test_the_sizes_are_exact_and_over_days(folder: Path, name: str) -> None:
    found = lines(folder, name)
    assert len(found) == LINES
    assert len(list((folder / name).iterdir())) == 12
    if name != "vpc_flow":
        days = set(re.findall(r"0[4-8](?=/Oct/2026:)|(?<=2026-10-)0[4-8]", "\n".join(found)))
        assert len(days) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_they_are_what_they_are_called(folder: Path, name: str) -> None:
    for path in (folder / name).iterdir():
        first = content(path).split("\n")[0]
        assert [kind for kind, found in formats().items() if found.matches(first)] in (
            [name],
            [],  # CloudFront's #Version
        )


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("s3_access", [r"\[06/Oct/2026:", " 403 AccessDenied ", " 304 - - ", "2001:db8", "Bot/"]),
        ("s3_access", [r" BATCH\.DELETE\.OBJECT \S+ - 204 ", r" - AmazonS3 \S+ S3\.EXPIRE", "2x0"]),
        ("alb", [" - -1 -1 -1 ", r" \[2001:db8:\S+\]:\d+ ", r" 2001:db8:\S+:\d+ ", " 460 - "]),
        ("alb", ['"- http://', '"redirect" "https', " - 0.", r"\\\"", "^$", "T.* 50[024] "]),
        ("cloudfront", ["\t000\t", "%20", "\tMiss\t", "2001:db8", "\t206\t.*\t0\t", "2026-13"]),
        ("vpc_flow", [" NODATA ", " REJECT OK ", "2001:db8", " 17 ", " tcp ", " - - ACCEPT"]),
        ("cloudtrail", ['"AccessDenied"', '"ConsoleLogin"', '"invokedBy"', "2026-13", "Tyme"]),
        ("cloudtrail", ['"errorCode"', '"IAMUser"', '"AssumedRole"', '"resources"']),
    ],
)
def test_they_hold(folder: Path, name: str, patterns: list[str]) -> None:
    found = lines(folder, name)
    for pattern in patterns:
        assert any(re.search(pattern, line) for line in found), pattern


@pytest.mark.thorough
@pytest.mark.parametrize("feed", FEEDS, ids=NAMES)
def test_more_lines_take_no_more_memory(tmp_path: Path, feed: Feed) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        write_feed(tmp_path, feed, 7, count)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # A thousand lines more are 150 kB at the least.
    assert peak(1400) - peak(400) < 60_000
