"""What of each budget is spent, and what its month is forecast to come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from gristmill import Job, main, option
from gristmill.cloud_costs import budgets
from gristmill.cloud_costs.budgets import BUDGET_STATUS, budgeted, gathered, status
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.costs import measured
from gristmill.cloud_costs.rated_charges import RatedChargesReader, RateOptions, texts_of
from gristmill.errors import UsageError
from gristmill.model.job import Reading


@dataclass(frozen=True)
class BudgetsOptions(RateOptions):
    """Which budgets there are."""

    budgets: str = option("", metavar="FILE", help="TOML file of [[budget]]")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.budgets:
            raise UsageError("--budgets is missing: a TOML file that says what may be spent")


class BudgetedChargesReader(RatedChargesReader):
    """A reader of `CHARGES` that says for which budgets each counts."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """The charges, a row a budget. Raises `InputError` for budgets that are none."""
        known = [
            one
            for file, text in texts_of(spark, options.budgets).items()
            for one in budgets.parse(text, file)
        ]
        reading = super().read(spark, inputs, options)
        return replace(reading, frame=budgeted(reading.rows, known))


def gather(charges: DataFrame, options: BudgetsOptions) -> DataFrame:
    """Rows of `CHARGES`, a row a budget, to what each costs a day."""
    return gathered(measured(charges, options.report_currency))


def held(days: DataFrame, _options: BudgetsOptions) -> Mapping[str, DataFrame]:
    """Rows that `gather` gives to rows of `BUDGET_STATUS`."""
    return {BUDGET_STATUS.name: status(days)}


JOB = Job(
    name="budgets",
    help="Hold costs against budgets, and forecast what a month comes to.",
    options=BudgetsOptions,
    reads=BudgetedChargesReader(CHARGES),
    writes=(BUDGET_STATUS,),
    transform=held,
    shared=gather,
)

if __name__ == "__main__":
    main(JOB)
