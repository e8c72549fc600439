"""Each screen shows what the commands tell, and nothing that data say is ever markup."""

import html
import json
import re
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from gristmill.cli import main
from gristmill.cli.ui import screens
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.ledger.tables import attempts, runs
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from gristmill.workflow.engine import service
from tests.support.ledgers import Bench
from tests.support.outputs import publish
from tests.support.workflows import machine
from tests.ui.conftest import HOSTILE, Open

SCREENS = (
    *("/", "/runs", "/dead-letters", "/queues", "/schedules", "/workflows", "/outputs"),
    *("/statistics", "/submit"),
)


class Elements(HTMLParser):
    """The elements of a page, and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


def safe(text: str) -> bool:
    """Whether all that a page runs or loads is its own."""
    elements = Elements(text).all
    scripts = [attrs.get("src") for tag, attrs in elements if tag == "script"]
    pictures = [str(attrs.get("src")) for tag, attrs in elements if tag == "img"]
    handlers = [name for _, attrs in elements for name in attrs if name.startswith("on")]
    own = scripts in ([], ["/static/live.js"])
    return own and all(one.startswith("/workflows/") for one in pictures) and not handlers


def failed(bench: Bench, **more: object) -> str:
    run = bench.submit(**more).run  # type: ignore[arg-type]
    for held in bench.claim():
        bench.start(held)
        bench.end(held, RunState.FAILED, cause="PYTHON", reason=f"it said {HOSTILE}", advice="look")
    return run


@pytest.mark.parametrize("path", SCREENS)
def test_an_empty_ledger_has_all_screens(client: Open, path: str) -> None:
    answer = client().get(path)
    assert answer.status_code == 200
    assert safe(answer.text)


def test_what_data_say_is_shown_and_never_markup(
    client: Open, bench: Bench, ledger: Ledger
) -> None:
    run = failed(bench, job=HOSTILE, argv=(HOSTILE,), key=HOSTILE)
    with ledger.begin() as tx:
        definition = json.dumps(
            machine(("A", {"Type": "Fail", "Error": HOSTILE, "Cause": HOSTILE}))
        )
        found = service.register(tx, "flow", definition)
        service.start(tx, found, {"said": HOSTILE}, "one")
    page = client()
    for path in (*SCREENS, f"/runs/{run}", "/workflows/one", "/outputs/0/word_counts"):
        answer = page.get(path)
        assert answer.status_code == 200, path
        assert safe(answer.text), path
    assert "&lt;script&gt;alert(1)" in page.get(f"/runs/{run}").text
    assert "&lt;script&gt;alert(1)" in page.get("/outputs/0/word_counts").text
    assert "&lt;script&gt;alert(1)" in page.get("/workflows/one").text
    drawn = page.get("/workflows/one/graph.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "<script" not in drawn.text
    report = page.get("/outputs/0/report")
    assert report.status_code == 200
    assert "<script" not in report.text
    assert "script-src" not in report.headers["content-security-policy"]


def test_figures_are_those_of_the_commands(
    client: Open,
    bench: Bench,
    ledger: Ledger,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = failed(bench)
    bench.submit("access-logs")
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    assert main(["runs", "--json", "--ledger", url]) == 0
    listed = json.loads(capsys.readouterr().out)["runs"]
    page = client()
    text = page.get("/runs").text
    assert [text.count(f'href="/runs/{one["run"]}"') for one in listed] == [1, 1]
    only = page.get("/runs", params={"state": "failed"}).text
    assert first in only
    assert "access-logs" not in only.partition("<tbody>")[2]
    assert "PYTHON: 1" in page.get("/dead-letters").text
    shown = page.get(f"/runs/{first}").text
    assert "What to do" in shown
    assert "<p>look</p>" in shown


def test_schedules_and_queues_are_shown(client: Open, ledger: Ledger) -> None:
    settings = {
        "queues": {"reports": {"max_runs": 3, "places": ["big"]}},
        "places": {"big": {"kind": "cluster", "spec": "nightly", "max_runs": 4, "memory": "8GB"}},
        "schedules": {"nightly": {"cron": "30 2 * * *", "job": "word-count"}},
    }
    with ledger.begin() as tx:
        apply(tx, Settings.model_validate(settings))
    page = client()
    text = page.get("/queues").text
    assert "reports" in text
    assert "<td>cluster</td><td>nightly</td>" in text
    assert "8.0 GB" in text
    text = page.get("/schedules").text
    assert "nightly" in text
    assert "02:30 +0000" in text


def test_the_time_of_a_run_is_shown(client: Open, bench: Bench) -> None:
    run = bench.submit().run
    bench.clock.forward(10)
    (held,) = bench.claim()
    bench.clock.forward(5)
    bench.start(held)
    bench.clock.forward(85)
    phases = {"starting": 20.0, "working": 55.0, "publishing": 5.0}
    bench.end(held, result={"phases": phases})
    text = client().get(f"/runs/{run}").text
    spans = re.findall(r'<rect class="span (\w+)" x="([\d.]+)%" width="([\d.]+)%"', text)
    assert [(name, float(left), float(width)) for name, left, width in spans] == [
        ("ready", 0.0, 10.0),
        ("starting", 10.0, 5.0),
        ("running", 15.0, 85.0),
        ("starting", 20.0, 20.0),
        ("working", 40.0, 55.0),
        ("publishing", 95.0, 5.0),
    ]


def test_statistics_are_those_of_the_command(
    client: Open, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.submit()
    (held,) = bench.claim()
    bench.start(held)
    bench.end(held, cost=1.25, result={"rows": 4321, "bytes": 1000})
    failed(bench)
    page = client()
    text = page.get("/statistics?days=7").text
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    assert main(["stats", "--since", "7d", "--json", "--ledger", url]) == 0
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert (job["runs"], job["failed"], job["cost"], job["rows"]) == (2, 1, 1.25, 4321)
    numbers = re.findall(r'<td class="number">([^<]*)</td>', text)
    assert numbers[:3] == ["2", "1", "2"]
    assert "4,321" in numbers
    assert "1.25" in numbers
    assert page.get("/statistics?days=2").status_code == 404


def test_rejects_are_shown_by_reason_with_their_lines(
    client: Open, out: Path, tmp_path: Path
) -> None:
    columns = {"job": pa.string(), "reason": pa.string(), "source_file": pa.string()}
    columns |= {"block_start": pa.int64(), "line_number": pa.int64(), "raw": pa.string()}
    rows = [
        ("access-logs", "bad_status", "file:///in/a.log", 0, number, f"{HOSTILE} {number}")
        for number in range(5)
    ]
    table = pa.table(dict(zip(columns, map(pa.array, zip(*rows, strict=True)), strict=True)))
    table = table.cast(pa.schema(columns))
    fields = [
        (name, "string" if kind == pa.string() else "bigint") for name, kind in columns.items()
    ]
    publish(out, "rejects", fields, {"": table}, "bb")
    answer = client().get("/outputs/0/rejects")
    assert answer.status_code == 200
    assert "bad_status" in answer.text
    assert f"{HOSTILE} 3" not in answer.text
    assert f"{HOSTILE} 0" in html.unescape(answer.text)
    assert safe(answer.text)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/runs/none", 404),
        ("/runs?state=odd", 404),
        ("/workflows/none", 404),
        ("/workflows/none/graph.svg", 404),
        ("/outputs/7/word_counts", 404),
        ("/outputs/0/none", 404),
        ("/outputs/0/..%2f..%2fetc%2fpasswd", 404),
        ("/outputs/0/%2e%2e/_gristmill", 404),
        ("/outputs/-1/word_counts", 404),
        ("/static/..%2fapp.py", 404),
        ("/static/../app.py", 404),
        ("/nowhere", 404),
    ],
)
def test_what_is_not_there_is_refused(client: Open, path: str, code: int) -> None:
    answer = client().get(path)
    assert answer.status_code == code
    assert "Traceback" not in answer.text
    assert "root:" not in answer.text


def test_another_name_is_not_answered(client: Open) -> None:
    page = client()
    assert page.get("/", headers={"host": "evil.example"}).status_code == 400
    assert page.get("/", headers={"host": "localhost:8321"}).status_code == 200


def test_browsers_are_told_to_load_nothing_else(client: Open) -> None:
    headers = client().get("/").headers
    rules = headers["content-security-policy"]
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def fill(ledger: Ledger, count: int) -> None:
    """Runs over a month: of ten, eight succeeded, one failed, one waits."""
    now = time.time()
    run: dict[str, Any] = {
        "request": "r",
        "argv": [],
        "folder": "",
        "queue": "default",
        "priority": 0,
        "share": "default",
        "cores": 1.0,
        "memory": 1,
        "retry": [],
        "submitter": "me",
        "max_attempts": 3,
        "state": "ready",
        "updated": now,
    }
    jobs = ("word-count", "access-logs", "billing-charges")
    times = {f"r{number:06d}": now - 60.0 - number * 25.0 for number in range(count)}
    made = [
        {**run, "id": name, "job": jobs[number % 3], "created": at - 10.0, "due": at}
        for number, (name, at) in enumerate(times.items())
    ]
    tried = [
        {
            "run": name,
            "number": 1,
            "run_key": name,
            "place": "local",
            "worker": "w",
            "started": at,
            "ended": at + 20.0,
            "cost": 0.01,
            "outcome": "failed" if name.endswith("1") else "succeeded",
        }
        for name, at in times.items()
        if not name.endswith("0")
    ]
    held = {"owner": "w", "lease_until": now, "attempt": 1, "started": runs.c.due}
    ended = {"owner": None, "lease_until": None, "ended": runs.c.due + 20.0}
    of = sa.update(runs)
    with ledger.begin() as tx:
        tx.many(sa.insert(runs), made)
        tx.many(sa.insert(attempts), tried)
        tx.run(of.where(runs.c.id.not_like("%0")).values(state="starting", **held))
        tx.run(of.where(runs.c.state == "starting").values(state="running"))
        bad = of.where(runs.c.state == "running", runs.c.id.like("%1"))
        tx.run(bad.values(state="failed", cause="SAID", **ended))
        tx.run(of.where(runs.c.state == "running").values(state="succeeded", **ended))


@pytest.mark.thorough
def test_screens_come_at_once_over_a_hundred_thousand_runs(client: Open, ledger: Ledger) -> None:
    fill(ledger, 100_000)
    page = client()
    for path in (
        *SCREENS,
        "/runs?state=failed&job=access-logs",
        "/runs/r000007",
        "/statistics?days=30",
    ):
        page.get(path)
        began = time.perf_counter()
        assert page.get(path).status_code == 200
        took = time.perf_counter() - began
        # A bound against what grows with the ledger, not a timing: ten times what was seen.
        assert took < 10, (path, took)


def test_a_report_is_made_once_for_each_publish(
    client: Open, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def sections(_found: object, log: Sequence[object]) -> list[object]:
        made.append(len(log))
        return []

    monkeypatch.setattr(screens, "sections", sections)
    page = client()
    assert page.get("/outputs/0/report").text == page.get("/outputs/0/report").text
    publish(out, "others", (("word", "string"),), {"": pa.table({"word": ["a"]})}, "bb")
    assert page.get("/outputs/0/report").status_code == 200
    assert made == [1, 2]


def test_statistics_are_new_as_soon_as_a_run_is(client: Open, bench: Bench) -> None:
    page = client()
    assert "<dd>0<small>" in page.get("/statistics").text
    bench.submit()
    before = page.get("/statistics").text
    assert "<dt>wait, the oldest</dt><dd>1<small>" in before
    bench.submit()
    assert "<dt>wait, the oldest</dt><dd>2<small>" in page.get("/statistics").text
