"""What goes to a catalogue of lineage: the events of publishes, each at least once, in order."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gristmill.errors import GristmillError
from gristmill.lineage.events import dataset_of, event_of
from gristmill.lineage.failures import FAILURES, Failure, keep, kept
from gristmill.lineage.sending import send_all
from gristmill.model.schema import DatasetSchema
from gristmill.publish.followed import Made
from gristmill.publish.log import Log
from gristmill.publish.manifest import Abandoned, Change, File, Manifest, Origin
from gristmill.storage.local import LocalStorage
from tests.support.publishing import STOCK, Work, publish

SCHEMA = DatasetSchema("words", (("word", "string"), ("n", "bigint")), (), "dataset")
ENTRY = Manifest(
    Origin("20261130T101500Z-1a2b3c4d", "word-count", {}, ("s3://texts/in/",) * 2, "b", "me@here"),
    "2026-11-30T10:15:30+00:00",
    100,
    0,
    (
        Change(SCHEMA, (File("a.parquet", 10, 3), File("b.parquet", 20, 4)), (), ("old.parquet",)),
        Change(replace(SCHEMA, name="rejects"), (), (), ()),
    ),
)
COMMENTS = {"words": {"n": "how often"}}


def told(entry: Manifest = ENTRY, root: str = "s3://lake/out") -> dict[str, Any]:
    from openlineage.client.serde import Serde  # noqa: PLC0415

    found: dict[str, Any] = json.loads(Serde.to_json(event_of(root, entry, "mill", COMMENTS)))
    return found


def test_an_event_says_what_was_made_of_what() -> None:
    event = told()
    assert (event["eventType"], event["eventTime"]) == ("COMPLETE", "2026-11-30T10:15:30+00:00")
    assert (event["job"]["namespace"], event["job"]["name"]) == ("mill", "word-count")
    assert [(one["namespace"], one["name"]) for one in event["inputs"]] == [("s3://texts", "in")]
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == ("s3://lake", "out/words")
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (7, 30, 2)
    assert output["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "OVERWRITE"
    fields = {one["name"]: one for one in output["facets"]["schema"]["fields"]}
    assert (fields["n"]["type"], fields["n"]["description"]) == ("bigint", "how often")


def test_a_summary_is_made_of_datasets_with_their_columns(tmp_path: Path) -> None:
    source, out = LocalStorage(str(tmp_path / "source")), LocalStorage(str(tmp_path / "out"))
    publish(source, "1", Work({STOCK: [("a", "x")]}))
    # A place that is not there any more has no columns.
    uris = (f"{source.root}/stock", "file:///gone/sales")
    made = Made({uri: {"shop=x": "1f"} for uri in uris}, "maker")
    entry = replace(ENTRY, origin=replace(ENTRY.origin, inputs=(source.root,), made=made))
    Log(out).append(1, entry)
    send_all(out, str(tmp_path / "events.jsonl"), "mill", {"stock": {"item": "what it is"}})
    event = json.loads((tmp_path / "events.jsonl").read_text())
    inputs = {one["name"]: one for one in event["inputs"]}
    assert set(inputs) == {f"{tmp_path}/source/stock", "/gone/sales"}
    fields = inputs[f"{tmp_path}/source/stock"]["facets"]["schema"]["fields"]
    assert [(one["name"], one["type"], one.get("description")) for one in fields] == [
        ("item", "string", "what it is"),
        ("shop", "string", None),
    ]
    assert "schema" not in inputs["/gone/sales"].get("facets", {})
    # By that name the summary hangs on what made the dataset.
    send_all(source, str(tmp_path / "source.jsonl"), "mill", {})
    (line,) = (tmp_path / "source.jsonl").read_text().splitlines()
    assert json.loads(line)["outputs"][0]["name"] in inputs


def test_a_run_is_the_same_however_often_it_is_told_and_no_other_s() -> None:
    assert told()["run"]["runId"] == told()["run"]["runId"]
    other = replace(ENTRY, origin=replace(ENTRY.origin, run="20261130T101501Z-1a2b3c4d"))
    runs = {
        told()["run"]["runId"],
        told(other)["run"]["runId"],
        told(root="s3://b")["run"]["runId"],
    }
    assert len(runs) == 3


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3a://b/a/c/", ("s3://b", "a/c")),
        ("s3://b", ("s3://b", "/")),
        ("file:///tmp/x/", ("file", "/tmp/x")),
        ("/tmp/x", ("file", "/tmp/x")),
        ("jdbc:postgresql://me:secret@host:5432/db", ("postgresql://host:5432", "db")),
    ],
)
def test_places_have_the_names_of_the_convention(uri: str, name: tuple[str, str]) -> None:
    assert dataset_of(uri) == name


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    made = LocalStorage(str(tmp_path / "out"))
    log = Log(made)
    for number in (1, 3):
        run = f"20261130T10150{number}Z-1a2b3c4d"
        log.append(number, replace(ENTRY, origin=replace(ENTRY.origin, run=run)))
    log.append(2, Abandoned("20261130T101502Z-1a2b3c4d", "me", "2026-11-30T10:15:02+00:00"))
    return made


def test_a_file_gets_each_event_once_and_goes_on_where_it_was(
    storage: LocalStorage, tmp_path: Path
) -> None:
    to = str(tmp_path / "events" / "lineage.jsonl")
    found = send_all(storage, to, "mill", COMMENTS)
    assert (found.events, found.log_number) == (2, 3)
    assert send_all(storage, to, "mill", COMMENTS).events == 0
    Log(storage).append(4, ENTRY)
    assert send_all(storage, to, "mill", COMMENTS).events == 1
    assert len(Path(to).read_text().splitlines()) == 3
    # Another place has not heard of any.
    assert send_all(storage, str(tmp_path / "other.jsonl"), "mill", COMMENTS).events == 3


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """A catalogue on loopback: its URL, what it got, and the codes with which it answers next."""
    got: list[dict[str, Any]] = []
    codes: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = codes.pop(0) if codes else 201
            if code == 201:
                got.append({"path": self.path, **json.loads(body)})
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_about: Any) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", got, codes
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_catalogue_that_refuses_one_gets_the_rest_the_next_time(
    storage: LocalStorage, server: tuple[str, list[dict[str, Any]], list[int]]
) -> None:
    url, got, codes = server
    codes += [201, 400]
    with pytest.raises(GristmillError, match="did not take an event"):
        send_all(storage, url, "mill", COMMENTS)
    assert len(got) == 1
    assert send_all(storage, url, "mill", COMMENTS).events == 1
    assert [one["path"] for one in got] == ["/api/v1/lineage"] * 2
    assert len({one["run"]["runId"] for one in got}) == 2


def test_what_is_noted_and_cannot_be_read_is_told_again(
    storage: LocalStorage, tmp_path: Path
) -> None:
    to = str(tmp_path / "lineage.jsonl")
    send_all(storage, to, "mill", COMMENTS)
    (noted,) = (tmp_path / "out" / "_gristmill" / "lineage").iterdir()
    noted.write_text("{")
    assert send_all(storage, to, "mill", COMMENTS).events == 2


def test_failures_are_kept_for_thirty_days(storage: LocalStorage, tmp_path: Path) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    for run in ("20261030T235959Z-1a", "20261101T000001Z-1a"):
        keep(storage, Failure(run, "word-count", "2026-11-01T00:00:00+00:00", (), "it broke"))
    storage.write(f"{FAILURES}/20261130T000000Z-1a.json", b"{")
    assert [one.run for one in kept(storage, now)] == ["20261101T000001Z-1a"]
    assert len(storage.names(FAILURES)) == 2
    to = str(tmp_path / "lineage.jsonl")
    assert send_all(storage, to, "mill", COMMENTS, now).events == 3
    assert send_all(storage, to, "mill", COMMENTS, now).events == 0
