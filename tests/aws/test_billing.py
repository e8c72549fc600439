"""Cost exports in S3, in every container, and their summaries: the same figures as on disk."""

import gzip
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs.charges import CHARGES
from gristmill.engine.run import Run, execute
from gristmill.errors import FinalError
from gristmill.jobs import billing_charges, billing_summary
from gristmill.jobs.billing_charges import BillingChargesOptions
from gristmill.jobs.billing_summary import BillingSummaryOptions
from gristmill.model.job import AnyJob, Request
from gristmill.model.options import Options
from gristmill.model.report import Report
from gristmill.sample.billing import write_billing
from simulator.s3 import S3Server
from tests.spark.test_billing_charges import CHARGE
from tests.support import reference_billing as reference

EXPORTS = ("cur", "focus")
EARLY = CHARGE | {
    "BillingPeriodStart": "2026-08-01T00:00:00Z",
    "BillingPeriodEnd": "2026-09-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CUR as AWS keeps it in a bucket; FOCUS as a zip, as Parquet and as CSV; and rates."""
    folder = tmp_path_factory.mktemp("exports")
    write_billing(folder, seed=3, usage=60)
    august, september = sorted((folder / "focus").iterdir())
    text = gzip.decompress(august.read_bytes())
    with zipfile.ZipFile(folder / "focus" / "august.csv.zip", "w") as archive:
        archive.writestr("august.csv", text)
    lines = reference.rows_of(september)
    pq.write_table(pa.Table.from_pylist(lines[::2]), folder / "focus" / "september.parquet")
    (folder / "focus" / "september.csv").write_text(reference.to_csv(lines[1::2], lines[0]))
    august.unlink()
    september.unlink()
    days = [date(2026, 8, 1) + timedelta(day) for day in range(61)]
    rates = ["date,from,to,rate", *(f"{day},USD,EUR,0.9{day:%d}" for day in days)]
    (folder / "rates.csv").write_text("\n".join(rates))
    return folder


@pytest.fixture(scope="module")
def bucket(server: S3Server, exports: Path) -> str:
    """A folder of the bucket with the same in it, as a URI."""
    client = server.client()
    for path in exports.rglob("*"):
        if path.is_file():
            key = f"billing/in/{path.relative_to(exports)}"
            client.put_object(Bucket=server.bucket, Key=key, Body=path.read_bytes())
    return f"s3://{server.bucket}/billing"


def run(spark: SparkSession, job: AnyJob, source: str, output: str, options: Options) -> Report:
    return execute(spark, job, Request((source,), output, options), Run.new(), lambda _text: None)


def load_all(spark: SparkSession, source: str, output: str) -> Mapping[str, Counter[str]]:
    """The rows of every table, by its name, without what says where they were read."""
    for export in EXPORTS:
        options = BillingChargesOptions(export=export)
        report = run(spark, billing_charges.JOB, f"{source}/{export}", output, options)
        assert report.rejected == 0
    both = BillingSummaryOptions(
        tag=("Team", "user:Team"), rates=f"{source}/rates.csv", report_currency="EUR"
    )
    run(spark, billing_summary.JOB, output, output, both)
    # What the exports keep to of FOCUS is asked for by --check alone.
    names = [CHARGES, *billing_summary.JOB.writes]
    return {
        dataset.name: Counter(
            str(row)
            for row in spark.read.schema(dataset.ddl)
            .parquet(f"{output}/{dataset.name}")
            .drop("source_file")
            .collect()
        )
        for dataset in names
    }


@pytest.mark.thorough
def test_exports_and_summaries_have_the_figures_that_they_have_on_disk(
    spark: SparkSession, server: S3Server, exports: Path, bucket: str, tmp_path: Path
) -> None:
    there = load_all(spark, f"{bucket}/in", f"{bucket}/out")
    here = load_all(spark, str(exports), str(tmp_path / "out"))
    assert set(there) == set(here)
    for name, rows in here.items():
        assert rows.total() > 0
        assert there[name] == rows, name

    # What is final there is kept, as it is here.
    early = reference.to_csv([EARLY], EARLY)
    server.client().put_object(Bucket=server.bucket, Key="billing/early.csv", Body=early.encode())
    options = BillingChargesOptions(export="focus")
    with pytest.raises(FinalError, match=r"export=focus/billing_period=2026-08 is final"):
        run(spark, billing_charges.JOB, f"{bucket}/early.csv", f"{bucket}/out", options)
