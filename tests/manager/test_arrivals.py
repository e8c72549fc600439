"""Files that arrive: each goes into one run, in batches, whatever happens in between."""

import os
from pathlib import Path
from typing import Any

import pytest

from gristmill.manager.ledger.definitions import apply, pause
from gristmill.manager.ledger.looking import Filter, listed
from gristmill.manager.notify.outbox import unsent
from gristmill.manager.settings import Settings
from gristmill.manager.start.arrivals import Batch, take_arrivals
from gristmill.manager.start.places import look
from tests.support.ledgers import Bench


class Feed:
    """A folder where files arrive, and an arrival that looks at it."""

    def __init__(self, bench: Bench, folder: Path, **more: Any) -> None:
        self.bench = bench
        self.folder = folder / "in"
        self.lists = folder / "lists"
        self.told: list[str] = []
        self.folder.mkdir()
        self.lists.mkdir()
        table = {
            "job": "word-count",
            "args": ["--output", "out"],
            "directory": "in",
            "pattern": "*.txt",
            "folder": str(folder),
        }
        notices = {"ops": {"url": "json://localhost/", "on": ["late_files"]}}
        document = {"arrivals": {"texts": table | more}, "notices": notices}
        bench.settings = Settings.model_validate(document)
        with bench.tx() as tx:
            apply(tx, bench.settings)

    def put(self, name: str, text: str = "words") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write(self, name: str, text: str) -> str:
        (self.lists / name).write_text(text)
        return str(self.lists / name)

    def after(self, seconds: float) -> list[Batch]:
        self.bench.clock.forward(seconds)
        return take_arrivals(self.bench.ledger, look, self.write, self.told.append)

    def names(self, batch: Batch) -> list[str]:
        return [str(Path(one).relative_to(self.folder)) for one in batch.files]


def test_what_has_settled_goes_into_one_run(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path)
    feed.put("a.txt")
    feed.put("deep/b.txt")
    feed.put("c.csv")
    feed.put("_tmp/d.txt")
    assert feed.after(0) == []
    (batch,) = feed.after(60)
    assert feed.names(batch) == ["a.txt", "deep/b.txt"]
    assert feed.after(1000) == []
    with bench.tx() as tx:
        (run,) = listed(tx, Filter(), 10)
    words = run["argv"]
    assert words[:3] == ["--output", "out", "--input"]
    assert Path(words[3].removeprefix("@")).read_text().splitlines() == list(batch.files)


def test_a_file_that_grows_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path)
    feed.put("a.txt", "one")
    feed.after(0)
    feed.put("a.txt", "one and more")
    assert feed.after(59) == []
    assert feed.after(59) == []
    (batch,) = feed.after(1)
    assert feed.names(batch) == ["a.txt"]


def test_a_file_that_came_again_goes_again_and_an_old_one_does_not(
    bench: Bench, tmp_path: Path
) -> None:
    feed = Feed(bench, tmp_path)
    feed.put("a.txt", "one")
    feed.put("b.txt", "two")
    feed.after(0)
    assert len(feed.after(60)) == 1
    feed.put("a.txt", "corrected")
    feed.after(0)
    (batch,) = feed.after(60)
    assert feed.names(batch) == ["a.txt"]


def test_a_marker_closes_a_batch_and_is_no_part_of_it(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path, marker="_DONE")
    feed.put("a.txt")
    feed.after(0)
    assert feed.after(600) == []
    feed.put("_DONE")
    (batch,) = feed.after(0)
    assert feed.names(batch) == ["a.txt"]
    feed.put("b.txt")
    feed.after(0)
    assert feed.after(600) == []


def test_what_is_expected_and_does_not_come_is_told(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path, expect=3, by="15m")
    feed.put("a.txt")
    feed.put("b.txt")
    feed.after(0)
    assert feed.after(899) == []
    (batch,) = feed.after(1)
    assert batch.is_short
    assert len(batch.files) == 2
    with bench.tx() as tx:
        (message,) = unsent(tx)
    assert message["message"]["kind"] == "late_files"
    assert message["message"]["reason"] == "2 of 3 after 900 s"


def test_more_than_a_batch_takes_goes_in_several(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path, max_files=2)
    for number in range(5):
        feed.put(f"{number}.txt")
    feed.after(0)
    batches = [*feed.after(60), *feed.after(1), *feed.after(60), *feed.after(60)]
    assert [feed.names(batch) for batch in batches] == [
        ["0.txt", "1.txt"],
        ["2.txt", "3.txt"],
        ["4.txt"],
    ]


def test_a_submit_that_fails_loses_no_file(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path, args=["--output", "out", "--no-such-flag"])
    feed.put("a.txt")
    feed.after(0)
    (batch,) = feed.after(60)
    assert batch.run is None
    assert "--no-such-flag" in batch.reason
    table = bench.settings.arrivals["texts"].model_copy(update={"args": ("--output", "out")})
    with bench.tx() as tx:
        apply(tx, Settings(arrivals={"texts": table}))
    (batch,) = feed.after(1)
    assert batch.run is not None


def test_a_folder_that_is_not_there_is_said(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path)
    feed.folder.rmdir()
    assert feed.after(0) == []
    assert feed.told == [f"arrival texts: no folder {feed.folder}"]


def test_a_paused_arrival_takes_nothing(bench: Bench, tmp_path: Path) -> None:
    feed = Feed(bench, tmp_path)
    feed.put("a.txt")
    with bench.tx() as tx:
        pause(tx, "arrival", "texts", "me")
    assert feed.after(0) + feed.after(60) == []


@pytest.mark.parametrize("times", [1, 3])
def test_whoever_looks_and_however_often_it_is_one_run(
    bench: Bench, tmp_path: Path, times: int
) -> None:
    feed = Feed(bench, tmp_path)
    feed.put("a.txt")
    os.utime(feed.folder / "a.txt", (1, 1))
    feed.after(0)
    bench.clock.forward(60)
    found = [batch for _ in range(times) for batch in feed.after(0)]
    assert len(found) == 1
