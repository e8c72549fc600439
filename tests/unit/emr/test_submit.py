"""Submitting under one key from many processes: who may, who waits, and what is written down."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gristmill.emr.again import again
from gristmill.emr.aws import Stored
from gristmill.emr.claims import claim
from gristmill.emr.package import Shipped
from gristmill.emr.runs import Record, Runs
from gristmill.emr.targets.cluster import ClusterTarget
from gristmill.emr.targets.target import NotUpError
from gristmill.errors import GristmillError, InputError, UsageError
from gristmill.runs import Handle, Submission
from tests.support.emr_specs import cluster

HANDLE = Handle("step", "j-1", "s-1")
NEW = Record(
    Submission("r1", "word-count", ("--input", "s3://b/in")),
    "dev",
    "arm64",
    "s3://b/logs",
    ("s3://b/r.json",),
    "2026-11-21T00:00:00+00:00",
    "me@here",
    claim="mine",
)
OTHER = replace(NEW, owner="you@there", created="2026-11-21T00:00:01+00:00", claim="theirs")


class Bucket:
    """Objects that know how old they are; `meanwhile` happens at each pause."""

    def __init__(self, *meanwhile: Callable[["Bucket"], None]) -> None:
        self.objects: dict[str, bytes] = {}
        self.age = timedelta(0)
        self.edition = 0
        self.pauses = 0
        self._meanwhile = list(meanwhile)

    def put(self, record: Record) -> None:
        self.write("s3://b/home/runs/r1.json", record.to_bytes())

    def pause(self, seconds: float) -> None:
        self.pauses += 1
        self.age += timedelta(seconds=seconds)
        if self._meanwhile:
            self._meanwhile.pop(0)(self)
        assert self.pauses < 1000, "it waits for ever"

    def find(self, uri: str) -> Stored | None:
        data = self.objects.get(uri)
        return None if data is None else Stored(uri, data, str(self.edition), self.age)

    def read(self, uri: str) -> bytes | None:
        return self.objects.get(uri)

    def write(self, uri: str, data: bytes) -> None:
        self.objects[uri] = data
        self.edition += 1
        self.age = timedelta(0)

    def create(self, uri: str, data: bytes) -> bool:
        if uri in self.objects:
            return False
        self.write(uri, data)
        return True

    def replace(self, uri: str, data: bytes, etag: str) -> bool:
        if uri not in self.objects or etag != str(self.edition):
            return False
        self.write(uri, data)
        return True


def claimed(bucket: Bucket, record: Record = NEW) -> tuple[Record, list[str]]:
    told: list[str] = []
    fake: Any = bucket
    return claim(Runs(fake, "s3://b/home"), record, told.append, bucket.pause), told


def test_who_comes_first_submits() -> None:
    bucket = Bucket()
    assert claimed(bucket) == (NEW, [])
    assert Record.from_bytes(bucket.objects["s3://b/home/runs/r1.json"]) == NEW


def test_who_comes_later_waits_and_is_given_the_run() -> None:
    bucket = Bucket(lambda _: None, lambda it: it.put(replace(OTHER, handle=HANDLE)))
    bucket.put(OTHER)
    found, told = claimed(bucket)
    assert found == replace(OTHER, handle=HANDLE)
    assert len(told) == 1
    assert "you@there" in told[0]


def test_what_a_process_that_died_has_claimed_is_taken_over_once_it_can_send_no_more() -> None:
    bucket = Bucket()
    bucket.put(OTHER)
    assert claimed(bucket)[0] == NEW
    assert bucket.pauses * 2.0 >= 170


def test_only_one_takes_over() -> None:
    bucket = Bucket()
    bucket.put(replace(OTHER, claim=""))
    once_more = bucket.replace

    def beaten(uri: str, data: bytes, etag: str) -> bool:
        bucket.put(replace(OTHER, claim="third", handle=HANDLE))
        return once_more(uri, data, etag)

    bucket.replace = beaten  # type: ignore[method-assign]
    assert claimed(bucket)[0].claim == "third"


def test_what_was_given_up_is_taken_over_at_once() -> None:
    bucket = Bucket()
    bucket.put(replace(OTHER, claim=""))
    assert claimed(bucket)[0] == NEW
    assert bucket.pauses == 0


def test_its_own_claim_whose_answer_was_lost_is_known_again() -> None:
    bucket = Bucket()
    bucket.put(NEW)
    assert claimed(bucket)[0] == NEW
    assert bucket.pauses == 0


def test_another_run_of_that_key_is_refused_and_no_secret_of_it_is_told() -> None:
    bucket = Bucket()
    argv = ("--input", "s3://b/x", "--db-password", "hunter2")
    bucket.put(replace(OTHER, submission=replace(OTHER.submission, argv=argv)))
    with pytest.raises(UsageError, match="run r1 is another one: --input s3://b/x") as caught:
        claimed(bucket)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"no JSON", b"[]", b"{}", b'{"submission": 1}'])
def test_what_is_no_record_is_said(data: bytes) -> None:
    bucket = Bucket()
    bucket.write("s3://b/home/runs/r1.json", data)
    fake: Any = bucket
    with pytest.raises(InputError, match=r"r1\.json is not the record of a run"):
        Runs(fake, "s3://b/home").load("r1")


def test_a_record_of_a_later_version_is_read() -> None:
    told = json.loads(replace(NEW, handle=HANDLE).to_bytes())
    told |= {"new": 1}
    told["submission"] |= {"new": 1}
    told["handle"] |= {"new": 1}
    assert Record.from_bytes(json.dumps(told).encode()) == replace(NEW, handle=HANDLE)


def test_a_run_that_is_not_there_is_said() -> None:
    fake: Any = Bucket()
    with pytest.raises(GristmillError, match="no run r2 in s3://b/home/runs"):
        Runs(fake, "s3://b/home").load("r2")


@pytest.mark.parametrize("error", [GristmillError("it did not start"), KeyboardInterrupt()])
def test_a_run_whose_place_cannot_be_made_again_stands_as_it_did(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def gone(*_about: Any, **_more: Any) -> str:
        raise NotUpError("dev is not up")

    def fails(*_about: Any, **_more: Any) -> str:
        raise error

    monkeypatch.setattr(ClusterTarget, "find", gone)
    monkeypatch.setattr(ClusterTarget, "up", fails)
    spec = cluster(name="dev").model_copy(update={"home": "s3://b/home"})
    failed = replace(NEW, handle=HANDLE, claim="", shipped=Shipped("s3://b/p.zip", "s3://b/e.py"))
    bucket = Bucket()
    bucket.put(failed)
    aws: Any = bucket
    found = Runs(aws, "s3://b/home").find("r1")
    assert found is not None
    with pytest.raises(type(error)):
        again(aws, found, spec, print)
    assert Record.from_bytes(bucket.objects["s3://b/home/runs/r1.json"]) == failed
