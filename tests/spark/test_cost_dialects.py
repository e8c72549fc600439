"""Exports of FOCUS as clouds write them: Oracle's preview of 1.0, Google's tables in Parquet.

Oracle: https://docs.oracle.com/en-us/iaas/Content/Billing/Concepts/costusagereportsoverview.htm,
Google: https://docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/focus-export.
"""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from gristmill.errors import InputError
from gristmill.jobs import billing_statements
from gristmill.jobs.billing_charges import JOB, BillingChargesOptions
from gristmill.jobs.billing_statements import BillingStatementsOptions
from tests.conftest import RunJob

ORACLE = {
    "AvailabilityZone": "AD-1",
    "BilledCost": "0.5",
    "BillingAccountId": "4711",
    "BillingAccountName": "mill",
    "BillingCurrency": "EUR",
    "BillingPeriodEnd": "2026-10-01T00:00Z",
    "BillingPeriodStart": "2026-09-01T00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "OCPU hours",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2026-09-05T01:00Z",
    "ChargePeriodStart": "2026-09-05T00:00Z",
    "ChargeSubcategory": "On-Demand",
    "CommitmentDiscountCategory": "",
    "CommitmentDiscountId": "",
    "CommitmentDiscountName": "",
    "CommitmentDiscountType": "",
    "EffectiveCost": "0.4",
    "InvoiceIssuer": "Oracle",
    "ListCost": "1.0",
    "ListUnitPrice": "0.25",
    "PricingCategory": "",
    "PricingQuantity": "4",
    "PricingUnit": "OCPU Hours",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": "eu-frankfurt-1",
    "ResourceId": "ocid1.instance.1",
    "ResourceName": "",
    "ResourceType": "instance",
    "ServiceCategory": "Compute",
    "ServiceName": "COMPUTE",
    "SkuId": "B1",
    "SkuPriceId": "",
    "SubAccountId": "ocid1.tenancy.1",
    "SubAccountName": "mill",
    "Tags": '{"Oracle-Tags/CreatedBy": "ada", "team": "flour"}',
    "UsageQuantity": "3.5",
    "UsageUnit": "OCPU Hours",
    "oci_ReferenceNumber": "n1",
    "oci_CompartmentId": "ocid1.compartment.1",
    "oci_OverageFlag": "N",
    "oci_CostOverage": "",
    "oci_AttributedCost": "",
    "oci_BackReferenceNumber": "",
}


