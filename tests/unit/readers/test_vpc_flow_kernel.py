"""The kernel for flow logs: what it gives is what plain Python makes of the record."""

import random
from functools import partial
from typing import Any

import pytest

from gristmill.readers.kernels.vpc_flow import parse
from gristmill.readers.logs.vpc_flow import VPC_FLOWS
from tests.support.kernels import assert_columns, assert_left_or_right, rows_by_place
from tests.support.log_lines import broken
from tests.support.reference_logs import VPC, vpc_flow

V2 = "2 111122223333 eni-0a1b2c3d 192.0.2.16 198.51.100.21 20641 22 6 20 4249 1772582399 1772582459"
WHOLE = [
    f"{V2} ACCEPT OK",
    f"{V2} REJECT OK",
    f" {V2} ACCEPT OK ",
    f"{V2.replace('192.0.2.16', '2001:db8::1')} ACCEPT OK",
    f"{V2.replace('111122223333', 'unknown')} ACCEPT OK",
    f"{V2.replace('1772582399', '-')} ACCEPT OK",
    f"{V2.replace(' 6 20 ', ' -1 -1 ')} ACCEPT OK",
    "2 111122223333 eni-0a1b2c3d - - - - - - - 1772582399 1772582459 - NODATA",
]
ALL = (
    "8 vpc-1 subnet-1 i-1 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 1 65535 6 3 IPv4 5 1000 "
    "1772582399 1772582459 ACCEPT OK us-east-1 use1-az1 - - S3 - egress 8 111122223333 eni-1"
)
NAMES = (
    "version vpc-id subnet-id instance-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport "
    "protocol tcp-flags type packets bytes start end action log-status region az-id "
    "sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
    "traffic-path account-id interface-id"
)
HEADERS: dict[tuple[str, ...] | None, list[str]] = {
    None: WHOLE,
    tuple(NAMES.split()): [ALL],
    ("end", "bytes", "not-known-yet"): ["1772582459 5 x", "1772582459 - -"],
}


def read(lines: list[str], header: tuple[str, ...] | None) -> dict[int, dict[str, Any]]:
    return rows_by_place(partial(parse, header=header), [line.encode() for line in lines])


@pytest.mark.parametrize("header", HEADERS)
def test_whole_records_are_read_and_are_what_they_say(header: tuple[str, ...] | None) -> None:
    lines = HEADERS[header]
    rows = read(lines, header)
    for place, line in enumerate(lines):
        assert rows[place] == vpc_flow(line, header=header), line


def test_what_is_odd_or_no_record_is_left() -> None:
    header = " ".join(VPC[:14])
    odd = [f"{V2} ACCEPT  OK", f"{V2.replace(' 4249 ', f' {2**63 - 1} ')} ACCEPT OK"]
    none = ["", " ", header, V2, f"{V2} ACCEPT OK more", f"{V2} ACCEPT\0 OK", f"{V2} accept OK"]
    assert read([*odd, *none], None) == {}
    assert all(isinstance(vpc_flow(line), dict) for line in odd)
    assert not any(isinstance(vpc_flow(line), dict) for line in none)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(2, 8))]
)
def test_broken_in_any_way_a_record_is_left_or_right(
    header: tuple[str, ...] | None, seed: int
) -> None:
    rng = random.Random(f"{header}/{seed}")
    lines = [broken(rng.choice(HEADERS[header]), rng) for _ in range(20000)]
    assert_left_or_right(partial(parse, header=header), partial(vpc_flow, header=header), lines)


def test_its_columns_are_those_of_the_dataset() -> None:
    assert_columns(partial(parse, header=None), WHOLE[0], VPC_FLOWS)
