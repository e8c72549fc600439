"""Where files arrive: a folder, a place in S3 that is listed, or one that S3 tells of."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from gristmill.errors import GristmillError, InputError
from gristmill.manager.places.opening import runs_folder
from gristmill.manager.settings import Arrival
from gristmill.manager.start.arrivals import SeenFile, fits, in_folder
from gristmill.storage.local import LocalStorage


def objects_of(document: Any) -> Iterator[SeenFile]:
    """The objects that a message of S3 tells of, by its own notification or by EventBridge's.

    Keys of the first are URL-encoded, with `+` for a space
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html);
    those of the second are not
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). A test message tells of
    none. Raises `InputError` for a message of another kind.
    """
    if not isinstance(document, Mapping):
        raise InputError("a message that is no event of S3")
    if document.get("Event") == "s3:TestEvent":
        return
    if "Message" in document and "TopicArn" in document:
        try:
            yield from objects_of(json.loads(document["Message"]))
        except ValueError as error:
            raise InputError(f"a message of SNS that is no JSON: {error}") from error
        return
    try:
        if "detail" in document:
            detail = document["detail"]
            if document.get("detail-type") == "Object Created":
                one = detail["object"]
                yield _object(detail["bucket"]["name"], one["key"], one)
            return
        for record in document["Records"]:
            if str(record["eventName"]).startswith("ObjectCreated"):
                one = record["s3"]["object"]
                yield _object(record["s3"]["bucket"]["name"], unquote_plus(one["key"]), one)
    except (KeyError, TypeError) as error:
        raise InputError(f"a message that is no event of S3: it lacks {error}") from error


def _object(bucket: str, key: str, told: Mapping[str, Any]) -> SeenFile:
    # What a listing has, too: else an object would come twice.
    names = ("eTag", "etag", "versionId", "version-id", "sequencer")
    version = next((str(told[name]) for name in names if told.get(name)), "")
    return SeenFile(f"s3://{bucket}/{key}", version, int(told.get("size", 0)))


def look(name: str, arrival: Arrival) -> Iterable[SeenFile]:
    """What is there now. Raises `GristmillError`."""
    if arrival.directory is not None:
        folder = Path(arrival.folder or ".") / arrival.directory
        if not folder.is_dir():
            raise InputError(f"arrival {name}: no folder {folder}")
        try:
            return in_folder(folder, arrival.patterns)
        except OSError as error:
            raise GristmillError(f"arrival {name}: {error}") from error
    return listed(str(arrival.s3), arrival.patterns)


def listed(place: str, patterns: Sequence[str]) -> list[SeenFile]:
    """The objects below a place in S3, by a listing: what an event that got lost told of, too."""
    from gristmill.emr.aws import Aws  # noqa: PLC0415  it needs boto3

    found = Aws(None).versions(place.rstrip("/") + "/")
    names = ((uri, version, size, uri.rpartition("/")[2]) for uri, version, size in found)
    return [
        SeenFile(uri, version, size)
        for uri, version, size, name in names
        if name and not name.startswith(".") and fits(name, patterns)
    ]


def write_list(name: str, text: str) -> str:
    """Write the list of a batch's files beside the runs of this machine; gives where."""
    folder = runs_folder() / "arrivals"
    LocalStorage(str(folder)).write(name, text.encode())
    return str(folder / name)
