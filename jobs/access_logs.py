"""Logs of web servers and of AWS, typed and by day."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import Job, main, option
from gristmill.errors import UsageError
from gristmill.readers.logs import formats
from gristmill.readers.logs.json_loggers import PLAIN, mapped
from gristmill.readers.logs.layout.checking import check_layout
from gristmill.readers.logs.reader import AUTO, LogReader
from gristmill.readers.text.lines import TextOptions


@dataclass(frozen=True)
class AccessLogOptions(TextOptions):
    """How the lines are written."""

    format: str = option(AUTO, choices=(AUTO, *formats()), help="format of the lines")
    layout: str = option(
        "",
        help="layout of the lines: a log_format of nginx, a LogFormat of Apache, or a name",
    )
    zone: str = option(
        "", metavar="NAME", help="zone of times that do not say theirs, such as Europe/Berlin"
    )
    map: tuple[str, ...] = option(
        (), metavar="FIELD=KEY", help="where JSON has a column under a key of its own"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layout(self.layout, self.format, self.zone)
        if self.map and (self.layout or self.format not in {AUTO, PLAIN.name}):
            raise UsageError("--map is for JSON: leave --layout, and any other --format")
        mapped(self.map)


def by_format(rows: DataFrame, options: AccessLogOptions) -> Mapping[str, DataFrame]:
    """Parsed lines to the dataset of their format."""
    return {formats()[options.format].dataset.name: rows}


JOB = Job(
    name="access-logs",
    help="Load logs: web servers, proxies in any layout, and what AWS writes.",
    options=AccessLogOptions,
    reads=LogReader(),
    writes=tuple({found.dataset.name: found.dataset for found in formats().values()}.values()),
    transform=by_format,
    max_reject_rate=0.5,
    outputs=lambda options: (formats()[options.format].dataset.name,),
)

if __name__ == "__main__":
    main(JOB)
