"""The clients of AWS: how long they wait, what they try again, and what their errors mean."""

import contextlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from gristmill.errors import GristmillError

_GZIP = zlib.MAX_WBITS | 16
_PATIENCE = {"connect_timeout": 10, "read_timeout": 60}
# botocore repeats what timed out, whatever it was: a second RunJobFlow or AddJobFlowSteps, which
# know no token, would be a second cluster or step.
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, **_PATIENCE)
_AGAIN = Config(retries={"mode": "standard", "total_max_attempts": 8}, **_PATIENCE)

_THROTTLED = {
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
}
_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_FORBIDDEN = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_MISSING = {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}
# Of a conditional write: it is there, it is not as it was, or another write is under way.
_NOT_SO = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404"}


class RefusedError(GristmillError):
    """AWS has refused a request: it was not done."""


@dataclass(frozen=True)
class Stored:
    """An object as it was read. `age` is since it was last written, by S3's clock alone."""

    uri: str
    data: bytes
    etag: str
    age: timedelta


class Aws:
    """The clients for a region, with the profile and the credentials of the usual environment.

    Without a region, it is that environment's, too.
    """

    def __init__(self, region: str | None) -> None:
        with explained("use AWS"):
            # boto3 knows only the second variable, the other tools of AWS both.
            usual = os.environ.get("AWS_REGION") or None
            self._session = boto3.Session(region_name=region or usual)

    @property
    def region(self) -> str | None:
        """The region, None where none is set."""
        found: str | None = self._session.region_name
        return found

    @cached_property
    def emr(self) -> Any:
        """EMR, for what may be asked twice."""
        return self.client("emr")

    @cached_property
    def emr_once(self) -> Any:
        """EMR, for what must not be: a request that failed is not repeated."""
        return self.client("emr", _ONCE)

    @cached_property
    def serverless(self) -> Any:
        """EMR Serverless, whose requests carry tokens."""
        return self.client("emr-serverless")

    @cached_property
    def s3(self) -> Any:
        """S3."""
        return self.client("s3")

    def client(self, service: str, config: Config = _AGAIN) -> Any:
        """The client of a service. Raises `GristmillError`."""
        with explained(service):
            return self._session.client(service, config=config)

    def find(self, uri: str) -> Stored | None:
        """A small object; None where there is none. Raises `GristmillError`."""
        bucket, key = parse_s3_uri(uri)
        with explained(f"read {uri}"):
            try:
                answer = self.s3.get_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if code(error) in _MISSING:
                    return None
                raise
            written: datetime = answer["LastModified"]
            now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            age = parsedate_to_datetime(now) - written if now else timedelta(0)
            return Stored(uri, answer["Body"].read(), answer["ETag"], age)

    def read(self, uri: str) -> bytes | None:
        """What is in a small object; None where there is none. Raises `GristmillError`."""
        found = self.find(uri)
        return None if found is None else found.data

    def download(self, uri: str, file: Path) -> bool:
        """Write an object into a file; gives whether there is one. Raises `GristmillError`."""
        bucket, key = parse_s3_uri(uri)
        with explained(f"read {uri}"):
            try:
                self.s3.download_file(bucket, key, str(file))
            except ClientError as error:
                if code(error) in _MISSING:
                    return False
                raise
        return True

    def has_bucket(self, bucket: str) -> bool:
        """Whether a bucket is there. Raises `GristmillError` where it may not be used."""
        with explained(f"use s3://{bucket}"):
            try:
                self.s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
            except ClientError as error:
                if code(error) in _MISSING:
                    return False
                raise
        return True

    def tail(self, uri: str, size: int) -> bytes:
        """The last `size` bytes of an object, unpacked where its name ends in .gz."""
        bucket, key = parse_s3_uri(uri)
        with explained(f"read {uri}"):
            body = self.s3.get_object(Bucket=bucket, Key=key)["Body"]
            chunks: Iterator[bytes] = body.iter_chunks(1 << 20)
            end = b""
            for chunk in _unpacked(chunks) if key.endswith(".gz") else chunks:
                end = (end + chunk)[-size:]
            return end

    def create(self, uri: str, data: bytes) -> bool:
        """Write an object where there is none; gives whether it did."""
        return self._put_if(uri, data, IfNoneMatch="*")

    def replace(self, uri: str, data: bytes, etag: str) -> bool:
        """Write an object if it still is the one that `etag` names; gives whether it did."""
        return self._put_if(uri, data, IfMatch=etag)

    def _put_if(self, uri: str, data: bytes, **condition: str) -> bool:
        bucket, key = parse_s3_uri(uri)
        with explained(f"write {uri}"):
            try:
                self.s3.put_object(Bucket=bucket, Key=key, Body=data, **condition)
            except ClientError as error:
                if code(error) in _NOT_SO:
                    return False
                raise
        return True

    def write(self, uri: str, data: bytes) -> None:
        """Write an object, or replace it. Raises `GristmillError`."""
        bucket, key = parse_s3_uri(uri)
        with explained(f"write {uri}"):
            self.s3.put_object(Bucket=bucket, Key=key, Body=data)

    def remove(self, uri: str, etag: str) -> bool:
        """Delete an object if it still is the one that `etag` names; gives whether it did."""
        bucket, key = parse_s3_uri(uri)
        with explained(f"delete {uri}"):
            try:
                self.s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
            except ClientError as error:
                if code(error) in _NOT_SO:
                    return False
                raise
        return True

    def objects(self, uri: str) -> Iterator[tuple[str, int]]:
        """The URIs and sizes of the objects below a folder. Raises `GristmillError`."""
        return ((found, told["Size"]) for found, told in self._listed(uri))

    def written(self, uri: str) -> Iterator[tuple[str, datetime]]:
        """The URIs of the objects below a folder, and when each was last written."""
        return ((found, told["LastModified"]) for found, told in self._listed(uri))

    def versions(self, uri: str) -> Iterator[tuple[str, str, int]]:
        """The URIs, ETags and sizes of the objects below a folder. Raises `GristmillError`."""
        return (
            (found, str(told["ETag"]).strip('"'), told["Size"]) for found, told in self._listed(uri)
        )

    def _listed(self, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
        bucket, prefix = parse_s3_uri(uri)
        with explained(f"list {uri}"):
            pages = self.s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/"):
                for found in page.get("Contents", []):
                    yield f"s3://{bucket}/{found['Key']}", found


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What was packed by gzip, perhaps piece by piece; broken, it is read as far as it goes."""
    unpack = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        rest = chunk
        while rest:
            try:
                # Zeros pack a thousandfold: no more of it at once than this.
                yield unpack.decompress(rest, 1 << 20)
            except zlib.error:
                return
            rest = unpack.unconsumed_tail or unpack.unused_data
            if unpack.eof:
                unpack = zlib.decompressobj(_GZIP)


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """The bucket and the key of a URI; `LogUri` may come back as `s3n://`."""
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/")


def code(error: ClientError) -> str:
    """The code by which a service names an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_throttled(error: Exception) -> bool:
    """Whether a request was turned away, unseen, as there are too many."""
    return isinstance(error, ClientError) and code(error) in _THROTTLED


def is_ambiguous(error: Exception) -> bool:
    """Whether a request may have been done though it failed: no answer came, or one of 5xx."""
    if isinstance(error, ClientError):
        status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500
    return isinstance(error, HTTPClientError | NoConnectionError | ResponseParserError)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """What goes wrong inside becomes a `GristmillError` that says what to do."""
    try:
        yield
    except NoCredentialsError as error:
        raise GristmillError(
            f"cannot {what}: no AWS credentials: set AWS_PROFILE, or log in with the AWS "
            "command line"
        ) from error
    except ClientError as error:
        advice = ""
        if code(error) in _EXPIRED:
            advice = "the AWS credentials are not valid any more: log in again\n"
        elif code(error) in _FORBIDDEN:
            advice = "this AWS user may not do that: see docs/emr-account.md for who may do what\n"
        said = error.response.get("Error", {}).get("Message") or str(error)
        kind = GristmillError if is_ambiguous(error) else RefusedError
        raise kind(f"cannot {what}: {advice}{code(error)}: {said}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise GristmillError(f"cannot {what}: {error}") from error
