"""The kernel for CloudFront's logs: what it gives is what plain Python makes of the line."""

import random
from functools import partial
from typing import Any

import pytest

from gristmill.readers.kernels.cloudfront import parse
from gristmill.readers.logs.cloudfront import CLOUDFRONT_REQUESTS
from tests.support.kernels import assert_columns, assert_left_or_right, rows_by_place
from tests.support.log_lines import broken
from tests.support.reference_logs import cloudfront

PIECES = [
    *("2026-03-03", "23:59:59", "FRA53-C1", "392", "192.0.2.100", "GET", "d1.cloudfront.net"),
    *("/a%20b/index.html", "200", "https://example.com/?q=%20", "Mozilla/5.0%20(X11)"),
    *("x=1&y=%2520", "k=v;%20l=w", "Hit", "SOX4xwn4XV6Q4rgb7==", "www.example.com", "https"),
    *("23", "0.001", "-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0"),
    *("Processed", "2"),
    *("11040", "0.002", "Hit", "text/html;%20charset=UTF-8", "78", "0", "77"),
]
V24, V26, V33 = ("\t".join(PIECES[:count]) for count in (24, 26, 33))
AGENT = "Mozilla/5.0%20(X11)"
WHOLE = [
    V24,
    V26,
    V33,
    V33.replace(AGENT, "Mozilla/5.0%2520(X11)%2520+%25C3%25A9"),
    V33.replace(AGENT, "caf%C3%A9+%25+bar"),
    V33.replace(AGENT, "-"),
    V33.replace(AGENT, "curl/8.1"),
    V33.replace("\t200\t", "\t000\t"),
    V33.replace("\t200\t", "\t-\t").replace("\t392\t", "\t-1\t"),
    V33.replace("192.0.2.100", "2001:db8::1").replace("11040", "-1"),
]
CHOSEN = ("time", "date", "c-ip", "not-known-yet", "cs(User-Agent)", "sc-status", "timestamp(ms)")
HEADERS: dict[tuple[str, ...] | None, list[str]] = {
    None: WHOLE,
    CHOSEN: [
        "23:59:59\t2026-03-03\t192.0.2.1\tx\tcurl%20\t404\t5",
        "00:00:00\t2024-02-29\t-\t\ta%2520b\t-\t",
    ],
}
LEFT = [
    f"{V33}\t",
    V33.replace(AGENT, "%2D"),
    V33.replace(AGENT, "a%2"),
    V33.replace(AGENT, "a%zz%20"),
    V33.replace(AGENT, "a%2520%25C3"),
    V33.replace(AGENT, "a%C3%20"),
    V33.replace("23:59:59", "23:59:59.5"),
    V33.replace("\t392\t", f"\t{2**63 - 1}\t"),
]
MALFORMED = [
    "",
    " ",
    V33.rpartition("\t")[0],
    f"{V33}\tmore",
    V33.replace("2026-03-03", "2026-02-30"),
    V33.replace("23:59:59", "24:00:00"),
    V33.replace("192.0.2.100", "999.0.2.100"),
    V33.replace("\t200\t", "\t600\t"),
    V33.replace("\t200\t", "\t001\t"),
    V33.replace("\t392\t", "\t39x\t"),
    V33.replace("11040", "65536"),
    V33.replace("FRA53-C1", "fra53"),
    V33.replace("\tGET\t", "\tGET it\t"),
    V33.replace("\tHit\t", "\tH\0t\t"),
]


def read(lines: list[str], header: tuple[str, ...] | None) -> dict[int, dict[str, Any]]:
    return rows_by_place(partial(parse, header=header), [line.encode() for line in lines])


@pytest.mark.parametrize("header", HEADERS)
def test_whole_lines_are_read_and_are_what_they_say(header: tuple[str, ...] | None) -> None:
    lines = HEADERS[header]
    rows = read(lines, header)
    for place, line in enumerate(lines):
        assert rows.get(place) == cloudfront(line, header=header), line


def test_what_is_odd_or_no_line_is_left() -> None:
    comments = ["#Version: 1.0", "#Fields: date time", f"#{V33}"]
    assert read([*LEFT, *MALFORMED, *comments], None) == {}
    assert all(isinstance(cloudfront(line), dict) for line in LEFT)
    assert not any(isinstance(cloudfront(line), dict) for line in [*MALFORMED, *comments])


def test_lines_without_a_date_and_a_time_are_left() -> None:
    assert read(["1772582399000\t200"], ("timestamp(ms)", "sc-status")) == {}
    assert read(["2026-03-03\t200"], ("date", "sc-status")) == {}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 8))]
)
def test_broken_in_any_way_a_line_is_left_or_right(
    header: tuple[str, ...] | None, seed: int
) -> None:
    rng = random.Random(f"{header}/{seed}")
    lines = [broken(rng.choice(HEADERS[header]), rng) for _ in range(20000)]
    assert_left_or_right(partial(parse, header=header), partial(cloudfront, header=header), lines)


def test_its_columns_are_those_of_the_dataset() -> None:
    assert_columns(partial(parse, header=None), V33, CLOUDFRONT_REQUESTS)
