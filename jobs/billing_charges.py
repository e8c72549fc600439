"""Cost exports of clouds, as charges in the terms of FOCUS."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame

from gristmill import Costs, Job, Options, main, option
from gristmill.cloud_costs.charges import CHARGES, SCOPES
from gristmill.cloud_costs.checking import FOCUS_CONFORMANCE
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
    check: bool = option(
        default=False,
        help="load nothing: hold an export in FOCUS against the rules of its version, and list "
        "those that it breaks",
    )
    force: bool = option(
        default=False, help="replace a month by less of it, or a final one by one that is not"
    )


def written(options: BillingChargesOptions) -> Collection[str]:
    """The dataset that a run writes: what is charged, or what of it breaks a rule."""
    return {FOCUS_CONFORMANCE.name if options.check else CHARGES.name}


def charges(rows: DataFrame, options: BillingChargesOptions) -> Mapping[str, DataFrame]:
    """Rows that the reader gives to rows of the dataset that a run writes."""
    return dict.fromkeys(written(options), rows)


def written_for(options: BillingChargesOptions) -> Mapping[str, str]:
    """What a run of a check replaces, also where no rule is broken any more."""
    return {"export": options.export} if options.check else {}


def part(options: BillingChargesOptions) -> Column | None:
    """What tells the parts of a month apart that loads of this scope replace."""
    return SCOPES[options.scope]() if options.scope in SCOPES and not options.check else None


JOB = Job(
    name="billing-charges",
    help="Load cost exports: FOCUS and AWS CUR.",
    options=BillingChargesOptions,
    reads=ExportReader(),
    writes=(CHARGES, FOCUS_CONFORMANCE),
    outputs=written,
    scope=written_for,
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
