"""What invoices come to, a month so far, what was saved, and all exports in one currency."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from gristmill import Job, main
from gristmill.cloud_costs.audit import check_sums
from gristmill.cloud_costs.by_invoice import COST_BY_INVOICE, by_invoice
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.costs import costs, totals
from gristmill.cloud_costs.measures import REPORTED
from gristmill.cloud_costs.month_to_date import MONTH_TO_DATE, month_to_date
from gristmill.cloud_costs.rated_charges import RatedChargesReader, RateOptions
from gristmill.cloud_costs.rollup import COST_ROLLUP, rollup
from gristmill.cloud_costs.savings import SAVINGS, savings


@dataclass(frozen=True)
class BillingStatementsOptions(RateOptions):
    """What charges are held against, and in which currency they are added up."""


def gather(charges: DataFrame, options: BillingStatementsOptions) -> DataFrame:
    """Rows of `CHARGES` to those that all tables are made of."""
    return costs(charges, (), options.report_currency, ("invoice_id", "invoice_issuer_name"))


def statements(gathered: DataFrame, _options: BillingStatementsOptions) -> Mapping[str, DataFrame]:
    """Rows that `gather` gives to rows of the tables."""
    return {
        COST_BY_INVOICE.name: by_invoice(gathered),
        MONTH_TO_DATE.name: month_to_date(gathered),
        SAVINGS.name: savings(gathered),
        COST_ROLLUP.name: rollup(gathered),
    }


def audit(
    charges: DataFrame, staged: Mapping[str, DataFrame], options: BillingStatementsOptions
) -> None:
    """See that invoices, and the sums of all exports, come to what charges do; or `AuditError`."""
    sums = totals(charges, options.report_currency)
    check_sums(sums, {COST_BY_INVOICE.name: staged[COST_BY_INVOICE.name]})
    if options.report_currency:
        rolled = {COST_ROLLUP.name: staged[COST_ROLLUP.name]}
        check_sums(sums, rolled, ("billing_period", "report_currency"), (*REPORTED, "charges"))


JOB = Job(
    name="billing-statements",
    help="Reconcile invoices, and sum up months to date, savings and all exports together.",
    options=BillingStatementsOptions,
    reads=RatedChargesReader(CHARGES),
    writes=(COST_BY_INVOICE, MONTH_TO_DATE, SAVINGS, COST_ROLLUP),
    transform=statements,
    shared=gather,
    audit=audit,
)

if __name__ == "__main__":
    main(JOB)
