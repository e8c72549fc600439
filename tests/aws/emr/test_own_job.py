"""A job of one's own on a cluster: its modules are shipped, and it is found by its name."""

from pathlib import Path

import pytest

from gristmill.shipping.new import new_project
from gristmill.storage.remote import RemoteStorage
from simulator import Simulator
from tests.aws.emr.conftest import Command
from tests.support.own_job import write_own_job


@pytest.mark.thorough
def test_a_job_of_one_s_own_runs_on_a_cluster(
    command: Command, simulator: Simulator, tmp_path: Path
) -> None:
    job, root = write_own_job(tmp_path), f"s3://{simulator.bucket}"
    where = ("--input", f"{root}/in/text", "--output", f"{root}/loud")
    done = command("submit", job, *where)
    assert done.code == 0, done.err
    assert done.out.startswith("shout: ")
    storage = RemoteStorage(f"{root}/loud")
    assert [file.path for file in storage.data_files("loud_lines/kind=text")]


@pytest.mark.thorough
def test_the_job_of_a_new_project_runs_on_a_cluster(
    command: Command, simulator: Simulator, tmp_path: Path
) -> None:
    new_project(tmp_path / "mill")
    log = tmp_path / "mill" / "data" / "sample" / "mill.log"
    simulator.client("s3").upload_file(str(log), simulator.bucket, "mill/mill.log")
    root, job = f"s3://{simulator.bucket}", tmp_path / "mill" / "jobs" / "log_levels.py"
    done = command("submit", job, "--input", f"{root}/mill", "--output", f"{root}/levels")
    assert done.code == 0, done.err
    assert "log-levels: 182 lines in, 2 rejected" in done.out


@pytest.mark.thorough
def test_what_a_cluster_could_not_import_is_found_before_anything_is_uploaded(
    command: Command, simulator: Simulator, tmp_path: Path
) -> None:
    job, root = write_own_job(tmp_path), f"s3://{simulator.bucket}"
    job.write_text(f"import numpy\n{job.read_text()}")
    done = command("submit", job, "--input", f"{root}/in/text", "--output", f"{root}/loud")
    assert done.code == 1
    assert "No module named 'numpy'" in done.err
