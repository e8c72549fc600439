"""The sample data: the same everywhere, of the size asked for, and odd where it must be."""

import gzip
import re
import tracemalloc
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from gristmill.sample import write_samples
from gristmill.sample.logs import write_logs

LOGS = ["access-2026-10-05.log", "access-2026-10-06.log", "access-2026-10-07.log.gz"]
TEXTS = [
    f"{script}.txt"
    for script in ("latin", "greek", "cyrillic", "devanagari", "hebrew", "decomposed")
]

QUOTED = r'"((?:[^"\\]|\\.)*)"'
COMBINED = re.compile(
    r"(?P<host>\S+) - (?P<user>\S+) \[(?P<time>\d\d/Oct/2026:\d\d:\d\d:\d\d) \+0200\] "
    rf"(?P<request>{QUOTED}) (?P<status>\d{{3}}) (?P<size>\d+|-) "
    rf"(?P<referer>{QUOTED}) (?P<agent>{QUOTED})"
)


def content(path: Path) -> bytes:
    """What is in the file, as bytes; those of gzip itself may differ between builds of zlib."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines(paths: list[Path]) -> list[str]:
    """The log lines of all the paths, in order."""
    logs = b"".join(content(path) for path in paths if path.parent.name == "logs")
    assert not logs or logs.endswith(b"\n")
    return logs.decode().split("\n")[:-1]


def words(text: str) -> int:
    """The number of runs of letters, marks and digits, an apostrophe inside one allowed."""
    classes = "".join(
        "w" if unicodedata.category(c)[0] in "LMN" else "'" if c == "'" else " " for c in text
    )
    return len(re.findall(r"w+(?:'w+)*", classes))


def moment(match: re.Match[str]) -> datetime:
    """When a parsed line was written, with its offset."""
    stamp = datetime.strptime(f"{match['time']} +0200", "%d/Oct/%Y:%H:%M:%S %z")
    return stamp.replace(month=10)


def text_of(paths: list[Path], name: str) -> str:
    return next(path for path in paths if path.name == name).read_text(encoding="utf-8")


def logs_and_texts(folder: Path, **sizes: int) -> list[Path]:
    """The samples but those of a utility, which are looked at elsewhere."""
    paths = write_samples(folder, **sizes)
    return [path for path in paths if path.relative_to(folder).parts[0] != "utility"]


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return logs_and_texts(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def parsed(default: list[Path]) -> list[re.Match[str]]:
    return [match for line in lines(default) if (match := COMBINED.fullmatch(line))]


def test_the_paths_are_returned_in_order(default: list[Path]) -> None:
    assert [path.name for path in default] == LOGS + TEXTS
    assert [path.parent.name for path in default] == ["logs"] * len(LOGS) + ["text"] * len(TEXTS)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, default: list[Path]) -> None:
    again = logs_and_texts(tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in default]


def test_the_gzip_header_holds_no_name_and_no_time(default: list[Path]) -> None:
    flags_and_time = default[2].read_bytes()[3:8]
    assert flags_and_time == bytes(5)


def test_every_machine_gives_the_same_content(tmp_path: Path) -> None:
    # Written down once: a Python or a system with another answer shows here.
    digest = sha256()
    for path in logs_and_texts(tmp_path, seed=1, requests=1500, words=3000):
        digest.update(content(path))
    assert digest.hexdigest() == "29d073b118912061914cd3b6876e57f4c04373799fa32a57fa6ae0cce6a52eb8"


def test_another_seed_gives_other_content(tmp_path: Path, default: list[Path]) -> None:
    other = logs_and_texts(tmp_path, seed=8)
    for ours, theirs in zip(default, other, strict=True):
        assert content(ours) != content(theirs), ours.name


@pytest.mark.parametrize(("requests", "count"), [(0, 0), (1, 7), (1501, 2999)])
def test_the_sizes_are_exact(tmp_path: Path, requests: int, count: int) -> None:
    paths = logs_and_texts(tmp_path, requests=requests, words=count)
    texts = [text_of(paths, name) for name in TEXTS]
    assert len(paths) == len(LOGS + TEXTS)
    assert len(lines(paths)) == requests
    assert sum(len(text.split()) for text in texts) == count
    assert sum(map(words, texts)) == count


def test_the_default_sizes(default: list[Path]) -> None:
    texts = [text_of(default, name) for name in TEXTS]
    assert len(lines(default)) == 6000
    assert sum(map(words, texts)) == 20000
    assert sum(len(content(path)) for path in default[:3]) == pytest.approx(1_100_000, rel=0.1)
    assert sum(len(text.encode()) for text in texts) == pytest.approx(140_000, rel=0.1)


def test_more_requests_take_no_more_memory(tmp_path: Path) -> None:
    def peak(requests: int) -> int:
        tracemalloc.start()
        write_logs(tmp_path, seed=7, requests=requests)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # A thousand lines more are some 180 kB.
    assert peak(1400) - peak(400) < 40_000


def test_the_lines_are_in_order_of_time(parsed: list[re.Match[str]]) -> None:
    times = [moment(match) for match in parsed]
    assert times == sorted(times)


def test_each_file_holds_its_own_day(default: list[Path]) -> None:
    for path, day in zip(default, ("05", "06", "07"), strict=False):
        days = set(re.findall(r"\[(\d\d)/Oct/2026:", content(path).decode()))
        assert days == {day}


def test_the_first_two_hours_are_the_day_before_in_utc(parsed: list[re.Match[str]]) -> None:
    days = {moment(match).astimezone(UTC).date() for match in parsed}
    assert days == {date(2026, 10, day) for day in (4, 5, 6, 7)}


def test_more_goes_on_by_day(parsed: list[re.Match[str]]) -> None:
    hours = [int(match["time"].split(":")[1]) for match in parsed]
    assert sum(8 <= hour < 22 for hour in hours) > 10 * sum(hour < 5 for hour in hours)


@pytest.mark.parametrize(
    "shape",
    [
        r'\S+ - \S+ \[[^]]+\] ".*" \d{3} \S+ ".*" "[^"]+',
        r'\S+ - \S+ \[31/Foo/2026:.*"',
        r'\S+ - \S+ \[[^]]+\] ".*" 2x0 .*"',
        r"\[error\] .*",
        r"",
    ],
    ids=["unclosed", "date", "status", "error message", "empty"],
)
def test_each_kind_of_malformed_line_is_there(default: list[Path], shape: str) -> None:
    malformed = [line for line in lines(default) if not COMBINED.fullmatch(line)]
    assert len(malformed) == 6
    assert any(re.fullmatch(shape, line) for line in malformed)


@pytest.mark.parametrize(
    ("group", "patterns"),
    [
        ("host", [r"192\.0\.2\.\d+", r"2001:db8:.*", r".*\.example\.net"]),
        ("user", [r"-", r"[a-z]+", r".+@example\.(com|org)"]),
        ("request", [rf'"{method} .*"' for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")]),
        ("request", [r'"-"', r'"\\x16\\x03\\x01"', r'"GET /search\?q=.*"', r".*%C3%A9.*"]),
        ("status", ["200", "206", "301", "304", "400", "404", "500", "503"]),
        ("size", [r"-", r"[1-9]\d*"]),
        ("referer", [r'"-"', r'"https://shop\.example\.com/.*"', r'"https://search\..*"']),
        ("agent", [r'"-"', r'".*\\".*"', r'"Mozilla/5\.0 .*"', r'"[^"]*[bB]ot.*"']),
    ],
)
def test_the_logs_hold(parsed: list[re.Match[str]], group: str, patterns: list[str]) -> None:
    values = {match[group] for match in parsed}
    for pattern in patterns:
        assert any(re.fullmatch(pattern, value) for value in values), pattern


def test_an_answer_without_a_body_has_no_size(parsed: list[re.Match[str]]) -> None:
    sizes = {match["size"] for match in parsed if match["status"] == "304"}
    assert sizes == {"-"}


def test_robots_and_nobody_else_read_their_rules(parsed: list[re.Match[str]]) -> None:
    readers = {match["agent"] for match in parsed if " /robots.txt " in match["request"]}
    assert len(readers) >= 3
    assert all(re.search("bot|spider|crawler", reader, re.IGNORECASE) for reader in readers)


def test_a_few_hosts_ask_for_much(parsed: list[re.Match[str]]) -> None:
    hosts = [match["host"] for match in parsed]
    most = sorted(Counter(hosts).values(), reverse=True)
    assert len(most) > 100
    assert sum(most[:10]) > len(hosts) / 4


@pytest.mark.parametrize("name", ["devanagari.txt", "hebrew.txt", "decomposed.txt"])
def test_marks_combine_in(default: list[Path], name: str) -> None:
    text = text_of(default, name)
    marks = sum(unicodedata.category(c).startswith("M") for c in text)
    assert marks > len(text) / 6


def test_accents_are_composed_or_decomposed_as_the_name_says(default: list[Path]) -> None:
    for name in ("latin.txt", "greek.txt", "cyrillic.txt", "decomposed.txt"):
        text = text_of(default, name)
        assert (unicodedata.is_normalized("NFD", text)) == (name == "decomposed.txt"), name
        assert (unicodedata.is_normalized("NFC", text)) == (name != "decomposed.txt"), name


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("latin.txt", r"\bl'[aeiouéèêöüåø]\w+"),
        ("latin.txt", r"\b[1-9][0-9]*\b"),
        ("latin.txt", r"[.!?] [A-ZÉÈÊÖÜÅØÇÑ]"),
        ("greek.txt", r"ς[,.;!]? "),
        ("devanagari.txt", r"[०-९]"),
        ("devanagari.txt", r"\u094d"),
    ],
)
def test_the_texts_hold(default: list[Path], name: str, pattern: str) -> None:
    assert re.search(pattern, text_of(default, name))


def test_paragraphs_are_wrapped(default: list[Path]) -> None:
    for name in TEXTS:
        text = text_of(default, name)
        assert 60 < max(map(len, text.split("\n"))) <= 72
        assert "\n\n" in text
        assert "\n\n\n" not in text


def test_words_are_as_skewed_as_in_a_language(default: list[Path]) -> None:
    tokens = re.findall(r"[^\s.,!?]+", text_of(default, "latin.txt").lower())
    most = sorted(Counter(tokens).values(), reverse=True)
    assert len(most) > 1000
    assert most[0] > 8 * most[50] > 0
