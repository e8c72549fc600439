"""The console: results on standard output, all else on standard error, and not too much of it."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from gristmill.cli.console import TerminalConsole, console
from gristmill.model.progress import Progress
from gristmill.model.report import DatasetReport, Report
from gristmill.script.console import Console, Speech, render

REPORT = Report(
    run="r",
    job="word-count",
    state="succeeded",
    options={},
    inputs=("a.txt",),
    output="file:///out",
    started="2026-11-21T13:42:00+00:00",
    seconds=2.0,
    lines=7,
    rejected=0,
    datasets=(
        DatasetReport(
            name="word_counts", rows=1234, partitions=1, files=1, bytes=999, uri="file:///out/w"
        ),
    ),
)

Clock = Callable[[float], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the time to so many seconds."""

    def set_time(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: seconds)

    set_time(1000.0)
    return set_time


def test_a_result_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Console().result(REPORT)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.split("\n") == [
        "word-count: 7 lines in, 0 rejected, 2.0 s",
        "dataset       rows  partitions  files  bytes  where",
        "-----------  -----  ----------  -----  -----  -------------",
        "word_counts  1,234           1      1  999 B  file:///out/w",
        "",
    ]


def test_all_else_goes_to_standard_error(capsys: pytest.CaptureFixture[str], at: Clock) -> None:
    plain = Console()
    at(2000.0)
    plain.tell("format: common (recognised)")
    plain.progress(Progress("writing", tasks=8, done=5))
    plain.fail("no such input: x")
    plain.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert re.sub(r"\d\d:\d\d:\d\dZ", "TIME", err).split("\n") == [
        "TIME  format: common (recognised)",
        "TIME  writing: 5 of 8 tasks",
        "gristmill: no such input: x",
        "",
    ]


def test_progress_is_told_every_few_seconds_at_most(
    capsys: pytest.CaptureFixture[str], at: Clock
) -> None:
    plain = Console()
    told = []
    for tenth in range(400):  # forty seconds
        at(1000.0 + tenth / 10)
        plain.progress(Progress("writing", tasks=200, done=tenth))
        if capsys.readouterr().err:
            told.append(tenth / 10)
    assert told == [*range(2, 20, 2), 28.0, 38.0]


def test_a_short_run_tells_no_progress(capsys: pytest.CaptureFixture[str], at: Clock) -> None:
    plain = Console()
    at(1001.9)
    plain.progress(Progress("starting"))
    assert capsys.readouterr() == ("", "")


def test_plain_lines_are_for_what_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert type(console(Speech())) is Console
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert type(console(Speech())) is TerminalConsole


def test_a_terminal_is_told_the_same_in_the_same_places(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = TerminalConsole(Speech())
    terminal.tell("reading [bold]a[1].log[/bold] " + "x" * 200)
    terminal.result(REPORT)
    terminal.fail("no such input: x")
    out, err = capsys.readouterr()
    assert out.startswith("word-count: 7 lines in")
    assert err == f"reading [bold]a[1].log[/bold] {'x' * 200}\ngristmill: no such input: x\n"


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    rows = [("the", "12,345", "0.5 kB"), ("a", "7", "999 B"), ("über", "310", "12 B")]
    assert render(("word", "count", "size"), rows) == [
        "word   count    size",
        "----  ------  ------",
        "the   12,345  0.5 kB",
        "a          7   999 B",
        "über     310    12 B",
    ]


def test_a_column_with_anything_but_numbers_is_to_the_left() -> None:
    assert render(("mixed", "text"), [("1", "a"), ("x", "1"), ("222", "")]) == [
        "mixed  text",
        "-----  ----",
        "1      a",
        "x      1",
        "222",
    ]


def test_no_line_ends_with_blanks() -> None:
    lines = render(("name", "what"), [("a", ""), ("b", "long text")])
    assert lines == [line.rstrip() for line in lines]


def test_a_table_without_rows_is_its_heading() -> None:
    assert render(("dataset", "rows"), []) == ["dataset  rows", "-------  ----"]


def test_quiet_says_errors_and_the_result_alone(
    capsys: pytest.CaptureFixture[str], at: Clock
) -> None:
    quiet = Console(Speech(level=-1))
    at(2000.0)
    quiet.tell("format: common (recognised)")
    quiet.progress(Progress("reading"))
    quiet.fail("no such input: x")
    quiet.result(REPORT)
    out, err = capsys.readouterr()
    assert err == "gristmill: no such input: x\n"
    assert out.startswith("word-count: 7 lines in")


def test_verbose_says_how_long_each_phase_took(
    capsys: pytest.CaptureFixture[str], at: Clock
) -> None:
    verbose = Console(Speech(level=1))
    verbose.progress(Progress("listing"))
    at(1001.5)
    verbose.progress(Progress("reading"))
    assert capsys.readouterr().err.endswith("listing took 1.5 s\n")


def test_a_log_of_json_has_the_time_the_level_and_the_numbers(
    capsys: pytest.CaptureFixture[str], at: Clock
) -> None:
    talking = Console(Speech(log_format="json", as_json=True))
    at(2000.0)
    talking.tell("format: common (recognised)")
    talking.progress(Progress("reading", tasks=8, done=5, read=10, bytes=40))
    talking.fail("no such input: x")
    talking.result(REPORT)
    out, err = capsys.readouterr()
    told = [json.loads(line) for line in err.splitlines()]
    assert all(datetime.fromisoformat(line.pop("time")).tzinfo for line in told)
    assert told == [
        {"level": "info", "message": "format: common (recognised)"},
        {
            "level": "progress",
            "message": "reading: 10 B of 40 B, 5 of 8 tasks",
            "phase": "reading",
            "tasks": 8,
            "done": 5,
            "read": 10,
            "bytes": 40,
        },
        {"level": "error", "message": "no such input: x"},
    ]
    assert json.loads(out) == json.loads(REPORT.to_bytes())


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (Progress("starting"), "starting"),
        (Progress("listing", 4, 1), "listing: 1 of 4 tasks"),
        (Progress("reading", 300, 0, 0, 9_800_000_000), "reading: 9.8 GB, 0 of 300 tasks"),
        (
            Progress("reading", 300, 100, 3_100_000_000, 9_800_000_000),
            "reading: 3.1 GB of 9.8 GB, 100 of 300 tasks",
        ),
        (Progress("reading", 3, 3, 50, 40), "reading: 40 B of 40 B, 3 of 3 tasks"),
        (Progress("publishing"), "publishing"),
    ],
)
def test_progress_names_the_phase_and_the_whole(progress: Progress, told: str) -> None:
    assert str(progress) == told


@pytest.mark.parametrize("width", [50, 200])
def test_at_a_terminal_the_result_fits_and_no_path_is_broken(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    TerminalConsole(Speech()).result(REPORT)
    told = capsys.readouterr().out.splitlines()
    assert any(line.endswith(REPORT.output if width == 50 else "file:///out/w") for line in told)
    assert max(map(len, told[1:])) <= max(width, len(f"in {REPORT.output}"))
