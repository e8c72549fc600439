"""What the users of a utility owe for each month, and when they used how much."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Check, Dataset, Field, Job, Options, main, option
from gristmill.errors import UsageError
from gristmill.utility import statements
from gristmill.utility.amounts import CENTS, MONEY, QUANTITY
from gristmill.utility.readings import ReadingsReader
from gristmill.utility.tariffs import seasons

_METER = Field("meter", "string", "the meter, as the readings name it")
_ZONE = Field("zone", "string", "IANA time zone of the meter")
_GROUP = Field("customer_group", "string", "customer group of the meter; null where not given")
_REGION = Field("region", "string", "region of the meter; null where not given")
_CURRENCY = Field("currency", "string", "ISO 4217 code, as --currency has it")
_MONTH = Field("month", "string", "calendar month in the meter's time zone, as 2026-10")

UTILITY_STATEMENTS = Dataset(
    name="utility_statements",
    help="What each meter's month comes to.",
    fields=(
        _METER,
        _ZONE,
        _GROUP,
        _REGION,
        Field("tariff", "string", "the tariff, empty where its file names none"),
        Field("period_start", "timestamp", "start of the month, UTC"),
        Field("period_end", "timestamp", "end of the month, not included, UTC"),
        Field("interval_minutes", "int", "minutes from a reading to the next"),
        Field("readings", "bigint", "intervals that have a reading, and one only"),
        Field("expected_readings", "bigint", "intervals that the month has"),
        Field("missing_readings", "bigint", "intervals without a reading"),
        Field("doubled_readings", "bigint", "intervals with several readings, none of them billed"),
        Field("expected_hours", "double", "hours that the month has, clock changes counted"),
        Field("status", "string", "complete where every interval has its reading, or partial"),
        Field("problems", "string", "which readings are missing or doubled; null where none are"),
        Field("kwh", QUANTITY, "energy used"),
        Field("exported_kwh", QUANTITY, "energy fed in"),
        Field("fixed", MONEY, "customer charges, not rounded"),
        Field("energy", MONEY, "energy charges, not rounded"),
        Field("demand", MONEY, "demand charges, not rounded"),
        Field("export", MONEY, "what is paid for energy fed in, below 0, not rounded"),
        Field("total", CENTS, "their sum, rounded half up"),
        _CURRENCY,
        _MONTH,
    ),
    partitioned_by=("month",),
    key=("month", "meter"),
    sorted_by=("meter",),
    write_mode="partition",
    checks=(
        Check(
            "complete_means_no_problems",
            lambda: (F.col("status") == statements.COMPLETE) == F.col("problems").isNull(),
        ),
    ),
)

UTILITY_STATEMENT_LINES = Dataset(
    name="utility_statement_lines",
    help="What a statement is made up of: each charge by window and rate.",
    fields=(
        _METER,
        Field("charge", "string", "customer, energy, demand or export"),
        Field("window", "string", "period of the tariff, or the months, weekdays and hours"),
        Field("quantity", QUANTITY, "kWh used or fed in, highest kW, months or days"),
        Field("unit", "string", "kWh, kW, month or day"),
        Field("rate", MONEY, "what a unit costs; below 0 what is paid for it"),
        Field("amount", MONEY, "quantity times rate, not rounded"),
        _CURRENCY,
        _MONTH,
    ),
    partitioned_by=("month",),
    key=("month", "meter", "charge", "window", "rate"),
    sorted_by=("meter", "charge", "window", "rate"),
    write_mode="partition",
)

USAGE_PATTERNS = Dataset(
    name="usage_patterns",
    help="Use by customer group, region, season and hour of the local day.",
    fields=(
        _GROUP,
        _REGION,
        Field("season", "string", "season of the tariff, or as --seasons has it"),
        Field("hour", "int", "hour of the day by the meter's clock, 0 to 23"),
        Field("kwh", QUANTITY, "energy used"),
        Field("readings", "bigint", "how many readings"),
        Field("hours", "double", "how many meter hours they cover"),
        Field("average_kw", "double", "kwh by hours"),
        _MONTH,
    ),
    partitioned_by=("month",),
    key=("month", "customer_group", "region", "season", "hour"),
    sorted_by=("customer_group", "region", "season", "hour"),
    write_mode="partition",
)


@dataclass(frozen=True)
class UtilityStatementsOptions(Options):
    """What the readings are held against."""

    tariff: str = option(metavar="FILE", help="CSV file with the tariff, or several by name")
    meters: str = option(
        "", metavar="FILE", help="CSV file with the meters: zone, customer group, region, tariff"
    )
    zone: str = option(
        "", metavar="ZONE", help="IANA time zone of the meters that --meters gives none"
    )
    interval_minutes: int = option(
        60, help="minutes from a reading to the next, of the meters that --meters gives none"
    )
    seasons: str = option(
        "winter=12-2,spring=3-5,summer=6-8,autumn=9-11",
        metavar="NAMES",
        help="months of each season, where the tariff does not name them",
    )
    currency: str = option("USD", pattern="[A-Z]{3}", metavar="CODE", help="currency of the rates")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.zone and not self.meters:
            raise UsageError("--zone is missing: where there is no --meters, it is that of all")
        if self.interval_minutes < 1 or 60 % self.interval_minutes:
            raise UsageError(
                f"--interval-minutes takes what divides an hour, not {self.interval_minutes}"
            )
        seasons(self.seasons)


def bill(rows: DataFrame, options: UtilityStatementsOptions) -> Mapping[str, DataFrame]:
    """Rows of `ReadingsReader` to rows of the three datasets."""
    ordered = statements.in_order(rows)
    lines = statements.lines(statements.accounts(ordered))
    currency = F.lit(options.currency)
    return {
        UTILITY_STATEMENTS.name: statements.statements(lines).withColumn("currency", currency),
        UTILITY_STATEMENT_LINES.name: lines.where(F.col("charge").isNotNull()).withColumn(
            "currency", currency
        ),
        USAGE_PATTERNS.name: statements.patterns(ordered),
    }


JOB = Job(
    name="utility-statements",
    help="Bill meter readings by a time-of-use tariff, month by month.",
    options=UtilityStatementsOptions,
    reads=ReadingsReader(),
    writes=(UTILITY_STATEMENTS, UTILITY_STATEMENT_LINES, USAGE_PATTERNS),
    transform=bill,
)

if __name__ == "__main__":
    main(JOB)
