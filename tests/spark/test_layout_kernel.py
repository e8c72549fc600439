"""The kernel for layouts: what it reads is what Spark's expressions make of the line."""

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gristmill.readers.kernels import layout as kernel
from gristmill.readers.logs.layout import apache, named, nginx
from gristmill.readers.logs.layout.compiled import Layout, compiled, of_tokens
from gristmill.readers.logs.layout.parse import parse
from gristmill.readers.text.lines import LINE_NUMBER, text_files
from tests.spark.lines import broken, outcome
from tests.spark.test_layouts import REST
from tests.support.kernels import rows_by_place

WEB = f"203.0.113.9 - ann {REST}"
LAYOUTS: dict[str, tuple[Layout, list[str]]] = {
    "vhost_combined": (
        compiled(named.VHOST_COMBINED),
        [f"www.example.com:443 {WEB}", f"[::1]:80 {WEB}"],
    ),
    "apache-%D": (
        compiled(named.APACHE_D),
        [f"{WEB} 1234", f"{WEB} -", f"{WEB} 0", f"{WEB} 1.5", f"{WEB} 999999999"],
    ),
    "combined-iso": (
        compiled(named.COMBINED_ISO),
        [
            WEB,
            WEB.replace(":00 +", ":00.123456 +"),
            WEB.replace("25/Nov/2026:10:00:00 +0000", "2026-11-25T10:00:00.5Z"),
            WEB.replace("25/Nov/2026:10:00:00 +0000", "2026-11-25T10:00:00-05:30"),
            WEB.replace("25/Nov/2026:10:00:00 +0000", "2026-02-29T10:00:00Z"),
            WEB.replace('"GET /a?b=1 HTTP/1.1"', '"GET /a b HTTP/1.1"'),
            WEB.replace('"GET /a?b=1 HTTP/1.1"', r'"\x16\x03"'),
            WEB.replace('"GET /a?b=1 HTTP/1.1"', '"-"'),
            WEB.replace("Mozilla/5.0", r"a \"b\""),
            WEB + "\u00a0",
            WEB + " \t",
        ],
    ),
    "ingress-nginx": (
        of_tokens("ingress", list(nginx.tokens(named.INGRESS_NGINX))),
        [
            f"{WEB} 350 0.504 [shop] [] 10.1.2.3:80 12 0.500 200 0af1",
            f"{WEB} 350 0.504 [shop] [] 10.1.2.3:80, 10.1.2.4:80 0, 12 0.500, 0.004 502, 200 0af1",
            f"{WEB} 350 0.504 [] [] - - - - 0af1",
        ],
    ),
    "pipes": (
        of_tokens(
            "pipes",
            list(
                nginx.tokens("$remote_addr|$http_host|$time_iso8601|$request_method|$status|$uri")
            ),
        ),
        [
            "203.0.113.9|shop.example.com|2026-11-25T10:00:00+00:00|GET|200|/a",
            "2001:db8::1|-|2026-11-25T10:00:00+00:00|GET|404|/a|b",
        ],
    ),
    "own names": (
        of_tokens("own", list(apache.tokens('%a <%{X-A}i> %t "%r" %>s %{ms}T %O %{X-A}o'))),
        ['203.0.113.9 <x> [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 15 9 y'],
    ),
}


def by_spark(
    spark: SparkSession, file: Path, layout: Layout, lines: list[bytes]
) -> dict[int, dict[str, Any] | None]:
    file.write_bytes(b"\n".join(lines) + b"\n")
    rows = parse(text_files(spark, [str(file)]).lines, None, layout, "").collect()
    found = {}
    for row in rows:
        values = outcome(row)
        found[row[LINE_NUMBER] - 1] = values if isinstance(values, dict) else None
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_the_kernel_reads_is_what_spark_reads(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    layout, good = LAYOUTS[name]
    rng = random.Random(11)
    lines = [line.encode() for line in good]
    while len(lines) < 1500:
        spoiled = broken(rng.choice(good), " ", rng)
        if b"\n" not in spoiled and b"\r" not in spoiled:
            lines.append(spoiled)
    wanted = by_spark(spark, tmp_path / "a.log", layout, lines)
    found = rows_by_place(partial(kernel.parse, layout=layout), lines)
    for place, row in found.items():
        if isinstance(row["more"], list):
            row["more"] = {one["key"]: one["value"] for one in row["more"]}
        assert row == wanted[place], lines[place]
    read = sum(row is not None for row in wanted.values())
    # Some of the good lines are there to be left.
    assert len(found) > read * 0.3
    assert 0 in found
