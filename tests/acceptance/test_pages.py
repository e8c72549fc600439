"""What the pages of the documentation tell to type and to write is what works."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gristmill
from gristmill.errors import GristmillError
from tests.acceptance.test_own_jobs import inside
from tests.support.process import ROOT, TIMEOUT, environment


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in a language."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(block: str) -> Iterator[tuple[list[str], list[str]]]:
    """The commands of a console, each with the lines that it is said to print."""
    for part in block.split("$ gristmill ")[1:]:
        command, *told = part.rstrip("\n").split("\n")
        yield command.split(), told


def plain(line: str) -> str:
    """A line without what differs from run to run: times, sizes, and the width of columns."""
    line = re.sub(r"\d+\.\d s$", "N s", re.sub(r"[\d.]+ k?B\b", "N B", line))
    return re.sub(r"\s+|-{9,}", " ", line).strip()


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who has done the tutorial, all of whose commands said what it says."""
    folder = tmp_path_factory.mktemp("tutorial")
    orders = folder / "orders.csv"
    orders.write_text(blocks("tutorial.md", "csv")[0])
    (folder / "daily_revenue.py").write_text(blocks("tutorial.md", "python")[0])
    for number, block in enumerate(blocks("tutorial.md", "console")):
        if number == 2:
            orders.write_text(orders.read_text().replace("a lot", "40.00"))
        for words, told in commands(block):
            done = inside(folder, *words)
            assert done.code == 0, done.err
            said = done.out.replace(folder.as_uri(), "file:///home/me")
            assert list(map(plain, said.splitlines())) == list(map(plain, told))
    return folder


@pytest.mark.thorough
def test_the_tutorial_ends_with_the_corrected_days(tutorial: Path) -> None:
    rows = gristmill.open(tutorial / "out")["daily_revenue"].arrow().to_pylist()
    found = {(str(row["placed"]), row["currency"]): str(row["revenue"]) for row in rows}
    assert found == {
        ("2026-01-05", "EUR"): "19.75",
        ("2026-01-05", "USD"): "20.00",
        ("2026-01-06", "EUR"): "43.10",
    }


@pytest.mark.thorough
def test_its_output_is_read_as_the_page_says(tutorial: Path) -> None:
    script = "\n".join(blocks("how-to-read.md", "python"))
    script += f"\nimport duckdb\nprint(duckdb.sql('''{blocks('how-to-read.md', 'sql')[0]}'''))"
    done = python(tutorial, "-c", script)
    assert "62.85" in done  # EUR of both days
    assert "39.75" in done  # of the 5th, by DuckDB alone


@pytest.mark.thorough
def test_its_job_is_tested_and_scheduled_as_the_pages_say(tutorial: Path) -> None:
    (tutorial / "test_daily_revenue.py").write_text(blocks("how-to-test.md", "python")[0])
    assert "1 passed" in python(tutorial, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "0 rejected" in python(tutorial, "-c", blocks("how-to-schedule.md", "python")[0])


def python(folder: Path, *words: str) -> str:
    """What Python prints, which has to end well."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.thorough
def test_the_reader_of_the_page_reads_and_rejects(tmp_path: Path) -> None:
    (tmp_path / "rooms.py").write_text(blocks("how-to-reader.md", "python")[0])
    (tmp_path / "a.txt").write_text(
        "2026-01-05T10:00 kitchen 21.5\nhello\n2026-02-30T10:00 kitchen 21.5\n"
    )
    report = gristmill.run(tmp_path / "rooms.py", input=tmp_path / "a.txt", output=tmp_path / "out")
    assert report.rejects == {"not_a_reading": 1, "no_such_time": 1}
    (row,) = gristmill.open(tmp_path / "out")["room_temperatures"].arrow().to_pylist()
    assert (row["room"], row["celsius"]) == ("kitchen", 21.5)


@pytest.mark.thorough
def test_the_checks_of_the_page_hold(tmp_path: Path) -> None:
    code = blocks("how-to-check.md", "python")[0]
    (tmp_path / "short.py").write_text(code)
    (tmp_path / "a.txt").write_text("short\n" + 30 * "x" + "\n")
    report = gristmill.run(tmp_path / "short.py", input=tmp_path / "a.txt", output=tmp_path / "out")
    assert report.rejects == {"too_long": 1}
    wrong = code.replace('F.length("line").alias', "F.lit(7).alias").replace("short", "wrong")
    (tmp_path / "wrong.py").write_text(wrong)
    with pytest.raises(GristmillError, match="length_is_right"):
        gristmill.run(tmp_path / "wrong.py", input=tmp_path / "a.txt", output=tmp_path / "out")
