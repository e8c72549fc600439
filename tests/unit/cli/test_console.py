"""The console: results on standard output, all else on standard error, and not too much of it."""

import time
from collections.abc import Callable

import pytest

from gristmill.cli.console import TerminalConsole, console
from gristmill.model.progress import Progress
from gristmill.model.report import DatasetReport, Report
from gristmill.script.console import Console, render

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
    plain.progress(Progress(stage=3, tasks=8, done=5))
    plain.fail("no such input: x")
    plain.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.split("\n") == [
        "format: common (recognised)",
        "stage 3: 5 of 8 tasks done",
        "gristmill: no such input: x",
        "",
    ]


def test_progress_is_told_every_few_seconds_at_most(
    capsys: pytest.CaptureFixture[str], at: Clock
) -> None:
    plain = Console()
    told = []
    for tenth in range(200):  # twenty seconds
        at(1000.0 + tenth / 10)
        plain.progress(Progress(stage=0, tasks=200, done=tenth))
        if capsys.readouterr().err:
            told.append(tenth / 10)
    assert told == [5.0, 10.0, 15.0]


def test_a_short_run_tells_no_progress(capsys: pytest.CaptureFixture[str], at: Clock) -> None:
    plain = Console()
    at(1004.9)
    plain.progress(Progress(stage=0, tasks=2, done=1))
    assert capsys.readouterr() == ("", "")


def test_plain_lines_are_for_what_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert type(console()) is Console
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert type(console()) is TerminalConsole


def test_a_terminal_is_told_the_same_in_the_same_places(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = TerminalConsole()
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
