"""Event logs of runs on this machine."""

import json
import socket
from pathlib import Path

import pytest

from tests.support.process import BIN, finish

GRISTMILL = BIN / "gristmill"


@pytest.mark.thorough
def test_a_run_keeps_its_events_beside_its_output(samples: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = ("word-count", "--input", samples / "text", "--output", output, "--corpus", "a")
    done = finish([GRISTMILL, "run", *words, "--event-log", "--report", tmp_path / "r.json"])
    assert done.code == 0, done.err
    (log,) = (output / "_gristmill" / "spark-events").iterdir()
    assert f'"event_log": "{log.as_uri()}"' in (tmp_path / "r.json").read_text()
    assert any(one.name.startswith("events_1_") for one in log.iterdir())
    assert finish([GRISTMILL, "verify", output]).code == 0
    told = json.loads(finish([GRISTMILL, "tuning", output, "--json"]).out)["logs"]
    assert [one["application"] for one in told] == ["gristmill word-count"]
    assert told[0]["seconds"] > 1
    # Of a driver that died, the end is missing.
    (events,) = [one for one in log.iterdir() if one.name.startswith("events_1_")]
    events.write_bytes(events.read_bytes()[:-500])
    assert finish([GRISTMILL, "tuning", output]).out.startswith("gristmill word-count, ")


def test_where_spark_could_not_begin_one_it_is_refused(tmp_path: Path) -> None:
    words = ("word-count", "--input", tmp_path, "--output", "s3://b/out", "--corpus", "a")
    done = finish([GRISTMILL, "run", *words, "--event-log"])
    assert done.code == 2
    assert "--event-log takes an output on this disk" in done.err


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "local-1").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = finish([GRISTMILL, "history-server", tmp_path, "--port", port])
    assert done.code == 2
    assert f"port {port} cannot be had" in done.err
