"""Logs whose header names their columns: any of them, in any order, against plain Python."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from gristmill.model.checks import REASON
from gristmill.readers.logs import formats
from gristmill.readers.text.lines import RAW
from tests.spark import test_cloudfront_logs, test_vpc_logs
from tests.spark.lines import outcome, parsed
from tests.support.reference_logs import CLOUDFRONT, VPC, Parsed, cloudfront, vpc_flow

VPC_LINE = dict(zip(VPC, test_vpc_logs.V2.split(), strict=False)) | test_vpc_logs.LATER
CLOUDFRONT_LINE = dict(zip(CLOUDFRONT, test_cloudfront_logs.PIECES, strict=True))
OTHER = {"new-field": "?", "timestamp(ms)": "1772582399123"}
EXAMPLES = [3, pytest.param(60, marks=pytest.mark.thorough)]
# Columns without a number among them, and those of times alone.
FIRST = {
    "vpc_flow": [("start", "end", "srcaddr", "dstaddr", "action"), ("action", "srcaddr")],
    "cloudfront": [
        ("date", "time", "x-edge-location", "c-ip", "cs-method", "cs-uri-stem"),
        ("x-edge-location", "timestamp(ms)"),
        ("time", "x-edge-location", "date", "timestamp(ms)"),
    ],
}


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("line_format", FIRST)
def test_any_columns_in_any_order_go_where_they_belong(
    spark: SparkSession, tmp_path: Path, line_format: str, examples: int
) -> None:
    whole = VPC_LINE if line_format == "vpc_flow" else CLOUDFRONT_LINE
    names = sorted(whole | OTHER)

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(names), min_size=2, unique=True))
    def check(header: list[str]) -> None:
        holds(spark, tmp_path / "a.log", line_format, tuple(header))

    for header in FIRST[line_format]:
        holds(spark, tmp_path / "a.log", line_format, header)
    check()


def holds(spark: SparkSession, file: Path, line_format: str, header: tuple[str, ...]) -> None:
    """Lines of a file with that header are as plain Python has them, each value of one spoiled."""
    separator, reference = (" ", vpc_flow) if line_format == "vpc_flow" else ("\t", cloudfront)
    known = (VPC_LINE | OTHER) if line_format == "vpc_flow" else (CLOUDFRONT_LINE | OTHER)
    right = [known[name] for name in header]
    spoiled = [
        [*right[:at], wrong, *right[at + 1 :]] for at in range(len(right)) for wrong in WRONG
    ]
    others = [right[:-1], [*right, "-"], right[::-1], ["-"] * len(right)]
    lines = [separator.join(pieces).encode() for pieces in (right, *spoiled, *others)]
    rejects = formats()[line_format].rejects
    read = partial(reference, header=header)
    for row in parsed(spark, file, line_format, lines, header):
        wanted: Parsed = read(row[RAW])
        assert outcome(row) == wanted, (header, row[REASON], row[RAW])
        assert row[REASON] in {None, *rejects}


WRONG = ("-", "-1", "7", "x", "192.0.2.1", "192.0.2.1:80", "GET", "70000", "0.5")
