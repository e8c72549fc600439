"""The meters that readings may be of: where each stands, and by which tariff it is billed."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from gristmill.errors import InputError, UsageError
from gristmill.model.checks import REASON, SKIPPED
from gristmill.readers import local_time
from gristmill.readers.text import delimited as table
from gristmill.readers.text.delimited import CsvColumn
from gristmill.readers.text.lines import LINE_NUMBER, SOURCE_FILE, text_files
from gristmill.utility.tariffs import Tariff

COLUMNS = (
    CsvColumn("meter", ("meter", "meter_id"), required=True),
    CsvColumn("zone", ("zone", "timezone", "time_zone")),
    CsvColumn("customer_group", ("customer_group", "customer_class")),
    CsvColumn("region", ("region",)),
    CsvColumn("interval_minutes", ("interval_minutes",)),
    CsvColumn("tariff", ("tariff",)),
)
FIELDS = tuple(column.name for column in COLUMNS)
_SHOWN = 5


@dataclass(frozen=True)
class Defaults:
    """What holds for a meter of which nothing else is said; an empty zone is none."""

    zone: str
    interval_minutes: int


@dataclass(frozen=True)
class Meters:
    """The meters of a file, one row each with the columns of `FIELDS`.

    Where `rows` is None any meter will do. `used` are the pairs of tariff and minutes of an
    interval that occur.
    """

    rows: DataFrame | None
    used: frozenset[tuple[str, int]]


def any_meter(spark: SparkSession, tariffs: Sequence[Tariff], defaults: Defaults) -> Meters:
    """Every meter, in the zone of the defaults. Raises `UsageError` or `InputError`."""
    if defaults.zone not in local_time.zones(spark):
        raise UsageError(f"--zone takes an IANA time zone as Europe/Oslo, not {defaults.zone!r}")
    if len({tariff.name for tariff in tariffs}) > 1:
        names = ", ".join(dict.fromkeys(tariff.name for tariff in tariffs))
        raise InputError(f"which of the tariffs {names}? --meters can name one for each meter")
    return Meters(None, frozenset({(tariffs[0].name, defaults.interval_minutes)}))


def listed(spark: SparkSession, path: str, tariffs: Sequence[Tariff], defaults: Defaults) -> Meters:
    """The meters in a CSV file. Raises `InputError`, naming the rows that are wrong."""
    names = list(dict.fromkeys(tariff.name for tariff in tariffs))
    found = table.rows(text_files(spark, [path], look_at=None), COLUMNS)
    rows = found.frame.where(F.coalesce(REASON, F.lit("")) != SKIPPED).withColumns(
        {
            "zone": F.coalesce("zone", F.lit(defaults.zone or None)),
            "tariff": F.coalesce("tariff", F.lit(names[0] if len(names) == 1 else None)),
            "_written": F.coalesce("interval_minutes", F.lit(str(defaults.interval_minutes))),
            "_same": F.count(F.lit(1)).over(Window.partitionBy("meter")),
        }
    )
    rows = rows.withColumn("interval_minutes", F.col("_written").try_cast("int"))
    place = F.format_string("%s:%d", SOURCE_FILE, LINE_NUMBER)
    by = rows.groupBy(_fault(names, local_time.zones(spark)).alias("fault"), *_USED)
    kinds = by.agg(F.min(place).alias("place"), F.count(F.lit(1)).alias("meters")).collect()
    if not kinds:
        raise InputError(f"{path} lists no meters")
    faults = sorted((kind["place"], kind["fault"]) for kind in kinds if kind["fault"])
    if faults:
        told = "; ".join(f"{place} {fault}" for place, fault in faults[:_SHOWN])
        more = f" … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InputError(f"{told}{more}")
    used = frozenset((kind["tariff"], kind["interval_minutes"]) for kind in kinds)
    return Meters(rows.select(*FIELDS), used)


_USED = ("tariff", "interval_minutes")


def _fault(tariffs: Sequence[str], zones: frozenset[str]) -> Column:
    """What is wrong with a row, or null."""
    minutes = F.col("interval_minutes")
    return (
        F.when(F.col(REASON).isNotNull(), F.col(REASON))
        .when(F.col("meter").isNull(), "has no meter")
        .when(F.col("_same") > 1, _told("has a meter that is there twice: %s", "meter"))
        .when(F.col("zone").isNull(), "has no zone: give it one, or all of them by --zone")
        .when(~F.col("zone").isin(sorted(zones)), _told("has no IANA time zone: %s", "zone"))
        .when(F.col("tariff").isNull(), f"has no tariff, one of {', '.join(tariffs)}")
        .when(~F.col("tariff").isin(*tariffs), _told("has a tariff not in --tariff: %s", "tariff"))
        .when(
            minutes.isNull() | (minutes <= 0) | (F.lit(60) % F.greatest(minutes, F.lit(1)) != 0),
            _told("has no minutes that divide an hour as interval: %s", "_written"),
        )
    )


def _told(text: str, name: str) -> Column:
    return F.format_string(text, name)
