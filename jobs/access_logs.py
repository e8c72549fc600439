"""Logs of web servers and of AWS, typed and by day."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import Job, main, option
from gristmill.readers.logs import formats
from gristmill.readers.logs.reader import AUTO, LogReader
from gristmill.readers.text.lines import TextOptions


@dataclass(frozen=True)
class AccessLogOptions(TextOptions):
    """How the lines are written."""

    format: str = option(AUTO, choices=(AUTO, *formats()), help="format of the lines")


def by_format(rows: DataFrame, options: AccessLogOptions) -> Mapping[str, DataFrame]:
    """Parsed lines to the dataset of their format."""
    return {formats()[options.format].dataset.name: rows}


JOB = Job(
    name="access-logs",
    help="Load logs: Apache, nginx, S3, ALB, CloudFront, VPC flow, CloudTrail.",
    options=AccessLogOptions,
    reads=LogReader(),
    writes=tuple({found.dataset.name: found.dataset for found in formats().values()}.values()),
    transform=by_format,
    max_reject_rate=0.5,
    outputs=lambda options: (formats()[options.format].dataset.name,),
)

if __name__ == "__main__":
    main(JOB)