def write_oracle(folder: Path, day: int, *rows: Mapping[str, str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ORACLE))
    writer.writeheader()
    writer.writerows({**ORACLE, **row} for row in rows)
    place = folder / "FOCUS Reports" / "2026" / "09" / f"{day:02}"
    place.mkdir(parents=True)
    (place / "0001000000012345-00001.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))


def load(spark: SparkSession, run_job: RunJob, place: Path) -> tuple[Any, list[dict[str, Any]]]:
    report = run_job(JOB, place, options=BillingChargesOptions())
    output = Path(report.output.removeprefix("file:")) / "charges"
    rows = spark.read.parquet(str(output)).orderBy("charge_description").collect()
    return report, [row.asDict(recursive=True) for row in rows]


def test_oracle_writes_the_preview_of_1_0(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    write_oracle(
        tmp_path,
        5,
        {},
        {"ChargeDescription": "P used", "ChargeSubcategory": "Used Commitment"},
        {"ChargeDescription": "P unused", "ChargeSubcategory": "Unused Commitment"},
        {
            "ChargeDescription": "Q promo",
            "ChargeCategory": "Adjustment",
            "ChargeSubcategory": "Credit",
            "BilledCost": "-1E-1",
        },
        {
            "ChargeDescription": "R refund",
            "ChargeCategory": "Adjustment",
            "ChargeSubcategory": "Refund",
        },
    )
    write_oracle(tmp_path, 6, {"ChargeDescription": "Z the next day"})
    report, rows = load(spark, run_job, tmp_path / "FOCUS Reports")
    assert (report.lines, report.rejected, report.unread) == (8, 0, {})
    assert "format: FOCUS 1.0-preview (recognised)" in report.notes
    assert any("has no contracted cost: it is null" in note for note in report.notes)
    assert not [note for note in report.notes if "FOCUS 1.4 does not" in note]
    first = rows[0]
    assert {
        name: first[name]
        for name in (
            *("invoice_issuer_name", "provider_name", "service_provider_name", "publisher_name"),
            *("region_id", "region_name", "consumed_quantity", "consumed_unit", "contracted_cost"),
            *("charge_period_start", "billing_period", "tags"),
        )
    } == {
        "invoice_issuer_name": "Oracle",
        "provider_name": "Oracle",
        "service_provider_name": "Oracle",
        "publisher_name": "Oracle",
        "region_id": "eu-frankfurt-1",
        "region_name": None,
        "consumed_quantity": Decimal("3.5"),
        "consumed_unit": "OCPU Hours",
        "contracted_cost": None,
        "charge_period_start": datetime(2026, 9, 5),
        "billing_period": "2026-09",
        "tags": {"Oracle-Tags/CreatedBy": "ada", "team": "flour"},
    }
    assert [
        (row["charge_description"], row["charge_category"], row["commitment_discount_status"])
        for row in rows[1:5]
    ] == [
        ("P unused", "Usage", "Unused"),
        ("P used", "Usage", "Used"),
        ("Q promo", "Credit", None),
        ("R refund", "Adjustment", None),
    ]
    assert sum(row["billed_cost"] for row in rows) == Decimal("2.4")


def test_what_is_saved_is_not_split_where_contracted_costs_are_unknown(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    write_oracle(tmp_path / "in", 5, {}, {})
    report, _ = load(spark, run_job, tmp_path / "in")
    output = Path(report.output.removeprefix("file:"))
    run_job(
        billing_statements.JOB,
        output / "charges",
        options=BillingStatementsOptions(),
        output=tmp_path / "tables",
    )
    (found,) = spark.read.parquet(str(tmp_path / "tables" / "savings")).collect()
    assert (found["list_cost"], found["effective_cost"], found["savings"]) == (
        Decimal(2),
        Decimal("0.8"),
        Decimal("1.2"),
    )
    unknown = ("contracted_cost", "negotiated_savings", "commitment_savings")
    assert [found[name] for name in unknown] == [None] * 3


def test_the_preview_is_held_against_no_rules(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    write_oracle(tmp_path, 5, {})
    with pytest.raises(InputError, match=r"--check knows the rules since 1\.0"):
        run_job(JOB, tmp_path, options=BillingChargesOptions(check=True))


def _google(tags: Sequence[tuple[str, str, bool]], cost: str) -> dict[str, Any]:
    money, start = Decimal(cost), datetime(2026, 9, 1, tzinfo=UTC)
    names = ("Key", "Value", "x_Inherited")
    return {
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), money),
        "BillingAccountId": "0A1B2C-3D4E5F-678901",
        "BillingAccountType": "Billing Account",
        "BillingCurrency": "CHF",
        "BillingPeriodStart": start,
        "BillingPeriodEnd": datetime(2026, 10, 1, tzinfo=UTC),
        "ChargePeriodStart": start,
        "ChargePeriodEnd": datetime(2026, 9, 1, 1, tzinfo=UTC),
        "ChargeCategory": "Usage",
        "ChargeDescription": cost,
        "InvoiceId": None,
        "ProviderName": "Google Cloud",
        "ServiceName": "Compute Engine",
        "SubAccountId": "mill-prod",
        "Tags": [dict(zip(names, tag, strict=True)) | {"x_Namespace": None} for tag in tags],
        "x_Credits": [{"Id": "c1", "Amount": Decimal("-0.1")}],
        "x_ExportTime": datetime(2026, 9, 2, tzinfo=UTC),
    }


def test_google_writes_tags_as_lists_with_capital_letters(
    spark: SparkSession, run_job: RunJob, tmp_path: Path
) -> None:
    rows = [
        _google([("team", "flour", False), ("team", "all", True), ("env", "prod", True)], "0.1"),
        _google([("note", 'says "Key": "x"', False)], "0.000000001"),
        _google([], "1"),
    ]
    money, time, text = pa.decimal128(38, 9), pa.timestamp("us", "UTC"), pa.string()
    tag = [("Key", text), ("Value", text), ("x_Inherited", pa.bool_()), ("x_Namespace", text)]
    kinds: dict[str, Any] = {
        "Tags": pa.list_(pa.struct(tag)),
        "x_Credits": pa.list_(pa.struct([("Id", text), ("Amount", money)])),
    }
    schema = [(name, kinds.get(name, _kind(name, money, time, text))) for name in rows[0]]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(schema)), tmp_path / "in" / "a.parquet")
    report, found = load(spark, run_job, tmp_path / "in")
    assert (report.lines, report.rejected) == (3, 0)
    assert "format: FOCUS 1.2 (recognised)" in report.notes
    assert [(row["billed_cost"], row["tags"]) for row in found] == [
        (Decimal("0.000000001"), {"note": 'says "Key": "x"'}),
        (Decimal("0.1"), {"team": "flour", "env": "prod"}),
        (Decimal(1), {}),
    ]


def _kind(name: str, money: Any, time: Any, text: Any) -> Any:
    if name.endswith("Cost"):
        return money
    return time if "Period" in name or name.endswith("Time") else text
