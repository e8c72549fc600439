"""Which files of a folder count: manifests, older deliveries, and what cannot be told apart."""

import json
from collections.abc import Mapping, Sequence

import pytest

from gristmill.cloud_costs.delivery import files_of, is_data
from gristmill.errors import InputError

ROOT = "s3://billing/aws/mill"
SEPTEMBER = f"{ROOT}/20260901-20261001"
OLD, NEW = "0ab0c1d2-0000-4000-8000-0123456789ab", "20261002T101500Z"


def manifest(*keys: str, name: str = "reportKeys") -> bytes:
    return json.dumps({"assemblyId": "x", name: keys}).encode()


def chosen(
    uris: Sequence[str], manifests: Mapping[str, bytes] | None = None
) -> tuple[list[str], list[str]]:
    """The files to read, and those that are left out."""
    contents = manifests or {}
    found = files_of([*uris, *contents], contents.__getitem__)
    return found.files, found.others


def parts(folder: str, *numbers: int, ending: str = "csv.gz") -> list[str]:
    return [f"{folder}/mill-{number}.{ending}" for number in numbers]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a.csv", True),
        ("a.csv.gz", True),
        ("A.CSV.ZIP", True),
        ("a.snappy.PARQUET", True),
        ("a-Manifest.json", False),
        ("create-table.sql", False),
        ("cost_and_usage_data_status/cost_and_usage_data_status.parquet", False),
    ],
)
def test_a_file_may_hold_charges_by_its_name(name: str, is_one: bool) -> None:
    assert is_data(f"s3://bucket/{name}") is is_one


def test_the_manifest_of_the_period_says_which_delivery_counts() -> None:
    old, new = parts(f"{SEPTEMBER}/{OLD}", 1, 2), parts(f"{SEPTEMBER}/{NEW}", 1, 2)
    keys = [uri.removeprefix("s3://billing") for uri in new]
    manifests = {
        f"{SEPTEMBER}/{OLD}/mill-Manifest.json": manifest("nothing that is there"),
        f"{SEPTEMBER}/{NEW}/mill-Manifest.json": manifest(*keys),
        f"{SEPTEMBER}/mill-Manifest.json": manifest(*keys),
    }
    assert chosen([*old, *new], manifests) == (new, old)


def test_the_folder_of_one_delivery_is_read_by_its_own_manifest() -> None:
    old = parts(f"{SEPTEMBER}/{OLD}", 1, 2)
    listing = {f"{SEPTEMBER}/{OLD}/mill-Manifest.json": manifest(*(uri[12:] for uri in old))}
    assert chosen(old, listing) == (old, [])


def test_an_export_that_overwrites_keeps_its_manifest_beside_its_files() -> None:
    files, stray = parts(SEPTEMBER, 1, 2), [*parts(SEPTEMBER, 3), f"{ROOT}/old/mill-1.csv.gz"]
    listing = {f"{SEPTEMBER}/mill-Manifest.json": manifest(*(uri[12:] for uri in files))}
    assert chosen([*files, *stray], listing) == (files, stray)


@pytest.mark.parametrize("run", ["", f"{NEW}/"])
def test_data_exports_keep_their_manifests_in_a_folder_of_their_own(run: str) -> None:
    data, meta = (f"{ROOT}/{kind}/BILLING_PERIOD=2026-09" for kind in ("data", "metadata"))
    files = parts(f"{data}/{run}".rstrip("/"), 1, 2, ending="snappy.parquet")
    older = parts(f"{data}/20260930T101500Z-f00", 1) if run else []
    listing = manifest(*files, name="dataFiles")
    manifests = {f"{meta}/mill-Manifest.json": listing, f"{meta}/{run}mill-Manifest.json": listing}
    assert chosen([*older, *files], manifests) == (files, older)


