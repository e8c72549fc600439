"""Retention on S3: by a command that starts no Spark."""

import json

import pytest

from gristmill.storage.remote import RemoteStorage
from tests.support.process import BIN, finish
from tests.support.publishing import LEDGER, Work, publish, stored, wrong

OLD, NEW = "2020-02-29", "9999-12-31"


@pytest.mark.thorough
@pytest.mark.usefixtures("server")
def test_what_is_old_goes_from_s3_as_a_publish(place: str) -> None:
    uri = f"s3://{place}"
    root = RemoteStorage(uri)
    publish(root, "1", Work({LEDGER: [("a", OLD), ("b", OLD), ("c", NEW)]}))
    words = ("datasets", "expire", uri, "ledger", "--older-than", "13w")
    shown = finish([BIN / "gristmill", *words])
    assert shown.code == 0, shown.err
    assert len(stored(root, LEDGER)) == 3
    done = finish([BIN / "gristmill", *words, "--yes"])
    assert done.code == 0, done.err
    assert done.out.splitlines()[:-1] == shown.out.splitlines()[:-1]
    assert stored(root, LEDGER) == [("c", NEW)]
    assert not wrong(root)
    again = finish([BIN / "gristmill", *words, "--yes"])
    assert "nothing to remove" in again.out
    history = finish([BIN / "gristmill", "history", uri, "--json"]).out
    first, second = json.loads(history)["publishes"]
    assert second["origin"]["job"] == "expire"
    assert len(second["changes"][0]["removed"]) == len(first["changes"][0]["files"]) - 1
