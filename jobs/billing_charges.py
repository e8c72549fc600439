"""Cost exports of clouds, as charges in the terms of FOCUS."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame

from gristmill import Costs, Job, Options, main, option
from gristmill.cloud_costs.charges import CHARGES, SCOPES
from gristmill.cloud_costs.exports import ExportReader


@dataclass(frozen=True)
class BillingChargesOptions(Options):
    """Where the charges belong."""

    export: str = option(
        "default", pattern=r".*\S.*", metavar="NAME", help="which export it is: a cloud, a payer"
    )
    scope: str = option(
        "period",
        choices=("period", "day", "account"),
        help="what of a month a load takes the place of: all of it, or only the days, or only the "
        "sub-accounts, that it has charges of",
    )
    force: bool = option(
        default=False, help="replace a month by less of it, or a final one by one that is not"
    )


def charges(rows: DataFrame, _options: BillingChargesOptions) -> Mapping[str, DataFrame]:
    """Rows of an export, read, to rows of `CHARGES`."""
    return {CHARGES.name: rows}


def part(options: BillingChargesOptions) -> Column | None:
    """What tells the parts of a month apart that loads of this scope replace."""
    return SCOPES[options.scope]() if options.scope in SCOPES else None


JOB = Job(
    name="billing-charges",
    help="Load cost exports: FOCUS and AWS CUR.",
    options=BillingChargesOptions,
    reads=ExportReader(),
    writes=(CHARGES,),
    transform=charges,
    max_reject_rate=0.0,
    costs=Costs(
        amounts=("billed_cost", "effective_cost", "list_cost", "contracted_cost"),
        currency="billing_currency",
        unknown=("wrong_fields", "bad_amount"),
    ),
    part=part,
    is_forced=lambda options: options.force,
)

if __name__ == "__main__":
    main(JOB)