def test_parquet_for_athena_lies_by_year_and_month() -> None:
    months = {
        month: parts(f"{ROOT}/mill/year=2026/month={month}", 1, 2, ending="snappy.parquet")
        for month in (9, 10)
    }
    status = f"{ROOT}/mill/cost_and_usage_data_status/cost_and_usage_data_status.parquet"
    manifests = {
        f"{ROOT}/{period}/mill-Manifest.json": manifest(*(uri[12:] for uri in months[month]))
        for period, month in (("20260901-20261001", 9), ("20261001-20261101", 10))
    }
    # A copy may lie beside the files.
    manifests[f"{ROOT}/mill/year=2026/month=9/mill-Manifest.json"] = manifests[
        f"{ROOT}/20260901-20261001/mill-Manifest.json"
    ]
    both = sorted([*months[9], *months[10]])
    assert chosen([*both, status], manifests) == (both, [])
    # One delivery a month needs no manifest.
    assert chosen([*both, status]) == (both, [])
    assert chosen([f"{ROOT}/year=2026/month=9/day={day:02}/a.parquet" for day in (1, 2)])[1] == []


def test_azure_lists_blobs() -> None:
    folder = "https://x/exports/costs/20260901-20260930/0ab0c1d2-0000-4000-8000-0123456789ab"
    listing = json.dumps(
        {"blobs": [{"blobName": "costs/20260901-20260930/" + OLD + "/part_0.csv"}]}
    )
    files = [f"{folder}/part_0.csv", f"{folder}/part_1.csv"]
    found = chosen(files, {f"{folder}/manifest.json": listing.encode()})
    assert found == (files[:1], files[1:])


def test_a_folder_may_have_been_copied_anywhere_and_be_named_oddly() -> None:
    folder = "file:///home/me/Kosten%20100%25%20%5B1%5D"
    new = parts(f"{folder}/{NEW}", 1)
    key = f"/aws/my report/20260901-20261001/{NEW}/mill-1.csv.gz"
    listed = {f"{folder}/mill-Manifest.json": manifest(key)}
    assert chosen([*parts(f"{folder}/{OLD}", 1), *new], listed)[0] == new
    period = "file:///bucket/my%20report/20260901-20261001"
    spaced = f"{period}/{NEW}/my%20report-1.csv.gz"
    listing = manifest(f"/aws/my report/20260901-20261001/{NEW}/my report-1.csv.gz")
    assert chosen([spaced], {f"{period}/my%20report-Manifest.json": listing}) == ([spaced], [])


def test_files_that_are_named_are_read_and_so_are_folders_without_periods() -> None:
    named = ["file:///a/one.csv", "file:///b/two.parquet", "file:///a/one.zip"]
    assert chosen(named) == (named, [])


def test_a_month_without_a_manifest_is_read_beside_one_that_has_one() -> None:
    september, october = parts(SEPTEMBER, 1), parts(f"{ROOT}/20261001-20261101/{NEW}", 1)
    listing = {f"{SEPTEMBER}/mill-Manifest.json": manifest(september[0][12:])}
    assert chosen([*september, *october], listing) == (sorted([*september, *october]), [])


def test_a_json_of_something_else_is_no_manifest() -> None:
    files = [f"{ROOT}/a.csv"]
    others = {f"{ROOT}/manifest.json": b'{"name": "shop"}', f"{ROOT}/my-manifest.json": b"[]"}
    assert chosen(files, others) == (files, [])


