"""A package in S3: each file once, whatever happened before, and nothing over another."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gristmill.emr.package import Package, Platform, locate, upload
from gristmill.emr.package.check import look
from gristmill.emr.package.dependencies import build_archive
from gristmill.errors import GristmillError

NAMES = ("gristmill-1.zip", "entry.py", "kept.tar.gz")


class Counted:
    """A client that counts what is asked of it, and can fail instead of putting."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.heads: list[str] = []
        self.puts: list[str] = []
        self.before_put: Any = lambda _key: None
        self.head_fails: str | None = None

    def head_object(self, **asked: Any) -> Any:
        self.heads.append(asked["Key"])
        if self.head_fails:
            raise failure(self.head_fails)
        return self._client.head_object(**asked)

    def put_object(self, **asked: Any) -> Any:
        self.puts.append(asked["Key"])
        self.before_put(asked["Key"])
        return self._client.put_object(**asked)


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as a test has it"}}, "Operation")


@pytest.fixture
def client(server: Any) -> Counted:
    return Counted(server.client())


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Files that stand for a package: uploading does not look into them."""
    for name in NAMES:
        (tmp_path / name).write_bytes(name.encode() * 1000)
    code, entry, archive = (tmp_path / name for name in NAMES)
    return Package("1", Platform(), code, entry, archive)


@pytest.fixture
def home(place: str) -> str:
    return f"s3://{place}/home"


def content(client: Counted, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = client._client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def put(client: Counted, uri: str, data: bytes) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client._client.put_object(Bucket=bucket, Key=key, Body=data)


def test_a_package_is_uploaded_once(client: Counted, package: Package, home: str) -> None:
    shipped = upload(package, home, client)
    assert shipped == locate(package, home)
    assert shipped.archive is not None
    assert content(client, shipped.py_files) == package.code.read_bytes()
    assert content(client, shipped.entry) == package.entry.read_bytes()
    assert content(client, shipped.archive) == b"kept.tar.gz" * 1000
    assert [key.rpartition("/")[2] for key in client.puts] == [
        *("dependencies.tar.gz", "gristmill-1.zip", "entry.py")
    ]
    assert upload(package, home, client) == shipped
    assert len(client.puts) == 3
    assert len(client.heads) == 6


def test_a_partial_upload_is_completed(client: Counted, package: Package, home: str) -> None:
    def cut(key: str) -> None:
        if key.endswith("entry.py"):
            raise failure("RequestTimeout")

    client.before_put = cut
    with pytest.raises(GristmillError, match=r"cannot upload s3://.*\.py: .*as a test has it"):
        upload(package, home, client)
    done = len(client.puts)
    client.before_put = lambda _key: None
    shipped = upload(package, home, client)
    assert [key.rpartition("/")[2] for key in client.puts[done:]] == ["entry.py"]
    assert content(client, shipped.entry) == package.entry.read_bytes()


def test_one_that_is_uploaded_meanwhile_is_left_as_it_is(
    client: Counted, package: Package, home: str
) -> None:
    uri = locate(package, home).entry

    def meanwhile(key: str) -> None:
        if uri.endswith(key):
            put(client, uri, b"somebody's")

    client.before_put = meanwhile
    upload(package, home, client)
    assert content(client, uri) == b"somebody's"


def test_many_upload_at_once(server: Any, package: Package, home: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda _n: upload(package, home, server.client()), range(16)))
    assert given == {locate(package, home)}


@pytest.mark.parametrize("data", [b"short", b"x" * len("entry.py") * 1000], ids=["size", "digest"])
def test_what_is_not_what_it_should_be_is_neither_used_nor_replaced(
    client: Counted, package: Package, home: str, data: bytes
) -> None:
    uri = locate(package, home).entry
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client._client.put_object(Bucket=bucket, Key=key, Body=data, ChecksumAlgorithm="SHA256")
    with pytest.raises(GristmillError, match="not what was uploaded there: remove it"):
        upload(package, home, client)
    assert content(client, uri) == data


def test_without_the_right_to_list_it_is_put_all_the_same(
    client: Counted, package: Package, home: str
) -> None:
    client.head_fails = "403"
    shipped = upload(package, home, client)
    # The server refuses the second one, as the file is there.
    assert upload(package, home, client) == shipped
    assert len(client.puts) == 6


def test_a_conflict_is_tried_again_but_not_for_ever(
    client: Counted, package: Package, home: str
) -> None:
    conflicts = [failure("ConditionalRequestConflict")] * 2

    def conflict(_key: str) -> None:
        if conflicts:
            raise conflicts.pop()

    client.before_put = conflict
    upload(package, home, client)
    assert len(client.puts) == 5

    def always(_key: str) -> None:
        raise failure("ConditionalRequestConflict")

    client.before_put = always
    with pytest.raises(GristmillError, match="cannot upload"):
        upload(package, f"{home}/other", client)


def test_a_bucket_that_is_not_there_is_named(client: Counted, package: Package) -> None:
    with pytest.raises(GristmillError, match=r"cannot upload s3://no-such-bucket-here/.*NoSuch"):
        upload(package, "s3://no-such-bucket-here/x", client)


def test_a_server_that_is_not_there_is_told(package: Package, home: str) -> None:
    once = Config(retries={"total_max_attempts": 1})
    away = boto3.client(
        "s3", endpoint_url="http://127.0.0.1:9", region_name="us-east-1", config=once
    )
    with pytest.raises(GristmillError, match=r"127\.0\.0\.1:9"):
        upload(package, home, away)


def test_native_dependencies_are_built_for_another_processor(tmp_path: Path) -> None:
    wanted = tmp_path / "requirements.txt"
    # As it was not yet: what an earlier test run made is not taken for what this one makes.
    wanted.write_text(f"xxhash==3.5.0  # {tmp_path}\n")
    made = build_archive(wanted, Platform("3.11", "arm64"))
    try:
        assert look(made, Platform("3.11", "arm64")) == []
        assert look(made, Platform("3.13", "x86_64")) == [
            "xxhash/_xxhash.cpython-311-aarch64-linux-gnu.so is for arm64",
            "xxhash/_xxhash.cpython-311-aarch64-linux-gnu.so is for Python 3.11",
        ]
    finally:
        made.unlink()
