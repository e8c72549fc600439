"""What the documentation says is what the code does."""

import ast
import gzip
import importlib.util
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import gristmill
from gristmill.cloud_costs import cur, focus
from gristmill.cloud_costs.charges import REJECTS
from gristmill.cloud_costs.cur import CATEGORIES
from gristmill.jobs import CATALOGUE
from gristmill.model.options import describe
from gristmill.model.report import DatasetReport, Report
from gristmill.sample import write_samples

ROOT = Path(__file__).parents[2]


def _reference() -> ModuleType:
    """The module that writes pages of the site."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _reference()


def test_the_fields_of_a_report_are_all_described_and_no_others() -> None:
    described = re.findall(r"^\| `([\w.\[\]]+)`", (ROOT / "docs/report.md").read_text(), re.M)
    report = [field.name for field in fields(Report)]
    nested = [f"datasets[].{field.name}" for field in fields(DatasetReport)]
    assert sorted(described) == sorted(report + nested)


def test_the_readme_names_every_job_and_is_short() -> None:
    readme = (ROOT / "README.md").read_text()
    for job in CATALOGUE.values():
        assert re.search(rf"^\| [^|]*`{job.name}`[^|]* \|", readme, re.M), job.name
    assert len(readme.splitlines()) <= 120


def test_every_folder_that_contributors_are_told_of_is_there() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text()
    folders = re.findall(r"^\| `([\w/]+/)`", told, re.M)
    assert len(folders) > 10
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder


def test_every_link_of_the_readme_and_of_contributing_leads_to_a_file() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert (ROOT / link).is_file(), f"{page}: {link}"


def test_the_reference_names_every_job_option_column_code_command_and_public_name() -> None:
    pages = {name: "\n".join(page()) for name, page in reference.PAGES.items()}
    for job in CATALOGUE.values():
        assert f"## `{job.name}`" in pages["jobs"]
        for flag, _, _ in describe(job.options):
            assert flag.split()[0] in pages["jobs"]
        for code in job.reads.rejects:
            assert f"| `{code}` |" in pages["rejects"]
        for dataset in job.writes:
            assert f"## `{dataset.name}`" in pages["datasets"]
            assert all(f"| `{field.name}` |" in pages["datasets"] for field in dataset.fields)
    for name in vars(gristmill)["__all__"]:
        assert f"## `gristmill.{name}`" in pages["python"]
    for command in ("datasets expire", "emr submit", "doctor", "jobs show"):
        assert f"## `gristmill {command}`" in pages["commands"]
    assert "## Verification" in pages["json"]


def test_every_page_of_the_site_is_in_its_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    pages |= {f"reference/{name}.md" for name in reference.PAGES}
    assert {page for page in pages if f": {page}\n" not in menu} == set()


def test_the_job_in_the_readme_is_a_whole_job() -> None:
    code = readme_job()
    scope: dict[str, object] = {"__name__": "statuses"}
    exec(compile(ast.parse(code), "README.md", "exec"), scope)
    assert getattr(scope["JOB"], "name", None) == "statuses"


def test_the_job_in_the_readme_has_right_types(tmp_path: Path) -> None:
    (tmp_path / "statuses.py").write_text(readme_job())
    # As strict, and by the same settings, as ours: what `make types` has seen is not seen again.
    flags = ["--config-file", "pyproject.toml"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, str(tmp_path / "statuses.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


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


def test_the_codes_and_kinds_of_cost_exports_are_all_described() -> None:
    text = (ROOT / "docs/billing.md").read_text()
    codes = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", text, re.M))
    assert codes == REJECTS
    rows = re.findall(r"^\| (`\w+`[^|]*) \| (\w+) \| [\w-]+ \|(?: \w+)? \| [^|]+ \|$", text, re.M)
    kinds = {kind: category for names, category in rows for kind in re.findall(r"`(\w+)`", names)}
    assert {kind: kinds[kind] for kind in CATEGORIES} == CATEGORIES
    assert {kinds[kind] for kind in kinds.keys() - CATEGORIES.keys()} == {"Usage"}
    bold = set(re.findall(r"\*\*`(\w+/\w+)`\*\*", text))
    assert bold == set(cur.REQUIRED)
    assert all(f"`{name}`" in text for name in focus.REQUIRED)


def test_every_column_of_a_report_that_is_read_is_described() -> None:
    text = (ROOT / "docs/billing.md").read_text()
    source = (ROOT / "lib/gristmill/cloud_costs/cur.py").read_text()
    for name in re.findall(
        r'"((?:bill|lineItem|pricing|product|reservation|savingsPlan)/\w+)"', source
    ):
        # A rate that is only checked for being an amount.
        assert f"`{name}`" in text or name == "lineItem/UnblendedRate", name
