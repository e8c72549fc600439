"""How often each level was logged on each day."""

from pyspark.sql import functions as F

from gristmill import Check, Dataset, Field, Job, Options, main
from gristmill.readers.text.lines import Lines

LINE = r"^(\d{4}-\d\d-\d\d)T\S+ (DEBUG|INFO|WARNING|ERROR) (.+)$"

LOG_LEVELS = Dataset(
    name="log_levels",
    help="How often each level was logged on each day.",
    fields=(
        Field("level", "string", "DEBUG, INFO, WARNING or ERROR"),
        Field("messages", "bigint", "how many messages there were"),
        Field("date", "date", "day, as the log has it"),
    ),
    partitioned_by=("date",),
    write_mode="partition",
    key=("date", "level"),
)


def part(number):
    """A part of a line that fits `LINE`, counted from 1."""
    return F.regexp_extract("line", LINE, number)


def count(lines, _options):
    """Rows of `line string` to rows of `LOG_LEVELS`."""
    levels = lines.select(part(1).cast("date").alias("date"), part(2).alias("level"))
    counts = levels.groupBy("date", "level").agg(F.count("*").alias("messages"))
    return {LOG_LEVELS.name: counts}


JOB = Job(
    name="log-levels",
    help="Count messages of a log by day and level.",
    options=Options,
    reads=Lines(),
    writes=(LOG_LEVELS,),
    transform=count,
    # A line that breaks one of these is kept as a reject, with where it stood and this reason.
    checks=(
        Check("not_this_format", lambda: F.col("line").rlike(LINE)),
        Check("no_such_day", lambda: part(1).try_cast("date").isNotNull()),
    ),
)

if __name__ == "__main__":
    main(JOB)
