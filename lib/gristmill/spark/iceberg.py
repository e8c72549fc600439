"""What a Spark of one's own needs to read tables of Iceberg as any other Spark does.

Gristmill's own jobs need none of it: they write and read these tables by the log.
"""

import sys

from gristmill.errors import GristmillError
from gristmill.spark.jars import Jars

JARS = Jars(
    "iceberg-1.11.0",
    "Iceberg (48 MB, once)",
    ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0",),
    "2bbe7e3c17a616d589adf9bd880c3c1968946efd7c36d62b0b1e43ba42bfcf6b",
)
"""Iceberg's runtime for Spark 4.1, for `spark.driver.extraClassPath`."""


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{JARS.folder()}\n")
    except GristmillError as failure:
        sys.exit(f"gristmill: {failure}")
