"""Meter readings as CSV files: how much each meter counted in each interval, and at what price.

A line is one interval of one meter, as Green Button's IntervalReading is
(https://www.naesb.org/ESPI_Standards.asp): its start, and the kWh that it used, below 0 where more
was fed in.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill.errors import InputError
from gristmill.model.checks import REASON
from gristmill.model.job import Reader, Reading
from gristmill.readers import local_time
from gristmill.readers.text import delimited as table
from gristmill.readers.text.delimited import CsvColumn
from gristmill.readers.text.lines import LINE_NUMBER, ORIGIN, RAW, SOURCE_FILE, text_files
from gristmill.utility import meters, tariff_file, tariffs
from gristmill.utility.amounts import EXACT
from gristmill.utility.meters import Defaults, Meters
from gristmill.utility.prices import KEY, price_list, step
from gristmill.utility.tariffs import Tariff


def _named_as_file() -> Column:
    """The meter of a file that has no column for it."""
    path = F.url_decode(F.replace(F.col(SOURCE_FILE), F.lit("+"), F.lit("%2B")))
    return F.regexp_extract(path, r"([^/]+?)(?:\.csv)?(?:\.gz)?\z", 1)


COLUMNS = (
    CsvColumn("meter", ("meter", "meter_id"), otherwise=_named_as_file),
    CsvColumn("start", ("start", "timestamp", "interval_start"), required=True),
    CsvColumn("kwh", ("kwh", "value"), required=True),
)

REJECTS = {
    **table.REJECTS,
    "no_meter": "the column that names the meter is empty",
    "unknown_meter": "the meter is not in the file that --meters names",
    local_time.BAD: "the start is not written as ISO 8601 has it, or no such time exists",
    local_time.SKIPPED: "a start without UTC offset in an hour that the clock skipped",
    local_time.AMBIGUOUS: "a start without UTC offset in an hour that the clock showed twice",
    "off_interval": "the start is not at a whole interval of the meter, by its clock",
    "bad_reading": "the kWh are not a number, or have more than 12 digits before the point",
    "no_tariff": "no charge of the meter's tariff is valid on that day",
    "negative_reading": "the kWh are below zero, and the tariff pays nothing for what is fed in",
}

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\z"
_TIME_FAULTS = (local_time.BAD, local_time.SKIPPED, local_time.AMBIGUOUS)
_NO_READING = ("nan", "null", "na", "n/a")


class ReadingOptions(Protocol):
    """The options of a job that reads meter readings."""

    @property
    def tariff(self) -> str:
        """The file of the tariffs."""

    @property
    def meters(self) -> str:
        """The file of the meters, or nothing."""

    @property
    def zone(self) -> str:
        """The IANA time zone of meters that have none in their file."""

    @property
    def interval_minutes(self) -> int:
        """Minutes from a reading to the next, of such meters."""

    @property
    def seasons(self) -> str:
        """The months of each season, where the tariff does not name them."""

    @property
    def currency(self) -> str:
        """The currency of the rates."""


class ReadingsReader(Reader[ReadingOptions]):
    """A reader of meter readings, each with its meter and its price.

    Its rows have the columns of `meters.FIELDS`,
    and `start timestamp`, `wall timestamp` (of `local_time`), `kwh` (`EXACT`, null for a
    missing reading, below 0 where it was fed in) and `price` (of `prices`).
    """

    help = "meter readings as CSV with a header (start, kwh; meter), plain or .gz"

    @property
    def rejects(self) -> Mapping[str, str]:
        """Reason codes and what each means."""
        return REJECTS

    def read(self, spark: SparkSession, inputs: Sequence[str], options: ReadingOptions) -> Reading:
        """The readings. Raises `InputError` where they, the meters or the tariff do not do."""
        billed, notes = _tariffs(spark, options.tariff, options.currency)
        defaults = Defaults(options.zone, options.interval_minutes)
        if options.meters:
            known = meters.listed(spark, options.meters, billed, defaults)
        else:
            known = meters.any_meter(spark, billed, defaults)
        used = [tariff for tariff in billed if tariff.name in {name for name, _ in known.used}]
        tariffs.check(used)
        for tariff in used:
            for minutes in sorted(minutes for name, minutes in known.used if name == tariff.name):
                tariffs.check_interval(tariff, minutes)
        lines = table.rows(text_files(spark, inputs, look_at=None), COLUMNS)
        rows = _judged(_with_meters(lines.frame, known, used, defaults))
        prices = price_list(spark, used, tariffs.seasons(options.seasons))
        return Reading(_priced(rows, prices, step(used)), (*notes, *lines.notes))


def _tariffs(spark: SparkSession, path: str, currency: str) -> tuple[list[Tariff], list[str]]:
    found = text_files(spark, [path])
    if len(found.files) > 1:
        raise InputError(f"--tariff takes one file: {path} is {len(found.files)}")
    lines = found.lines.orderBy(LINE_NUMBER).select(RAW).collect()
    return tariff_file.parse("\n".join(row[0] for row in lines), found.files[0], currency)


def _with_meters(
    lines: DataFrame, known: Meters, used: Sequence[Tariff], defaults: Defaults
) -> DataFrame:
    """The lines with what is known of their meters; `zone` is null where nothing is."""
    if known.rows is not None:
        return lines.join(known.rows, "meter", "left")
    return lines.withColumns(
        {
            "zone": F.lit(defaults.zone),
            "customer_group": F.lit(None).cast("string"),
            "region": F.lit(None).cast("string"),
            "interval_minutes": F.lit(defaults.interval_minutes),
            "tariff": F.lit(used[0].name),
        }
    )


def _judged(lines: DataFrame) -> DataFrame:
    """The lines with `start`, `wall` and `kwh`, and the reason why one is no reading."""
    kwh = F.when(F.col("kwh").rlike(_NUMBER), F.col("kwh").try_cast(EXACT))
    says_none = F.col("kwh").isNull() | F.lower("kwh").isin(*_NO_READING)
    codes = {
        "no_meter": F.col("meter").isNull(),
        "unknown_meter": F.col("zone").isNull(),
        **{code: F.col("fault") == code for code in _TIME_FAULTS},
    }
    timed = local_time.with_instant(lines, "start", "zone").select(
        *ORIGIN,
        *meters.FIELDS,
        _first(F.col(REASON), codes).alias(REASON),
        F.col("instant").alias("start"),
        local_time.wall(F.col("instant"), F.col("zone")).alias("wall"),
        kwh.alias("kwh"),
        (kwh.isNull() & ~says_none).alias("_is_bad"),
    )
    interval = F.col("interval_minutes").cast("bigint") * 60_000_000
    codes = {
        "off_interval": F.unix_micros("wall") % interval != 0,
        "bad_reading": F.col("_is_bad"),
    }
    return timed.withColumn(REASON, _first(F.col(REASON), codes)).drop("_is_bad")


def _first(reason: Column, codes: Mapping[str, Column]) -> Column:
    """`reason`, or where it is null the first of the codes that holds."""
    found = [F.when(holds, F.lit(code)) for code, holds in codes.items()]
    return F.coalesce(reason, *found)


def _priced(rows: DataFrame, prices: DataFrame, minutes: int) -> DataFrame:
    """The rows with the price of their hour."""
    minute = F.hour("wall") * 60 + F.minute("wall")
    keyed = rows.withColumns(
        {
            "month_number": F.month("wall"),
            "weekday": F.weekday("wall"),
            "slot": F.floor(minute / minutes).cast("int"),
        }
    )
    listed = prices.withColumnsRenamed({name: f"_{name}" for name in KEY})
    day = F.to_date("wall")
    same = [F.col(name) == F.col(f"_{name}") for name in KEY]
    is_valid = [
        F.col("since").isNull() | (F.col("since") <= day),
        F.col("until").isNull() | (day < F.col("until")),
    ]
    priced = keyed.join(F.broadcast(listed), [*same, *is_valid], "left")
    codes = {
        "no_tariff": F.col("price").isNull(),
        "negative_reading": (F.col("kwh") < 0) & (F.size("price.export") == 0),
    }
    return priced.withColumn(REASON, _first(F.col(REASON), codes)).drop(
        *("month_number", "weekday", "slot", "since", "until"),
        *(f"_{name}" for name in KEY),
    )
