"""The kernel for logs of load balancers: what it gives is what plain Python makes of the line."""

import random
from functools import partial
from typing import Any

import pytest

from gristmill.readers.kernels.alb import parse
from gristmill.readers.logs.alb import ALB_REQUESTS
from tests.support.kernels import assert_columns, assert_left_or_right, rows_by_place
from tests.support.log_lines import broken, shifted
from tests.support.reference_logs import alb

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0f0f0f0f-1111"
ROOT = "Root=1-66000000-0123456789abcdef01234567"
SIZES = "200 201 34 366"
REQUEST = '"GET http://www.example.com:80/a?b=c HTTP/1.1"'
TIME = "2026-03-03T23:59:59.186641Z"
HEAD = f"http {TIME} app/web/50dc6c495c0c9188 192.0.2.1:2817 198.51.100.7:8080 0.001 0.02 3 {SIZES}"
V18 = f'{HEAD} {REQUEST} "curl/8 (é)" - - {GROUP} "{ROOT}"'
V25 = f'{V18} "-" "-" 0 2026-03-03T23:59:48.364000Z "forward" "-" "-"'
V29 = f'{V25} "198.51.100.7:8080" "200" "-" "-"'
V30 = f"{V29} TID_0123456789abcdef0123456789abcdef"
V33 = f'{V30} "www.example.org" "/d" "TransformSuccess"'
WHOLE = [
    V29,
    f"{V29}  ",
    V30,
    V33,
    V33.replace(REQUEST, '"- http://www.example.com:80- - "'),
    V30.replace(REQUEST, '"GET  HTTP/1.1"'),
    V30.replace(REQUEST, '""'),
    V30.replace("198.51.100.7:8080 ", "- ", 1).replace("0.001 0.02 3", "-1 -1 -1"),
    V30.replace("192.0.2.1:2817", "[2001:db8::1]:2817").replace(SIZES, "502 - 34 366"),
    V30.replace("192.0.2.1:2817", "2001:db8::1:2817"),
    V30.replace(' "-" "-" 0 ', f' "www.example.com" "{CERTIFICATE}" -1 '),
    V30.replace(f" - - {GROUP}", f" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 {GROUP}"),
    V30.replace("2026-03-03T23:59:48.364000Z", "-"),
    V30.replace('"200" "-" "-"', '"200" "Ambiguous" "UndefinedHeader"'),
    V30.replace(TIME, "2026-03-03T23:59:59.1Z"),
]
LEFT = [
    V18,
    V25,
    V30.replace(REQUEST, '"GET http://a/b c HTTP/1.1"'),
    V30.replace("curl/8", 'curl "8"'),
    V30.replace(TIME, "2026-03-03T23:59:59Z"),
    f'{V33} "more"',
]
MALFORMED = [
    "",
    " ",
    HEAD,
    V30.replace("192.0.2.1:2817", "999.0.2.1:2817"),
    V30.replace("192.0.2.1:2817", "192.0.2.1:99999"),
    V30.replace(SIZES, "600 - 34 366"),
    V30.replace("2026-03-03T23:59:59", "2026-02-30T23:59:59"),
    V30.replace("app/web", "net/web"),
    V30.replace(" 0 2026", " x 2026"),
    V30.replace("TLS", "tls").replace(f" - - {GROUP}", f" - tls {GROUP}"),
]


def read(lines: list[str]) -> dict[int, dict[str, Any]]:
    return rows_by_place(partial(parse, _header=None), [line.encode() for line in lines])


def test_whole_lines_are_read_and_are_what_they_say() -> None:
    rows = read(WHOLE)
    for place, line in enumerate(WHOLE):
        assert rows.get(place) == alb(line), line


def test_what_is_odd_or_no_line_is_left() -> None:
    assert read([*LEFT, *MALFORMED]) == {}
    assert all(isinstance(alb(line), dict) for line in LEFT)
    assert not any(isinstance(alb(line), dict) for line in MALFORMED)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 12))]
)
def test_broken_in_any_way_a_line_is_left_or_right(seed: int) -> None:
    rng = random.Random(seed)
    lines = [rng.choice((broken, shifted))(rng.choice(WHOLE), rng) for _ in range(20000)]
    assert_left_or_right(partial(parse, _header=None), alb, lines)


def test_its_columns_are_those_of_the_dataset() -> None:
    assert_columns(partial(parse, _header=None), V33, ALB_REQUESTS)
