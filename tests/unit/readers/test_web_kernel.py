"""The kernel for access logs: what it gives is what plain Python makes of the line."""

import dataclasses
import random
from functools import partial
from typing import Any

import pytest

from gristmill.readers.kernels.web import parse
from gristmill.readers.logs.web import WEB_REQUESTS
from tests.support.kernels import assert_columns, rows_by_place
from tests.support.log_lines import HEAD, broken, shifted
from tests.support.reference import access_line

COMMON = [
    f'{HEAD} "GET /a HTTP/1.1" 200 5',
    '2001:db8::1 - - [10/Oct/2026:13:55:36 -0700] "GET /a?b=c?d HTTP/2.0" 200 5',
    'host.example.com id bob@example.com [01/Jan/2000:00:00:00 +0530] "OPTIONS * HTTP/1.0" 301 -',
    '- - - [28/Feb/2025:23:59:59 +0000] "-" 408 0',
    f'{HEAD} "" 400 0',
    f'{HEAD} "GET /a" 200 5',
    f'{HEAD} "GET ? HTTP/1.1" 200 999999999999999999',
    f'{HEAD} "GET  HTTP/1.1" 200 5',
    r'192.0.2.7 - a\"b [10/Oct/2026:13:55:36 -0700] "GET /a\"b?\\"c HTTP/1.1" 200 5',
    rf'{HEAD} "\x16\x03\x01" 400 5',
    '192.0.2.7, 198.51.100.1 - - [10/Oct/2026:13:55:36 -0700] "GET /é HTTP/1.1" 200 5',
]
COMBINED = [
    f"{line}{behind}"
    for line in COMMON
    for behind in (
        ' "-" "UA"',
        ' "" ""',
        r' "x\"y" "say \"hi\" \\ \x22"',
        ' "https://example.com/" "UA (风)" "-"',
        ' "-" "UA" ""',
        ' "-" "UA" "203.0.113.9, 192.0.2.1"',
        ' "-" "UA" "nonsense"',
    )
]
# Which the kernel leaves, though they are rows.
LEFT = [
    f'{HEAD} "GET /a b HTTP/1.1" 200 5 "-" "UA"',
    f'{HEAD}  "GET /a HTTP/1.1" 200 5 "-" "UA"',
    '192.0.2.7 - - [01/Jan/2017:05:29:60 +0530] "GET /a HTTP/1.1" 200 5 "-" "UA"',
    f'{HEAD} "GET /a HTTP/1.1" - 5 "-" "UA"',
]
MALFORMED = [
    "",
    " ",
    "192.0.2.7",
    f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA',
    f'{HEAD} "GET /\0 HTTP/1.1" 200 5 "-" "UA"',
    '192.0.2.7 - - [31/Feb/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"',
    '999.0.2.7 - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" "UA"',
]


def read(lines: list[bytes], line_format: str) -> dict[int, dict[str, Any]]:
    """The rows by the place of their lines."""
    return rows_by_place(partial(parse, line_format=line_format), lines)


def expected(line: str, line_format: str) -> dict[str, Any] | None:
    names = ("combined", "common") if line_format == "web" else (line_format,)
    request = next(filter(None, (access_line(line, name) for name in names)), None)
    if request is None:
        return None
    return {**dataclasses.asdict(request), "date": request.timestamp.date()}


@pytest.mark.parametrize("line_format", ["common", "combined", "web"])
def test_whole_lines_are_read_and_are_what_they_say(line_format: str) -> None:
    lines = [*COMMON, *COMBINED]
    rows = read([line.encode() for line in lines], line_format)
    for place, line in enumerate(lines):
        assert rows.get(place) == expected(line, line_format), line


def test_what_is_odd_or_no_row_is_left() -> None:
    for lines in (LEFT, MALFORMED):
        assert read([line.encode() for line in lines], "combined") == {}
    # The reference knows neither leap seconds nor bytes that are refused.
    assert all(expected(line, "combined") for line in LEFT if ":60 " not in line)
    assert not any(expected(line, "combined") for line in MALFORMED if "\0" not in line)


@pytest.mark.parametrize("line_format", ["common", "combined", "web"])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(2, 12))]
)
def test_broken_in_any_way_a_line_is_left_or_right(line_format: str, seed: int) -> None:
    rng = random.Random(f"{line_format}/{seed}")
    whole = [line for line in COMMON + COMBINED if expected(line, line_format)]
    lines = [rng.choice((broken, shifted))(rng.choice(whole), rng) for _ in range(20000)]
    # The reference knows neither lines in quotes nor the marks that a reader takes off an end.
    lines = [line.rstrip("\r") for line in lines if not line.startswith('"')]
    rows = read([line.encode() for line in lines], line_format)
    for place, row in rows.items():
        assert row == expected(lines[place], line_format), lines[place]
    assert 500 < len(rows) < 19000


def test_bytes_that_are_no_text_are_left() -> None:
    good = f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"'.encode()
    lines = [
        good,
        good.replace(b"UA", b"\xff"),
        b"\xef\xbb\xbf" + good,
        good + b"\r",
        good + b"\r\r",
    ]
    assert list(read(lines, "combined")) == [0, 3, 4]


def test_its_columns_are_those_of_the_dataset() -> None:
    assert_columns(
        partial(parse, line_format="combined"),
        f'{HEAD} "GET /a HTTP/1.1" 200 5 "-" "UA"',
        WEB_REQUESTS,
    )
