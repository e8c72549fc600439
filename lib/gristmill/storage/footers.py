"""Footers of Parquet files, read by this process: Spark would take a job for them."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from gristmill.jvm import java_class
from gristmill.storage.hadoop import PATH

_PARQUET = "org.apache.parquet.hadoop"
_SPARKS = "org.apache.spark.sql.execution.datasources.parquet"


@dataclass(frozen=True)
class Footer:
    """What a file says of itself: its rows, and its columns as Parquet writes them."""

    rows: int
    columns: str
    metadata: Any = field(repr=False, compare=False)


def footer_reader(spark: SparkSession) -> Callable[[Any], Footer]:
    """What reads the footer of a file, by its path as Hadoop has it. It raises `Py4JJavaError`
    where there is none."""
    jvm, conf = spark._jvm, spark._jsc.hadoopConfiguration()
    of_path = java_class(jvm, f"{_PARQUET}.util.HadoopInputFile").fromPath
    opened = java_class(jvm, f"{_PARQUET}.ParquetFileReader").open

    def read(path: Any) -> Footer:
        with closing(opened(of_path(path, conf))) as reader:
            metadata = reader.getFooter()
            columns = metadata.getFileMetaData().getSchema().toString()
            return Footer(reader.getRecordCount(), columns, metadata)

    return read


def types(spark: SparkSession, footer: Footer) -> dict[str, str]:
    """The columns of a file as Spark reads them: the type of each, by name."""
    jvm: Any = spark._jvm
    converter = java_class(jvm, f"{_SPARKS}.ParquetToSparkSchemaConverter")
    settings = spark._jsparkSession.sessionState().conf()
    whole = java_class(jvm, f"{_PARQUET}.Footer")(java_class(jvm, PATH)("/"), footer.metadata)
    read = java_class(jvm, f"{_SPARKS}.ParquetFileFormat").readSchemaFromFooter
    schema = StructType.fromJson(json.loads(read(whole, converter(settings)).json()))
    return {field.name: field.dataType.simpleString() for field in schema.fields}
