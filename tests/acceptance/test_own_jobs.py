"""A job of one's own: run by its file or, in a project, by its name, with modules beside it."""

import json
import re
import subprocess
from pathlib import Path

import pyarrow.dataset as arrow
import pytest

from gristmill.jobs import access_logs
from tests.conftest import RunJob
from tests.support.own_job import write_own_job
from tests.support.process import BIN, ROOT, TIMEOUT, Finished, environment


def inside(folder: Path, *words: str | Path) -> Finished:
    """`gristmill` with these words, in a folder that is no clone of ours."""
    done = subprocess.run(
        [BIN / "gristmill", *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=folder,
        env=environment(),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_own_job(folder / "steps")
    (folder / "in.txt").write_text("one\ntwo\n")
    return folder


@pytest.mark.thorough
def test_a_file_is_a_job(project: Path) -> None:
    done = inside(project, "run", "steps/shout_job.py", "--input", "in.txt", "--output", "out")
    assert done.code == 0, done.err
    assert "shout: 2 lines in, 0 rejected" in done.out
    table = arrow.dataset(project / "out" / "loud_lines", partitioning="hive").to_table()
    assert sorted(table["line"].to_pylist()) == ["ONE!", "TWO!"]


def test_a_project_s_jobs_are_listed_shown_and_run_by_name(project: Path, tmp_path: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.gristmill]\njobs = ["steps.shout_job"]\n'
        '[tool.gristmill.lineage]\nto = "events/lineage.jsonl"\n'
    )
    (project / "steps" / "__init__.py").touch()
    folder = project / "steps"
    # What lies beside a module of a package is another module of it.
    job = folder / "shout_job.py"
    job.write_text(job.read_text().replace("from loud_words", "from steps.loud_words"))
    listed = inside(folder, "jobs")
    assert listed.code == 0, listed.err
    assert "shout" in listed.out
    assert "Say it louder." in listed.out
    assert "loud_lines" in inside(project, "jobs", "show", "shout").out
    out = tmp_path / "out"
    assert inside(folder, "run", "shout", "--input", "no.txt", "--output", out).code != 0
    assert not out.exists()
    done = inside(folder, "run", "shout", "--input", project / "in.txt", "--output", out)
    assert done.code == 0, done.err
    assert inside(folder, "run", "shout", "--input", "no.txt", "--output", out).code != 0
    # What lineage hears of them, as the project says.
    told = (project / "events" / "lineage.jsonl").read_text().splitlines()
    events = [json.loads(one) for one in told]
    assert [one["eventType"] for one in events] == ["FAIL", "COMPLETE", "FAIL"]
    assert {one["job"]["name"] for one in events} == {"shout"}
    assert len({one["run"]["runId"] for one in events}) == 3
    assert "no.txt" in events[0]["run"]["facets"]["errorMessage"]["message"]


def test_a_file_that_is_no_job_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken_job.py").write_text("import os\nJOB = no_such_name\n")
    done = inside(tmp_path, "run", "broken_job.py", "--input", "x", "--output", "y")
    assert done.code == 2
    wrong = "broken_job.py:2 does not load: NameError: name 'no_such_name' is not defined"
    assert done.err == f"gristmill: {wrong}\n"


@pytest.mark.thorough
def test_the_readme_s_job_runs_from_a_file_anywhere(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('::1 - - [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n')
    run_job(access_logs.JOB, tmp_path / "a.log")
    (found,) = re.findall(
        r"```python\n(.*?JOB = .*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    (tmp_path / "statuses.py").write_text(found)
    done = inside(tmp_path, "run", "statuses.py", "--input", "out", "--output", "out")
    assert done.code == 0, done.err
    table = arrow.dataset(tmp_path / "out" / "statuses", partitioning="hive").to_table()
    assert table.to_pylist() == [{"status": 200, "requests": 1, "date": "2026-11-25"}]
