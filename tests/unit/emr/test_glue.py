"""What Glue is told of a table of Iceberg: engines go by where its metadata is."""

from gristmill.ddl.dialects import Described
from gristmill.emr.glue import Wanted, _has_partitions, table_input
from gristmill.model.schema import DatasetSchema

SCHEMA = DatasetSchema(
    "Stock", (("Item", "string"), ("at", "timestamp"), ("date", "date")), ("date",), "partition"
)


def wanted(metadata: str) -> Wanted:
    found = Described(SCHEMA, "s3a://lake/shop/Stock", help="what there is", metadata=metadata)
    return Wanted(found, "s3://lake/shop", 7, 1, 2, 3)


def test_a_table_of_iceberg_is_led_to_by_its_newest_metadata() -> None:
    asked = table_input(wanted("s3a://lake/shop/Stock/metadata/v3.metadata.json"))
    # https://iceberg.apache.org/docs/latest/aws/#glue-catalog
    assert asked["TableType"] == "EXTERNAL_TABLE"
    assert asked["Parameters"]["table_type"] == "ICEBERG"
    place = "s3://lake/shop/Stock/metadata/v3.metadata.json"
    assert asked["Parameters"]["metadata_location"] == place
    assert asked["StorageDescriptor"]["Location"] == "s3://lake/shop/Stock"
    # The columns by which it is partitioned are like all others.
    names = [one["Name"] for one in asked["StorageDescriptor"]["Columns"]]
    assert names == ["item", "at", "date"]
    assert asked["PartitionKeys"] == []


def test_only_of_folders_glue_has_to_know_each_partition() -> None:
    table = wanted("s3://lake/shop/Stock/metadata/v3.metadata.json")
    assert not _has_partitions(table, table_input(table))
    plain = wanted("")
    asked = table_input(plain)
    assert _has_partitions(plain, asked) == ("projection.enabled" not in asked["Parameters"])
