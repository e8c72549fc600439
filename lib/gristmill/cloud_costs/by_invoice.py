"""Costs by invoice, and what each comes to."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.charges import MONEY
from gristmill.cloud_costs.invoices import INVOICE_TOTAL, rounded
from gristmill.cloud_costs.measures import sum_where, summed, table
from gristmill.cloud_costs.money import difference
from gristmill.model.dataset import Field

_PARTS = {
    "usage_cost": ("Usage", "billed cost of usage, discounts among it"),
    "purchase_cost": ("Purchase", "billed cost of purchases: fees, upfront and recurring"),
    "tax_cost": ("Tax", "billed tax"),
    "credit_cost": ("Credit", "billed cost of credits, below 0"),
    "adjustment_cost": ("Adjustment", "billed cost of refunds and other adjustments"),
}
_BY = ("invoice_id", "invoice_issuer_name", "billing_account_id")

COST_BY_INVOICE = table(
    "cost_by_invoice",
    "Costs by invoice: usage, purchases, tax, credits and refunds apart.",
    (
        Field("invoice_id", "string", "the invoice; null while the charge is on none"),
        Field("invoice_issuer_name", "string", "who invoices"),
        Field("billing_account_id", "string", "account that is invoiced"),
    ),
    *(Field(name, MONEY, text) for name, (_, text) in _PARTS.items()),
    Field("other_cost", MONEY, "billed cost of other categories"),
    Field("rounded_cost", MONEY, "billed cost, rounded to the digits that the currency has"),
    Field("rounding", MONEY, "rounded cost less the billed one"),
    Field("invoice_total", MONEY, "what the invoice comes to; null where --invoices does not say"),
    Field(
        "difference",
        MONEY,
        "what all charges of the invoice in this currency sum to, rounded, less its total",
    ),
)


def by_invoice(costs: DataFrame) -> DataFrame:
    """Rows of `costs.costs` to rows of `COST_BY_INVOICE`."""
    known = [category for category, _ in _PARTS.values()]
    is_other = ~F.coalesce(F.col("charge_category").isin(*known), F.lit(False))
    parts = {
        name: F.col("charge_category") == category for name, (category, _) in _PARTS.items()
    } | {"other_cost": is_other}
    apart = (sum_where(holds, "billed_cost", name) for name, holds in parts.items())
    found = summed(costs, _BY, (INVOICE_TOTAL,), *apart)
    found = found.withColumn("rounded_cost", rounded("billed_cost"))
    invoice = Window.partitionBy("billing_currency", "invoice_id")
    everything = found.withColumn("_sum", F.sum("billed_cost").over(invoice).cast(MONEY))
    return everything.withColumns(
        {
            "rounding": difference(F.col("rounded_cost"), F.col("billed_cost")),
            "invoice_total": F.col(INVOICE_TOTAL),
            "difference": difference(rounded("_sum"), F.col(INVOICE_TOTAL)),
        }
    ).drop("_sum", INVOICE_TOTAL)
