"""Charges of any cloud, in the terms of FOCUS, the FinOps Open Cost and Usage Specification.

https://focus.finops.org/focus-specification/. The columns are those of FOCUS 1.0 to 1.4 in snake
case; columns that start with `x_` are AWS's own.
"""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.model.checks import Check
from gristmill.model.dataset import Dataset, Extent, Field

MONEY = "decimal(38,18)"
"""The type of every amount and quantity: 20 digits before the point and 18 after it."""

FOCUS = (
    Field("allocated_method_details", "string", "how a cost was split, as JSON"),
    Field("allocated_method_id", "string", "by which method it was split"),
    Field("allocated_resource_id", "string", "what it is allocated to"),
    Field("allocated_resource_name", "string", "its name"),
    Field("allocated_tags", "map<string,string>", "tags of what it is allocated to"),
    Field("availability_zone", "string", "where the resource is, inside its region"),
    Field("billed_cost", MONEY, "what is invoiced"),
    Field("billing_account_id", "string", "account that is invoiced"),
    Field("billing_account_name", "string", "its name"),
    Field("billing_account_type", "string", "its kind"),
    Field("billing_currency", "string", "currency of all costs, ISO 4217"),
    Field("billing_period_end", "timestamp", "end of the period, exclusive, UTC"),
    Field("billing_period_start", "timestamp", "start of the period, UTC"),
    Field("capacity_reservation_id", "string", "capacity reservation"),
    Field("capacity_reservation_status", "string", "Used or Unused"),
    Field("charge_category", "string", "Usage, Purchase, Tax, Credit or Adjustment"),
    Field("charge_class", "string", "Correction, for a change to a past period"),
    Field("charge_description", "string", "the charge in words"),
    Field("charge_frequency", "string", "One-Time, Recurring or Usage-Based"),
    Field("charge_period_end", "timestamp", "end of what is charged for, exclusive, UTC"),
    Field("charge_period_start", "timestamp", "start of what is charged for, UTC"),
    Field("commitment_discount_category", "string", "Spend or Usage"),
    Field("commitment_discount_id", "string", "the commitment: a savings plan, a reservation"),
    Field("commitment_discount_name", "string", "its name"),
    Field("commitment_discount_quantity", MONEY, "how much of it, in its unit"),
    Field("commitment_discount_status", "string", "Used or Unused"),
    Field("commitment_discount_type", "string", "the provider's kind of commitment"),
    Field("commitment_discount_unit", "string", "unit of its quantity"),
    Field("commitment_program_eligibility_details", "string", "which programs fit, as JSON"),
    Field("consumed_quantity", MONEY, "how much was consumed"),
    Field("consumed_unit", "string", "in which unit"),
    Field("contract_applied", "string", "contract commitments that it counts towards, as JSON"),
    Field("contracted_cost", MONEY, "at contracted prices, before commitment discounts"),
    Field("contracted_unit_price", MONEY, "contracted price of a unit"),
    Field(
        "effective_cost", MONEY, "amortized: with what was paid before, and without paying ahead"
    ),
    Field("host_provider_name", "string", "on whose infrastructure it runs"),
    Field("invoice_detail_id", "string", "the line of the invoice"),
    Field("invoice_id", "string", "the invoice; null while the period is not final"),
    Field("invoice_issuer_name", "string", "who invoices"),
    Field("list_cost", MONEY, "at list prices"),
    Field("list_unit_price", MONEY, "list price of a unit"),
    Field("pricing_category", "string", "Standard, Dynamic, Committed or Other"),
    Field("pricing_currency", "string", "currency of prices, where it is another"),
    Field("pricing_currency_contracted_unit_price", MONEY, "contracted price in that currency"),
    Field("pricing_currency_effective_cost", MONEY, "effective cost in that currency"),
    Field("pricing_currency_list_unit_price", MONEY, "list price in that currency"),
    Field("pricing_quantity", MONEY, "how much was priced"),
    Field("pricing_unit", "string", "in which unit"),
    Field("provider_name", "string", "who sells it, as `service_provider_name`"),
    Field("publisher_name", "string", "who makes it; null since FOCUS 1.4"),
    Field("region_id", "string", "the region"),
    Field("region_name", "string", "its name"),
    Field("resource_id", "string", "the resource"),
    Field("resource_name", "string", "its name"),
    Field("resource_type", "string", "its kind"),
    Field("service_category", "string", "such as Compute, Storage, Networking"),
    Field("service_name", "string", "the service"),
    Field("service_provider_name", "string", "who sells it"),
    Field("service_subcategory", "string", "its kind, more narrowly"),
    Field("sku_id", "string", "what was sold"),
    Field("sku_meter", "string", "what of it is measured"),
    Field("sku_price_details", "string", "properties of the price, as JSON"),
    Field("sku_price_id", "string", "the price"),
    Field("sub_account_id", "string", "account that used it; leading zeros are kept"),
    Field("sub_account_name", "string", "its name"),
    Field("sub_account_type", "string", "its kind"),
    Field("tags", "map<string,string>", "tags of the resource"),
)

