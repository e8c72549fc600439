"""Folders of partitions, as Hive and Spark name them: `corpus=a%2Fb`."""

from collections.abc import Mapping

# Of Spark 4.1: org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.
_ESCAPED = {*map(chr, range(1, 32)), *"\"#%'*/:=?\\\x7f{[]^"}
_NAMES = str.maketrans({char: f"%{ord(char):02X}" for char in _ESCAPED})
NOTHING = "__HIVE_DEFAULT_PARTITION__"


def partition_folder(values: Mapping[str, str | None]) -> str:
    """The folder of a partition, by the names of its columns, in order."""
    return "/".join(
        f"{name.translate(_NAMES)}={value.translate(_NAMES) if value else NOTHING}"
        for name, value in values.items()
    )
