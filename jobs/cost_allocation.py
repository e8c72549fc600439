"""Whose the costs are: by rules of accounts, tags and cost categories, shared costs split up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill import Job, main, option
from gristmill.cloud_costs import allocation_rules
from gristmill.cloud_costs.allocation import COST_BY_OWNER, WHOSE, by_owner, owned
from gristmill.cloud_costs.audit import check_sums
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.costs import measured, totals
from gristmill.cloud_costs.measures import summed
from gristmill.cloud_costs.rated_charges import RatedChargesReader, RateOptions, texts_of
from gristmill.errors import UsageError
from gristmill.model.job import Reading


@dataclass(frozen=True)
class CostAllocationOptions(RateOptions):
    """By which rules costs are allocated."""

    rules: str = option("", metavar="FILE", help="TOML file of [[rule]] and [[shared]]")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rules:
            raise UsageError("--rules is missing: a TOML file that says whose the costs are")


class OwnedChargesReader(RatedChargesReader):
    """A reader of `CHARGES` that says whose each is."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """The charges with the columns of `WHOSE`. Raises `InputError` for rules that are none."""
        rules = [
            rule
            for file, text in texts_of(spark, options.rules).items()
            for rule in allocation_rules.parse(text, file)
        ]
        reading = super().read(spark, inputs, options)
        return replace(reading, frame=owned(reading.rows, rules))


def gather(charges: DataFrame, options: CostAllocationOptions) -> DataFrame:
    """Rows of `CHARGES`, owned, to their sums by what says whose they are."""
    return summed(measured(charges, options.report_currency), WHOSE)


def allocate(gathered: DataFrame, _options: CostAllocationOptions) -> Mapping[str, DataFrame]:
    """Rows that `gather` gives to rows of `COST_BY_OWNER`."""
    return {COST_BY_OWNER.name: by_owner(gathered)}


def audit(
    charges: DataFrame, staged: Mapping[str, DataFrame], options: CostAllocationOptions
) -> None:
    """See that owners' costs sum to what all charges do, or `AuditError`."""
    check_sums(totals(charges, options.report_currency), staged)


JOB = Job(
    name="cost-allocation",
    help="Say whose the costs are: direct, shared and unallocated.",
    options=CostAllocationOptions,
    reads=OwnedChargesReader(CHARGES),
    writes=(COST_BY_OWNER,),
    transform=allocate,
    shared=gather,
    audit=audit,
)

if __name__ == "__main__":
    main(JOB)
