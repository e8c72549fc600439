"""What clouds cost, by service, account, region, category, day, tag and commitment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from gristmill import DatasetReader, Job, Options, main, option
from gristmill.cloud_costs.audit import check_sums
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.commitments import COMMITMENTS, commitments
from gristmill.cloud_costs.costs import costs, totals
from gristmill.cloud_costs.movers import MONTH_OVER_MONTH, month_over_month
from gristmill.cloud_costs.rates import parse, rated
from gristmill.cloud_costs.summary import (
    COST_BY_ACCOUNT,
    COST_BY_CATEGORY,
    COST_BY_REGION,
    COST_BY_SERVICE,
    COST_BY_TAG,
    COST_DAILY,
    tables,
)
from gristmill.errors import UsageError
from gristmill.model.job import Reading
from gristmill.readers.text.lines import find_files
from gristmill.storage.hadoop import content


@dataclass(frozen=True)
class BillingSummaryOptions(Options):
    """Which tags to sum by, and whether to add a reporting currency."""

    tag: tuple[str, ...] = option(
        (), pattern=r".*\S.*", metavar="KEY", help="a tag to sum by; may be given several times"
    )
    rates: str = option("", metavar="FILE", help="CSV of exchange rates: date,from,to,rate")
    report_currency: str = option(
        "", pattern=r"\S*", metavar="CODE", help="currency to add beside the billed one: EUR"
    )
    tag_case: str = option(
        "exact",
        choices=("exact", "any"),
        help="whether a tag's name has to have the case of --tag, or any",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.rates) != bool(self.report_currency):
            raise UsageError("--rates and --report-currency go together: one of them is missing")

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """The tags to sum by, in order, each once."""
        return tuple(dict.fromkeys(self.tag))


class ChargesReader(DatasetReader):
    """A reader of `CHARGES` that gives each its exchange rate, where rates are asked for."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """The charges. Raises `InputError` where a rate that one of them needs is missing."""
        reading = super().read(spark, inputs, options)
        if not options.rates:
            return reading
        files = find_files(spark, [options.rates])
        rates = parse({file: content(spark, file).decode("utf-8-sig", "replace") for file in files})
        return replace(reading, rows=rated(reading.rows, rates, options.report_currency))


def gather(charges: DataFrame, options: BillingSummaryOptions) -> DataFrame:
    """Rows of `CHARGES` to those that all tables are made of."""
    any_case = options.tag_case == "any"
    return costs(charges, options.tag_keys, options.report_currency, any_case=any_case)


def summarise(gathered: DataFrame, options: BillingSummaryOptions) -> Mapping[str, DataFrame]:
    """Rows that `gather` gives to rows of the tables."""
    return {
        **tables(gathered, options.tag_keys),
        COMMITMENTS.name: commitments(gathered),
        MONTH_OVER_MONTH.name: month_over_month(gathered),
    }


def audit(
    charges: DataFrame, staged: Mapping[str, DataFrame], options: BillingSummaryOptions
) -> None:
    """See that every table sums to what its charges do, and by each tag; else `AuditError`."""
    whole = {name: frame for name, frame in staged.items() if name not in _IN_PART}
    by_tag = staged[COST_BY_TAG.name]
    whole |= {
        f"{COST_BY_TAG.name} ({key})": by_tag.where(F.col("tag_key") == key)
        for key in options.tag_keys
    }
    check_sums(totals(charges, options.report_currency), whole)


_IN_PART = (COST_BY_TAG.name, COMMITMENTS.name)

JOB = Job(
    name="billing-summary",
    help="Sum charges by service, account, region, category, day, tag and commitment.",
    options=BillingSummaryOptions,
    reads=ChargesReader(CHARGES),
    writes=(
        *(COST_BY_SERVICE, COST_BY_ACCOUNT, COST_BY_REGION, COST_BY_CATEGORY),
        *(COST_DAILY, COST_BY_TAG, COMMITMENTS, MONTH_OVER_MONTH),
    ),
    transform=summarise,
    shared=gather,
    audit=audit,
)

if __name__ == "__main__":
    main(JOB)