@pytest.mark.parametrize(
    ("uris", "manifests", "told"),
    [
        pytest.param(
            parts(f"{SEPTEMBER}/{OLD}", 1),
            {
                f"{SEPTEMBER}/mill-Manifest.json": manifest(
                    f"aws/mill/20260901-20261001/{NEW}/mill-1.csv.gz"
                )
            },
            rf"mill-Manifest\.json lists aws/.*{NEW}/mill-1\.csv\.gz, which is not there: name",
            id="an older file of the same name",
        ),
        pytest.param(
            parts(f"{ROOT}/20260801-20260901", 1),
            {
                f"{SEPTEMBER}/mill-Manifest.json": manifest(
                    "aws/mill/20260901-20261001/mill-1.csv.gz"
                )
            },
            "not there",
            id="the same name in another period",
        ),
        pytest.param(
            parts(f"{ROOT}/old", 1),
            {f"{ROOT}/mill-Manifest.json": manifest("export/new/mill-1.csv.gz")},
            "not there",
            id="the same name in another folder",
        ),
        pytest.param(
            [*parts("s3://x/copy", 1), *parts("s3://x/again", 1)],
            {"s3://x/mill-Manifest.json": manifest("aws/20260901-20261001/mill-1.csv.gz")},
            "there more than once",
            id="two copies",
        ),
        pytest.param(
            [*parts(f"{SEPTEMBER}/{OLD}", 1), *parts(f"{SEPTEMBER}/{NEW}", 1)],
            {},
            rf"several deliveries \(.*{OLD}, .*{NEW} …\) and no manifest",
            id="two deliveries without a manifest",
        ),
        pytest.param(
            [*parts(SEPTEMBER, 1), *parts(f"{SEPTEMBER}/{NEW}", 1)],
            {},
            "several deliveries",
            id="one in the folder of the period, one below",
        ),
        pytest.param(
            [*parts(f"s3://x/{OLD}", 1), *parts(f"s3://x/{NEW}", 1)],
            {},
            "several deliveries",
            id="deliveries without their period",
        ),
        pytest.param(
            [
                *parts(f"{ROOT}-one/20260901-20261001", 1),
                *parts(f"{ROOT}-two/20260901-20261001", 1),
            ],
            {},
            "several deliveries",
            id="two exports of a period",
        ),
        pytest.param(
            [f"{ROOT}/{one}/20260901-20261001/{one}-1.csv" for one in "ab"],
            {
                f"{ROOT}/{one}/20260901-20261001/{one}-Manifest.json": manifest(
                    f"aws/mill/{one}/20260901-20261001/{one}-1.csv"
                )
                for one in "ab"
            },
            r"other files for the same billing period: .*a-Manifest.*b-Manifest.*--export",
            id="two exports of a period, each with a manifest",
        ),
        pytest.param(
            parts(f"{SEPTEMBER}/{OLD}", 1) + parts(f"{SEPTEMBER}/{NEW}", 1),
            {
                f"{SEPTEMBER}/{run}/mill-Manifest.json": manifest(
                    f"20260901-20261001/{run}/mill-1.csv.gz"
                )
                for run in (OLD, NEW)
            },
            "other files for the same billing period",
            id="manifests of deliveries alone",
        ),
        pytest.param(
            parts(SEPTEMBER, 1),
            {f"{SEPTEMBER}/mill-Manifest.json": b'{"reportKeys": ['},
            r"mill-Manifest\.json is damaged: it is not JSON",
            id="a manifest that is cut off",
        ),
        pytest.param(
            parts(SEPTEMBER, 1),
            {f"{SEPTEMBER}/mill-Manifest.json": manifest()},
            r"mill-Manifest\.json lists no files",
            id="a manifest of nothing",
        ),
        pytest.param(
            parts(SEPTEMBER, 1),
            {f"{SEPTEMBER}/mill-Manifest.json": b'{"reportKeys": [1]}'},
            r"mill-Manifest\.json is damaged: its list of files is none",
            id="a manifest of numbers",
        ),
        pytest.param(
            parts(SEPTEMBER, 1),
            {f"{SEPTEMBER}/manifest.json": b'{"blobs": [{}]}'},
            r"manifest\.json is damaged: its list of files is none",
            id="a manifest of blobs without names",
        ),
        pytest.param(
            [*parts(SEPTEMBER, 1), "s3://billing/focus/a.csv"],
            {f"{SEPTEMBER}/mill-Manifest.json": manifest("mill/20260901-20261001/mill-1.csv.gz")},
            r"focus/a\.csv is neither in the manifest .*mill-Manifest\.json nor below its export",
            id="another export beside one that has manifests",
        ),
        pytest.param(
            [*parts(SEPTEMBER, 1), *parts("s3://billing/other/20260901-20261001", 1)],
            {f"{SEPTEMBER}/mill-Manifest.json": manifest("mill/20260901-20261001/mill-1.csv.gz")},
            r"other/20260901-20261001/mill-1\.csv\.gz is neither in the manifest",
            id="another export of the same period",
        ),
        pytest.param(
            [*parts(ROOT, 1, ending="csv.zip"), *parts(ROOT, 1, ending="csv")],
            {},
            r"mill-1\.csv\.zip and .*mill-1\.csv are the same file by their names",
            id="a file beside what it was packed into",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    uris: list[str], manifests: dict[str, bytes], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        chosen(uris, manifests)
