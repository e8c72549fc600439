"""Objects: `s3:getObject`, `putObject` and the like, on folders that stand for buckets.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html.
"""

import base64
import contextlib
import fnmatch
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.sdk import need, refusal
from gristmill.workflow.errors import StatesError
from gristmill.workflow.values import Json, dump, timestamp


class Objects(Answering):
    """Reads and writes objects in folders. What is done again is done to the same effect."""

    def __init__(self, buckets: Mapping[str, Path]) -> None:
        self._buckets = buckets

    def start(self, call: Call) -> Done:
        """Do what is asked."""
        do = {
            "getObject": self._get,
            "putObject": self._put,
            "listObjectsV2": self._list,
            "listObjects": self._list,
            "listBuckets": self._list_buckets,
            "copyObject": self._copy,
            "deleteObject": self._delete,
            "headObject": self._head,
        }[call.resource.action]
        return Done(do(call, call.arguments or {}))

    def _bucket(self, call: Call, name: Json) -> Path:
        folder = self._buckets.get(str(name))
        if folder is None:
            raise refusal(
                call.resource,
                "NoSuchBucketException",
                "The specified bucket does not exist",
                code="NoSuchBucket",
                status=404,
            )
        return folder

    def _file(self, call: Call, bucket: Json, key: Json) -> Path:
        return inside(self._bucket(call, bucket), str(key))

    def _found(self, call: Call, bucket: Json, key: Json) -> Path:
        file = self._file(call, bucket, key)
        if not file.is_file():
            raise refusal(
                call.resource,
                "NoSuchKeyException",
                "The specified key does not exist.",
                code="NoSuchKey",
                status=404,
            )
        return file

    def _get(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket", "Key")
        file = self._found(call, arguments["Bucket"], arguments["Key"])
        return {**_told(file), "Body": file.read_bytes().decode("utf-8", "replace")}

    def _head(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket", "Key")
        return _told(self._found(call, arguments["Bucket"], arguments["Key"]))

    def _put(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket", "Key")
        body = arguments.get("Body", "")
        # Whatever it is, it is written as JSON: a text, too, with its quotes, as AWS does.
        content = dump(body).encode("utf-8", "surrogatepass") if body is not None else b""
        write(self._file(call, arguments["Bucket"], arguments["Key"]), content)
        crc = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return {"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT", "ETag": f'"{etag}"'}

    def _copy(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket", "Key", "CopySource")
        bucket, _, key = str(arguments["CopySource"]).lstrip("/").partition("/")
        source = self._found(call, bucket, key)
        write(self._file(call, arguments["Bucket"], arguments["Key"]), source.read_bytes())
        told = _told(source)
        return {"CopyObjectResult": {"ETag": told["ETag"], "LastModified": told["LastModified"]}}

    def _delete(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket", "Key")
        self._file(call, arguments["Bucket"], arguments["Key"]).unlink(missing_ok=True)
        return {}

    def _list(self, call: Call, arguments: Json) -> Json:
        need(call.resource, arguments, "Bucket")
        prefix = str(arguments.get("Prefix") or "")
        folder = self._bucket(call, arguments["Bucket"])
        found = list(listed(folder, prefix))
        most = int(arguments.get("MaxKeys") or 1000)
        after = str(arguments.get("StartAfter") or arguments.get("ContinuationToken") or "")
        found = [one for one in found if one["Key"] > after]
        page = found[:most]
        told: dict[str, Json] = {
            "Contents": page,
            "IsTruncated": len(found) > most,
            "KeyCount": len(page),
            "MaxKeys": most,
            "Name": arguments["Bucket"],
            "Prefix": prefix,
        }
        if told["IsTruncated"]:
            told["NextContinuationToken"] = page[-1]["Key"]
        return told

    def _list_buckets(self, call: Call, arguments: Json) -> Json:  # noqa: ARG002  as the others
        return {"Buckets": [{"Name": name} for name in sorted(self._buckets)]}


class Folders:
    """Folders that stand for buckets, which maps read from and write to."""

    def __init__(self, buckets: Mapping[str, Path]) -> None:
        self._buckets = buckets

    def has(self, bucket: str) -> bool:
        """Whether there is a folder for a bucket."""
        return bucket in self._buckets

    def listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Json]]:
        """The objects of a bucket with a prefix, by key."""
        return listed(self._buckets[bucket], prefix)

    @contextlib.contextmanager
    def opened(self, bucket: str, key: str) -> Iterator[Path | None]:
        """The file of an object; None where there is none."""
        file = inside(self._buckets[bucket], key)
        yield file if file.is_file() else None

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""
        write(inside(self._buckets[bucket], key), content)


def inside(folder: Path, key: str) -> Path:
    """The file of a key, which is never outside of its bucket. Raises `StatesError`."""
    path = PurePosixPath(key)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StatesError("S3.InvalidKeyException", f"{key!r} is no key that a folder can have")
    return folder.joinpath(*path.parts)


def write(file: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    beside.write_bytes(content)
    beside.replace(file)


def _told(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {
        "AcceptRanges": "bytes",
        "ContentLength": len(content),
        "ContentType": "binary/octet-stream",
        "ETag": f'"{etag}"',
        "LastModified": timestamp(file.stat().st_mtime),
        "Metadata": {},
    }


def listed(folder: Path, prefix: str = "", pattern: str = "*") -> Iterator[dict[str, Json]]:
    """The objects of a bucket with a prefix, by key."""
    files = sorted(
        (file.relative_to(folder).as_posix(), file)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    )
    for key, file in files:
        if key.startswith(prefix) and fnmatch.fnmatch(key, pattern):
            stat = file.stat()
            etag = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            yield {
                "Etag": f'"{etag}"',
                "Key": key,
                "LastModified": int(stat.st_mtime),
                "Size": stat.st_size,
                "StorageClass": "STANDARD",
            }
