"""When a batch of files goes, and what S3 tells of objects."""

import json
from typing import Any

import pytest

from gristmill.errors import InputError
from gristmill.manager.settings import Arrival
from gristmill.manager.start.arrivals import SeenFile, why_now
from gristmill.manager.start.places import objects_of


def arrival(**more: Any) -> Arrival:
    return Arrival(job="j", directory="in", **more)


def rows(*seen: float, marker: bool = False) -> list[dict[str, Any]]:
    found = [{"uri": f"in/{number}.gz", "seen": at} for number, at in enumerate(seen)]
    return [*found, {"uri": "in/_DONE", "seen": seen[-1]}] if marker else found


@pytest.mark.parametrize(
    ("more", "waiting", "now", "expected"),
    [
        # A batch goes once it has been quiet for as long as files settle,
        ({}, rows(0.0), 59.0, None),
        ({}, rows(0.0), 60.0, ("no more came for 60 s", False)),
        ({}, rows(0.0, 50.0), 100.0, None),
        ({}, rows(0.0, 50.0), 110.0, ("no more came for 60 s", False)),
        # at the latest after so long,
        ({"max_wait": 300.0}, rows(0.0, 290.0), 300.0, ("waited 300 s", False)),
        # or when there are as many as it may have.
        ({"max_files": 2}, rows(0.0, 0.0, 59.0), 60.0, ("2 are there", False)),
        # With a marker, only that counts,
        ({"marker": "_DONE"}, rows(0.0), 1000.0, None),
        ({"marker": "_DONE"}, rows(0.0, marker=True), 60.0, ("_DONE is there", False)),
        ({"marker": "_DONE"}, rows(0.0, 30.0, marker=True), 60.0, None),
        ({"marker": "_DONE"}, rows(0.0), 3600.0, ("waited 3600 s", True)),
        # and where so many are expected, that they are there and settled.
        ({"expect": 2}, rows(0.0), 1000.0, None),
        ({"expect": 2}, rows(0.0, 1.0), 61.0, ("all 2 are there", False)),
        ({"expect": 2}, rows(0.0, 10.0), 61.0, None),
        ({"expect": 3, "by": "15m"}, rows(0.0, 1.0), 899.0, None),
        ({"expect": 3, "by": "15m"}, rows(0.0, 1.0), 900.0, ("2 of 3 after 900 s", True)),
        # Nothing is no batch.
        ({}, [], 10_000.0, None),
    ],
)
def test_when_a_batch_goes(
    more: dict[str, Any],
    waiting: list[dict[str, Any]],
    now: float,
    expected: tuple[str, bool] | None,
) -> None:
    assert why_now(arrival(**more), waiting, now) == expected


# As AWS documents them: notification-content-structure.html, ev-events.html.
NOTIFIED = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": "b"},
                "object": {
                    "key": "in/a+file%2B1.gz",
                    "size": 7,
                    "eTag": "0123",
                    "versionId": "v",
                    "sequencer": "00A",
                },
            },
        },
        {
            "eventName": "ObjectRemoved:Delete",
            "s3": {"bucket": {"name": "b"}, "object": {"key": "gone"}},
        },
    ]
}
BRIDGED = {
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": "b"},
        "object": {"key": "in/a file+1.gz", "size": 7, "etag": "0123", "sequencer": "00A"},
    },
}
OBJECT = SeenFile("s3://b/in/a file+1.gz", "0123", 7)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (NOTIFIED, [OBJECT]),
        (BRIDGED, [OBJECT]),
        ({**BRIDGED, "detail-type": "Object Deleted"}, []),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, []),
    ],
)
def test_objects_that_s3_tells_of(document: Any, expected: list[SeenFile]) -> None:
    assert list(objects_of(document)) == expected


def test_what_sns_passes_on_is_unpacked() -> None:
    passed = {
        "TopicArn": "arn:aws:sns:eu-central-1:111122223333:t",
        "Message": json.dumps(NOTIFIED),
    }
    assert list(objects_of(passed)) == [OBJECT]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        3,
        {},
        {"Records": 3},
        {"Records": [{}]},
        {"detail": {}, "detail-type": "Object Created"},
    ],
)
def test_what_is_no_event_is_said(document: Any) -> None:
    with pytest.raises(InputError, match="no event of S3"):
        list(objects_of(document))
