"""What the documentation says is what the code does."""

import ast
import gzip
import re
from dataclasses import fields
from pathlib import Path

from gristmill.report import DatasetReport, Report
from gristmill.sample import write_samples
from jobs import CATALOGUE

ROOT = Path(__file__).parents[2]


def test_the_fields_of_a_report_are_all_described_and_no_others() -> None:
    described = re.findall(r"^\| `([\w.\[\]]+)`", (ROOT / "docs/report.md").read_text(), re.M)
    report = [field.name for field in fields(Report)]
    nested = [f"datasets[].{field.name}" for field in fields(DatasetReport)]
    assert sorted(described) == sorted(report + nested)


def test_the_readme_names_every_job_and_every_folder_it_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    for job in CATALOGUE.values():
        assert f"| `{job.name}` |" in readme
        for dataset in job.writes:
            assert f"`{dataset.name}`" in readme
    for folder in re.findall(r"^\| `([\w/]+/)`", readme, re.M):
        assert (ROOT / folder).is_dir(), folder


def test_the_job_in_the_readme_is_a_whole_job() -> None:
    code = readme_job()
    scope: dict[str, object] = {"__name__": "statuses"}
    exec(compile(ast.parse(code), "README.md", "exec"), scope)
    assert getattr(scope["JOB"], "name", None) == "statuses"


def test_the_committed_samples_are_what_the_generator_makes(tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(folder)): (
                gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            )
            for path in folder.rglob("*.*")
        }

    write_samples(tmp_path)
    assert contents(tmp_path) == contents(ROOT / "data" / "sample")


def readme_job() -> str:
    """The first Python block of the README."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert found
    return found[1]
