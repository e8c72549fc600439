"""Objects of S3 as they are read: the end of a log, however it was packed or cut off."""

import argparse
import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from gristmill.emr.aws import Aws


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self.data), 7):
            yield self.data[start : start + 7]


def tail(monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, size: int = 20) -> bytes:
    aws = Aws("us-east-1")
    s3: Any = argparse.Namespace(get_object=lambda **_which: {"Body": Body(data)})
    monkeypatch.setattr(Aws, "s3", s3)
    return aws.tail(f"s3://b/{name}", size)


LINES = b"".join(b"line %d\n" % number for number in range(1000))


@pytest.mark.parametrize(
    ("name", "data", "end"),
    [
        ("stderr", LINES, LINES[-20:]),
        ("stderr.gz", gzip.compress(LINES), LINES[-20:]),
        ("stderr.gz", gzip.compress(LINES) + gzip.compress(b"the end\n"), b"ne 999\nthe end\n"),
        ("stderr.gz", b"", b""),
        ("stderr.gz", b"no gzip", b""),
        ("stderr.gz", gzip.compress(b"the end\n") + b"\0\0 broken", b"the end\n"),
    ],
)
def test_the_end_of_a_log_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, end: bytes
) -> None:
    found = tail(monkeypatch, name, data)
    assert len(found) <= 20
    assert found.endswith(end)
    assert bool(found) == bool(end)


def test_of_a_log_that_was_cut_off_what_is_there_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(LINES)
    assert tail(monkeypatch, "stderr.gz", packed[: len(packed) // 2]) in LINES
