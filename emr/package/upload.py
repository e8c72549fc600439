"""A package into S3: each file once, under a key that its content gives, and never over another."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.emr.aws import code, parse_s3_uri
from gristmill.emr.package.contents import Package, Shipped, files, locate
from gristmill.errors import GristmillError

_ATTEMPTS = 5
_LARGEST = 5 * 1024**3  # bytes in one PutObject
# Without the right to list a bucket, what is not there is forbidden rather than missing.
_NOT_FOUND = {"404", "NoSuchKey", "NotFound", "403", "AccessDenied", "Forbidden"}
_THERE_BY_NOW = {"412", "PreconditionFailed"}
_BEING_WRITTEN = {"409", "ConditionalRequestConflict"}


def upload(package: Package, home: str, client: Any) -> Shipped:
    """Put below `home` what is not there yet of a package, by a boto3 client of S3.

    Safe to repeat, and to do from several machines at once: what an earlier upload did not finish
    is completed, and what is there stays as it is. Raises `GristmillError`.
    """
    for path, uri in files(package, home).values():
        try:
            _put(client, path, uri)
        except (BotoCoreError, ClientError) as error:
            raise GristmillError(f"cannot upload {uri}: {error}") from error
    return locate(package, home)


def _put(client: Any, path: Path, uri: str) -> None:
    if path.stat().st_size > _LARGEST:
        raise GristmillError(f"{path} has more than 5 GB: leave out dependencies")
    bucket, key = parse_s3_uri(uri)
    target = {"Bucket": bucket, "Key": key}
    with path.open("rb") as file:
        digest = base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()
    for attempt in range(_ATTEMPTS):
        if _is_there(client, target, path.stat().st_size, digest, uri):
            return
        try:
            with path.open("rb") as body:
                client.put_object(**target, Body=body, IfNoneMatch="*", ChecksumSHA256=digest)
        except ClientError as error:
            refused = code(error)
            if refused in _THERE_BY_NOW:
                return
            # Another upload of it is under way, which may yet fail.
            if refused not in _BEING_WRITTEN or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _is_there(client: Any, target: dict[str, str], size: int, digest: str, uri: str) -> bool:
    try:
        found = client.head_object(**target, ChecksumMode="ENABLED")
    except ClientError as error:
        if code(error) in _NOT_FOUND:
            return False
        raise
    if found["ContentLength"] != size or found.get("ChecksumSHA256", digest) != digest:
        raise GristmillError(f"{uri} is not what was uploaded there: remove it, then run again")
    return True