AWS = (
    Field("x_line_item_type", "string", "AWS's kind of line item"),
    Field("x_product_code", "string", "AWS's code of the service"),
    Field("x_usage_type", "string", "AWS's usage type"),
    Field("x_operation", "string", "AWS's operation"),
    Field("x_blended_cost", MONEY, "AWS's blended cost"),
    Field("x_net_unblended_cost", MONEY, "AWS's cost after all discounts, where it reports one"),
    Field("x_net_effective_cost", MONEY, "amortized cost after all discounts, where it does"),
    Field("x_discounts", f"map<string,{MONEY}>", "AWS's discounts on the line, by kind"),
    Field("x_cost_categories", "map<string,string>", "AWS's cost categories"),
    Field("x_commitment_end", "timestamp", "when the commitment expires, UTC"),
    Field("x_split_parent_resource_id", "string", "instance that a container ran on"),
    Field("x_split_usage", MONEY, "usage that a container is charged for"),
    Field("x_split_usage_ratio", MONEY, "its share of the instance"),
    Field("x_split_actual_usage", MONEY, "what it used"),
    Field("x_split_reserved_usage", MONEY, "what it asked for"),
    Field("x_split_cost", MONEY, "its share of the instance's amortized cost"),
    Field("x_split_unused_cost", MONEY, "its share of what nobody used"),
    Field("x_split_net_cost", MONEY, "its share, after all discounts"),
    Field("x_split_net_unused_cost", MONEY, "of what nobody used, after all discounts"),
    Field("x_split_list_cost", MONEY, "its share, at list prices"),
    Field("x_split_list_unused_cost", MONEY, "of what nobody used, at list prices"),
)

# No zone is farther from UTC than 14 hours.
_OVERLAPS = """
    billing_period_start < add_months(concat(billing_period, '-01'), 1) + interval 14 hours
    and coalesce(billing_period_end, billing_period_start)
        >= to_date(concat(billing_period, '-01')) - interval 14 hours
"""

SCOPES: Mapping[str, Callable[[], Column]] = {
    "day": lambda: F.to_date("charge_period_start"),
    "account": lambda: F.col("sub_account_id"),
}
"""What tells the parts of a month apart, by the name of a scope."""

CHARGES = Dataset(
    name="charges",
    help="What clouds charge, a row a line of their exports, in the terms of FOCUS.",
    fields=(
        *FOCUS,
        *AWS,
        Field("source_file", "string", "the file that held it, as a URI"),
        Field("export", "string", "which export, as --export names it"),
        Field("billing_period", "string", "month of the billing period: yyyy-MM"),
    ),
    partitioned_by=("export", "billing_period"),
    write_mode="partition",
    # AWS leaves the invoice id empty until the month is final.
    is_final=lambda: (
        F.bool_or(F.col("invoice_id").isNotNull())
        & F.bool_and(F.col("invoice_id").isNotNull() | (F.coalesce("billed_cost", F.lit(0)) == 0))
    ),
    extent=Extent(
        sets={
            "days": SCOPES["day"],
            "sub-accounts": lambda: F.coalesce("sub_account_id", F.lit("without an id")),
        },
        sums={"billed cost": lambda: F.col("billed_cost")},
        by="billing_currency",
    ),
    checks=(
        Check(
            "billing_period_is_a_month_of_its_period",
            lambda: F.expr(_OVERLAPS),
        ),
    ),
)

REJECTS = {
    "wrong_fields": "not as many fields as the header names, or a quote that is not closed",
    "bad_period": "no billing period, or one that is not a time",
    "bad_time": "a time that is not one",
    "bad_amount": "an amount that the line needs: no decimal, or over 20 digits before the point",
    "no_currency": "a charge without a billing currency",
}
"""Why a line cannot be a charge, in the order in which it is looked for."""
