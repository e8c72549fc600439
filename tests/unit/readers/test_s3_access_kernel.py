"""The kernel for S3's access logs: what it gives is what plain Python makes of the line."""

import random
from functools import partial
from typing import Any

import pytest

from gristmill.readers.kernels.s3_access import parse
from gristmill.readers.logs.s3_access import S3_REQUESTS
from tests.support.kernels import assert_columns, assert_left_or_right, rows_by_place
from tests.support.log_lines import broken, shifted
from tests.support.reference_logs import s3_access

OWNER = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
HEAD = f"{OWNER} logs-example [03/Mar/2026:23:59:59 +0000] 192.0.2.3"
USER = "arn:aws:iam::111122223333:user/ann"
GET = f"{HEAD} {USER} 7D1F2A3B4C5D6E7F REST.GET.OBJECT a/b.txt"
GET += ' "GET /a/b.txt?x=1 HTTP/1.1" 200 - 2900 2901 60 14'
AGENT = '"https://example.com/" "aws-cli/2.15 (é)"'
V18 = f"{GET} {AGENT} 3HL4kqtJvjVBH40N"
V24 = f"{V18} 9vKBE6vMhrNiWHZmb2L0mXOc+s= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader"
V24 += " logs-example.s3.eu-west-1.amazonaws.com TLSv1.3"
V26 = f"{V24} arn:aws:s3:eu-west-1:111122223333:accesspoint/ap Yes"
WHOLE = [
    V18,
    V24,
    V26,
    f"{V26} and what may come yet ",
    V24.replace(USER, "-").replace("192.0.2.3", "2001:db8::1"),
    V24.replace(" 2900 2901 60 14 ", " - - 60 - ").replace(" 200 - ", " 404 NoSuchKey "),
    V24.replace(AGENT, '"-" "-"').replace("SigV4", "-").replace("TLSv1.3", "-"),
    V24.replace("GET /a/b.txt?x=1 HTTP/1.1", ""),
    V24.replace(" 200 - 2900", " - - 2900"),
    V24.replace("192.0.2.3", "-"),
]
LEFT = [
    f'{GET} "-" "an "agent" of its own" -',
    f'{GET} - "agent" -',
    V18.replace(USER, "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLEID"),
    f"{V18.replace('2900', str(2**63 - 1))}",
]
MALFORMED = [
    "",
    " ",
    HEAD,
    GET,
    V18.replace("REST.GET.OBJECT", "-"),
    V18.replace("192.0.2.3", "999.0.2.3"),
    V18.replace(" 200 ", " 600 "),
    V18.replace("03/Mar", "31/Feb"),
    V18.replace(" 60 ", "  60 "),
    V18.replace("logs-example", "logs\texample"),
    V18.replace("aws-cli", "aws\0cli"),
    V24.replace("SigV4", "Sig?"),
]


def read(lines: list[str]) -> dict[int, dict[str, Any]]:
    return rows_by_place(partial(parse, _header=None), [line.encode() for line in lines])


def test_whole_lines_are_read_and_are_what_they_say() -> None:
    rows = read(WHOLE)
    for place, line in enumerate(WHOLE):
        assert rows.get(place) == s3_access(line), line


def test_what_is_odd_or_no_line_is_left() -> None:
    assert read([*LEFT, *MALFORMED]) == {}
    assert all(isinstance(s3_access(line), dict) for line in LEFT)
    assert not any(isinstance(s3_access(line), dict) for line in MALFORMED)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 12))]
)
def test_broken_in_any_way_a_line_is_left_or_right(seed: int) -> None:
    rng = random.Random(seed)
    lines = [rng.choice((broken, shifted))(rng.choice(WHOLE), rng) for _ in range(20000)]
    assert_left_or_right(partial(parse, _header=None), s3_access, lines)


def test_its_columns_are_those_of_the_dataset() -> None:
    assert_columns(partial(parse, _header=None), V26, S3_REQUESTS)
