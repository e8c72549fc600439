"""The rules of FOCUS, beside a second opinion: the FOCUS group's own validator.

Its newest release knows 1.0, with some names of columns from a version before. It runs in an
environment of its own, as it needs other libraries than this project.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from tests.conftest import RunJob

VALIDATOR = ("focus-validator==1.0.0", "multimethod<2", "typeguard<5")
KINDS = {
    "Enum": "not_allowed",
    "IsDateTime": "not_utc",
    "NotNull": "null",
    "IsDecimal": "not_a_number",
}


@pytest.mark.thorough
def test_another_validator_finds_the_same(
    spark: SparkSession, run_job: RunJob, data: Path, tmp_path: Path
) -> None:
    uv = shutil.which("uv", path=f"{Path('.uv/bin').resolve()}:/usr/local/bin:/usr/bin")
    if uv is None:
        pytest.skip("no uv to install the validator with")
    file = data / "billing" / "focus_1_0" / "focus_sample_1000.csv"
    with_it = [part for one in VALIDATOR for part in ("--with", one)]
    command = [uv, "run", "--no-project", "--isolated", *with_it, "focus-validator"]
    said = subprocess.run(
        [*command, "--data-file", str(file), "--validate-version", "1.0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    failed = re.findall(r"^(\w+)_(\w+) failed:\n.*\n\s+Rows: (.*)$", said.stdout, re.M)
    theirs = {f"{column}.{KINDS[kind]}" for column, kind, _ in failed if kind in KINDS}
    run_job(JOB, file, options=BillingChargesOptions(check=True))
    rows = spark.read.parquet(str(tmp_path / "out" / "focus_conformance")).where("is_broken")
    ours = {row["rule"]: row["charges"] for row in rows.collect()}
    assert theirs, said.stdout + said.stderr
    assert {rule for rule in ours if rule.rpartition(".")[2] in KINDS.values()} == theirs
    assert ours["ChargeFrequency.not_allowed"] == ours["ContractedCost.null"] == 7
