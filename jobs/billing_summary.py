"""What clouds cost, by service, account, region, category, day, tag and commitment."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Job, main, option
from gristmill.cloud_costs.audit import check_sums
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.commitments import COMMITMENTS, commitments
from gristmill.cloud_costs.costs import costs, totals
from gristmill.cloud_costs.movers import MONTH_OVER_MONTH, month_over_month
from gristmill.cloud_costs.rated_charges import RatedChargesReader, RateOptions
from gristmill.cloud_costs.summary import (
    COST_BY_ACCOUNT,
    COST_BY_CATEGORY,
    COST_BY_REGION,
    COST_BY_SERVICE,
    COST_BY_TAG,
    COST_DAILY,
    tables,
)


@dataclass(frozen=True)
class BillingSummaryOptions(RateOptions):
    """Which tags to sum by, and whether to add a reporting currency."""

    tag: tuple[str, ...] = option(
        (), pattern=r".*\S.*", metavar="KEY", help="a tag to sum by; may be given several times"
    )
    tag_case: str = option(
        "exact",
        choices=("exact", "any"),
        help="whether a tag's name has to have the case of --tag, or any",
    )

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """The tags to sum by, in order, each once."""
        return tuple(dict.fromkeys(self.tag))


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
    reads=RatedChargesReader(CHARGES),
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
