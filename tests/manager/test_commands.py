"""The commands of the job manager, in this process."""

import json
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from gristmill.cli import main
from gristmill.manager.ledger import open_ledger
from gristmill.manager.ledger.tables import runs
from gristmill.manager.states import RunState
from gristmill.manager.statistics.metrics import serve
from tests.support.ledgers import Bench, Clock

Command = Callable[..., tuple[int, str, str]]
FLAGS = ("--input", "in", "--output", "out")


@pytest.fixture
def command(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Command:
    """Does a command on a new ledger: its exit code, what it gave, and what it said."""
    monkeypatch.setenv("GRISTMILL_LEDGER", url)
    monkeypatch.setenv("GRISTMILL_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)

    def do(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return do


def submitted(command: Command, *words: str) -> str:
    code, out, err = command("submit", *words)
    assert code == 0, err
    return out.strip()


def found(command: Command, *words: str) -> Any:
    code, out, err = command(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def finish(url: str, run: str, state: RunState = RunState.FAILED, **more: Any) -> None:
    """Claim all there is, and end a run."""
    ledger = open_ledger(url)
    bench = Bench(ledger, Clock())
    for held in bench.claim():
        if held.id == run:
            bench.start(held)
            bench.end(held, state, **more)
        else:
            bench.end(held, RunState.READY, outcome="refused")
    ledger.close()


def test_a_run_is_submitted_listed_and_shown(command: Command) -> None:
    run = submitted(command, "--key", "k", "--priority", "3", "word-count", *FLAGS)
    assert submitted(command, "--key", "k", "--priority", "3", "word-count", *FLAGS) == run
    (line,) = found(command, "runs")["runs"]
    assert (line["run"], line["job"], line["state"]) == (run, "word-count", "ready")
    shown = found(command, "runs", "show", "k")
    assert shown["argv"] == list(FLAGS)
    assert [event["after"] for event in shown["events"]] == ["ready"]
    code, out, _ = command("runs", "show", run)
    assert code == 0
    assert "no worker serves queue default: gristmill worker" in out


def test_a_key_that_was_there_is_told(command: Command) -> None:
    submitted(command, "--key", "k", "word-count", *FLAGS)
    _, _, err = command("submit", "--key", "k", "word-count", *FLAGS)
    assert "was there already, under the key k: ready" in err
    code, _, err = command("submit", "--key", "k", "word-count", "--input", "b", "--output", "out")
    assert (code, "asks for something else" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["word-cuont", *FLAGS], "did you mean word-count?"),
        (["word-count", "--input", "in"], "required: --output"),
        (["word-count", *FLAGS, "--min-cuont", "3"], "did you mean --min-count"),
        (["word-count", *FLAGS, "--queue", "x"], "--queue goes before the job"),
        (["--queue", "x", "word-count", *FLAGS], "no queue 'x'; there are: default"),
        (["--on", "nowhere", "word-count", *FLAGS], "no place 'nowhere'"),
        (["--after", "nowhere", "word-count", *FLAGS], "no run nowhere"),
        (["--array", "0", "word-count", *FLAGS], "1 to 100,000 children, not 0"),
        (["--array", "none.txt", "word-count", *FLAGS], "a number, or a file"),
        (["--memory", "much", "word-count", *FLAGS], "is not a size such as"),
        (["--retries", "12", "word-count", *FLAGS], "1 to 10 times"),
        (["--after", "k", "--key", "k", "word-count", *FLAGS], "no run k"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_submitted(
    command: Command, words: list[str], said: str
) -> None:
    code, _, err = command("submit", *words)
    assert code in {1, 2}
    assert said in err
    assert found(command, "runs")["runs"] == []


@pytest.mark.parametrize(
    ("spec", "place"), [('kind = "serverless"', "serverless:mine"), ("", "cluster:mine")]
)
def test_a_spec_is_a_place_by_its_bare_name(
    command: Command,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spec: str,
    place: str,
) -> None:
    monkeypatch.setattr("gristmill.emr.specs.load.CLUSTERS", tmp_path)
    (tmp_path / "mine.toml").write_text(f"{spec}\n")
    run = submitted(command, "--on", "mine", "word-count", *FLAGS)
    ledger = open_ledger(url)
    with ledger.look() as tx:
        assert tx.all(sa.select(runs.c.pinned).where(runs.c.id == run)) == [{"pinned": place}]
    ledger.close()


def test_changes_are_followed_as_lines_of_json(
    command: Command, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = submitted(command, "word-count", *FLAGS)

    def pause(_seconds: float) -> None:
        if "change" in (told := capsys.readouterr().out):
            lines.extend(map(json.loads, told.splitlines()))
            raise KeyboardInterrupt
        lines.extend(map(json.loads, told.splitlines()))
        finish(url, run)

    lines: list[Any] = []
    monkeypatch.setattr("gristmill.cli.manager.runs.time.sleep", pause)
    main(["runs", "--follow", "--json"])
    assert lines[0]["run"]["run"] == run
    changes = [line["change"] for line in lines[1:]]
    first = changes[0]
    assert (first["run"], first["before"], first["after"]) == (run, "ready", "starting")
    assert changes[-1]["after"] == "failed"


def test_an_array_has_an_item_for_each_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "items.txt").write_text("a\n# no item\n\nb\n")
    flags = ("--input", "in/{item}", "--output", "out/{index}")
    run = submitted(command, "--array", "items.txt", "word-count", *flags)
    children = found(command, "runs", "list", "--parent", run)["runs"]
    assert sorted(one["run"] for one in children) == [f"{run}:0", f"{run}:1"]
    argv = found(command, "runs", "show", f"{run}:1")["argv"]
    assert argv == ["--input", "in/b", "--output", "out/1"]
    _, out, _ = command("why", run)
    assert "2 of its 2 children have not ended: 2 ready" in out


def test_runs_are_cancelled_and_tried_again(command: Command) -> None:
    run = submitted(command, "word-count", *FLAGS)
    after = submitted(command, "--after", run, "word-count", *FLAGS)
    _, out, _ = command("why", after)
    assert f"until {run} (word-count) has succeeded: it is ready" in out
    assert command("runs", "cancel", run)[1] == f"{run}: cancelled\n"
    assert f"{run} cancelled" in command("why", after)[1]
    assert command("runs", "retry", run)[1] == f"{run}: ready\n"
    code, _, err = command("runs", "retry", run)
    assert (code, "only what failed" in err) == (2, True)
    code, _, err = command("runs", "cancel", "nowhere")
    assert (code, "no run nowhere" in err) == (1, True)


def test_dead_letters_are_listed_by_cause_and_tried_again_or_dismissed(
    command: Command, url: str
) -> None:
    names = [submitted(command, job, *FLAGS) for job in ("word-count", "access-logs")]
    for name, cause in zip(names, ("SAID", "LOST_NODE"), strict=True):
        finish(url, name, cause=cause, reason=f"it was {cause}", advice="do this")
        command("runs", "show", name)
    letters = found(command, "dead-letter")["runs"]
    assert sorted(one["cause"] for one in letters) == ["LOST_NODE", "SAID"]
    code, _, err = command("dead-letter", "retry")
    assert (code, "--cause" in err) == (2, True)
    assert command("dead-letter", "retry", "--cause", "LOST_NODE")[1] == f"{names[1]}: ready\n"
    assert command("dead-letter", "dismiss", "--all")[1] == f"{names[0]}: dismissed\n"
    assert command("dead-letter")[1] == "no dead letters\n"


def test_a_failure_is_explained(command: Command, url: str) -> None:
    run = submitted(command, "word-count", *FLAGS)
    finish(url, run, cause="SAID", reason="no such input: in", advice="see what the job says")
    _, out, _ = command("runs", "explain", run)
    assert "it is failed: no such input: in" in out
    assert "what to do: see what the job says" in out


SETTINGS = """
[queues.default]
max_runs = 1
[jobs.count]
job = "word-count"
args = ["--input", "in", "--output", "out"]
priority = 7
[schedules.daily]
cron = "0 3 * * *"
job = "count"
"""


def test_settings_are_applied_with_revisions(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "manager.toml"
    file.write_text(SETTINGS)
    code, out, _ = command("manager", "apply")
    assert code == 0
    assert sorted(out.splitlines()) == [
        "added jobs.count (revision 1)",
        "added queues.default (revision 1)",
        "added schedules.daily (revision 1)",
    ]
    assert command("manager", "apply")[1] == "nothing changed\n"
    run = submitted(command, "count", "--corpus", "x")
    shown = found(command, "runs", "show", run)
    assert shown["definition"] == "count:1"
    assert shown["argv"] == [*FLAGS, "--corpus", "x"]
    file.write_text(SETTINGS.replace("priority = 7", "priority = 8"))
    assert command("manager", "apply")[1] == "changed jobs.count (revision 2)\n"
    file.write_text("")
    code, _, err = command("manager", "apply")
    assert (code, "queues.default has runs" in err) == (4, True)
    command("runs", "cancel", run)
    assert "retired jobs.count (revision 2)" in command("manager", "apply")[1]


def test_a_queue_is_paused_and_goes_on(command: Command) -> None:
    run = submitted(command, "word-count", *FLAGS)
    assert "is paused" in command("queues", "pause", "default")[2]
    assert "queue default is paused since" in command("why", run)[1]
    (queue,) = found(command, "queues")["queues"]
    assert (queue["ready"], queue["is_paused"]) == (1, True)
    assert "goes on" in command("queues", "resume", "default")[2]
    code, _, err = command("queues", "pause", "defalt")
    assert (code, "did you mean default?" in err) == (2, True)


def test_schedules_are_shown_paused_and_made_up_for(command: Command, tmp_path: Path) -> None:
    (tmp_path / "manager.toml").write_text(SETTINGS)
    command("manager", "apply")
    (schedule,) = found(command, "schedules")["schedules"]
    assert len(schedule["next"]) == 3
    assert {time[11:] for time in schedule["next"]} == {"03:00:00+00:00"}
    assert "At 03:00" in command("schedules")[1]
    span = ("--from", "2026-03-01", "--to", "2026-03-03")
    fires = found(command, "schedules", "backfill", "daily", *span)["fires"]
    assert [one["outcome"] for one in fires] == ["submitted", "submitted"]
    assert "is paused" in command("schedules", "pause", "daily")[2]
    code, _, err = command("schedules", "pause", "dayly")
    assert (code, "did you mean daily?" in err) == (2, True)
    code, _, err = command("schedules", "backfill", "daily", "--from", "then", "--to", "now")
    assert (code, "is no time such as" in err) == (2, True)


def test_figures_are_those_of_what_ended(command: Command, url: str) -> None:
    run = submitted(command, "word-count", *FLAGS)
    ledger = open_ledger(url)
    bench = Bench(ledger, clock := Clock())
    with ledger.begin() as tx:
        now = tx.all(sa.select(runs.c.created))[0]["created"]
    ledger.close()
    clock.now = now + 10
    bench = Bench(open_ledger(url, clock), clock)
    (held,) = bench.claim()
    clock.forward(20)
    bench.end(held, result={"rows": 5, "bytes": 7})
    bench.ledger.close()
    (job,) = found(command, "stats")["jobs"]
    assert (job["runs"], job["failed"], job["rows"]) == (1, 0, 5)
    assert job["wait"]["p50"] == pytest.approx(10)
    assert job["took"]["p99"] == pytest.approx(20)
    assert run


def test_the_ledger_is_exported_as_parquet_and_pruned(
    command: Command, url: str, tmp_path: Path
) -> None:
    done, waits = submitted(command, "word-count", *FLAGS), ""
    finish(url, done, RunState.SUCCEEDED)
    waits = submitted(command, "access-logs", *FLAGS)
    counts = found(command, "ledger", "export", str(tmp_path / "export"))["counts"]
    assert counts["manager_runs"] == 2
    table = pq.read_table(tmp_path / "export" / "manager_events")
    assert table.column("after").to_pylist().count("succeeded") == 1
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert found(command, "ledger", "prune", "--older-than", "1d")["counts"]["runs"] == 0
    ledger = open_ledger(url)
    with ledger.begin() as tx:
        tx.run(runs.update().where(runs.c.id == done).values(ended=1.0))
    ledger.close()
    assert found(command, "ledger", "prune", "--older-than", "1d")["counts"]["runs"] == 1
    assert [one["run"] for one in found(command, "runs")["runs"]] == [waits]


def test_metrics_are_read_from_the_ledger_at_each_scrape(command: Command, url: str) -> None:
    ledger = open_ledger(url)
    server = serve(ledger, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/metrics"

        def scraped() -> str:
            with urllib.request.urlopen(address) as answer:
                return str(answer.read().decode())

        assert "gristmill_backlog 0.0" in scraped()
        submitted(command, "word-count", *FLAGS)
        text = scraped()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        ledger.close()
    assert "gristmill_backlog 1.0" in text
    assert 'gristmill_runs{queue="default",state="ready"} 1.0' in text


def test_a_ledger_that_cannot_be_is_refused(command: Command, tmp_path: Path) -> None:
    for url, said in (
        ("sqlite://", "would be lost"),
        ("mysql://h/d", "names no ledger"),
        ("nonsense", "names no ledger"),
        ("postgresql://nobody@127.0.0.1:1/none", "does not answer"),
    ):
        code, _, err = command("runs", "--ledger", url)
        assert code in {1, 2}
        assert said in err, err


def test_what_is_left_of_a_run_goes_by_runs_of_its_kind(command: Command, url: str) -> None:
    names = [submitted(command, "word-count", *FLAGS, "--corpus", str(n)) for n in range(3)]
    clock = Clock()
    with (ledger := open_ledger(url, clock)).begin() as tx:
        clock.now = tx.all(sa.select(sa.func.max(runs.c.created).label("at")))[0]["at"]
    bench = Bench(ledger, clock)
    for seconds in (40, 60):
        (held,) = bench.claim(most=1)
        bench.start(held)
        clock.forward(seconds)
        bench.end(held)
    (held,) = bench.claim(most=1)
    bench.start(held)
    ledger.close()
    left = found(command, "runs", "show", held.id)["seconds_left"]
    # The median of two is the lower; by the machine's clock, the run began in the future.
    assert 40 <= left < 240
    assert held.id in names
