"""What those who register tables may do: change those of one database, and read no row."""

import ast
from pathlib import Path

import boto3
import pytest

from gristmill.emr import glue
from tests.support.account import (
    BUCKET,
    DATA_KEY,
    KEY,
    MINIMAL,
    THROUGH_S3,
    actions,
    policies,
    shown,
    stack,
    template,
)
from tests.support.cloudformation import ACCOUNT, REGION
from tests.support.iam import Call, is_allowed

GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
CATALOG, DATABASE, TABLE = (
    f"{GLUE}:catalog",
    f"{GLUE}:database/web",
    f"{GLUE}:table/web/web_requests",
)
OF_DATABASES = ("CreateDatabase", "GetDatabase")
OF_TABLES = (
    *("BatchCreatePartition", "BatchDeletePartition", "CreateTable", "DeleteTable"),
    *("GetPartitions", "GetTable", "UpdateTable"),
)
LOG = "_gristmill/log/0000000042.json"

ALLOWED = [
    # https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html: all above it.
    *(Call(f"glue:{one}", at) for one in OF_DATABASES for at in (CATALOG, DATABASE)),
    *(Call(f"glue:{one}", at) for one in OF_TABLES for at in (CATALOG, DATABASE, TABLE)),
    Call("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:GetBucketLocation", f"arn:aws:s3:::{BUCKET}"),
    Call("s3:ListBucket", "arn:aws:s3:::lake"),
    Call("s3:GetObject", f"arn:aws:s3:::{BUCKET}/data/web/{LOG}"),
    Call("s3:GetObject", f"arn:aws:s3:::lake/mill/web/{LOG}"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/web/_gristmill/layout.json"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/web/stock/metadata/version-hint.text"),
    Call("kms:Decrypt", KEY, THROUGH_S3),
    Call("kms:Decrypt", DATA_KEY, THROUGH_S3),
]
DENIED = [
    Call("glue:GetTable", f"{GLUE}:table/billing/charges"),
    Call("glue:DeleteTable", f"{GLUE}:table/billing/charges"),
    Call("glue:DeleteDatabase", DATABASE),
    Call("glue:CreateDatabase", f"{GLUE}:database/billing"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/web/stock/date=2026-11-21/1.parquet"),
    Call("s3:GetObject", "arn:aws:s3:::lake/mill/web/stock/data/gristmill_run=b-1/1.parquet"),
    Call("s3:GetObject", f"arn:aws:s3:::others/web/{LOG}"),
    Call("s3:PutObject", f"arn:aws:s3:::lake/mill/web/{LOG}"),
    Call("s3:DeleteObject", f"arn:aws:s3:::lake/mill/web/{LOG}"),
    Call("kms:Decrypt", KEY),
    Call("lakeformation:GrantPermissions"),
]
POLICY = policies("catalog")


@pytest.mark.parametrize("call", ALLOWED, ids=shown)
def test_what_is_needed_is_allowed(call: Call) -> None:
    assert is_allowed(POLICY, call)


@pytest.mark.parametrize("call", DENIED, ids=shown)
def test_what_is_not_needed_is_not_allowed(call: Call) -> None:
    assert not is_allowed(POLICY, call)


def test_what_nobody_needs_is_not_given() -> None:
    assert actions(POLICY) == {call.action for call in ALLOWED}


def test_every_call_that_we_make_is_among_what_is_needed() -> None:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("glue", region_name=REGION, **keys)
    operations = client.meta.method_to_api_mapping
    tree = ast.parse(Path(glue.__file__).read_text(encoding="utf-8"))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    made = {f"glue:{operations[name]}" for name in called if name in operations}
    # Pages of partitions are asked for by the name of the call.
    made |= {"glue:GetPartitions"}
    assert made == {call.action for call in ALLOWED if call.action.startswith("glue:")}


def test_without_a_database_there_is_no_policy() -> None:
    assert template()["Resources"]["CatalogPolicy"]["Condition"] == "HasCatalog"
    assert not stack(MINIMAL).holds("HasCatalog")
    assert stack().holds("HasCatalog")
