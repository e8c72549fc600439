"""AWS Cost and Usage Reports, legacy and 2.0, in the terms of FOCUS: see docs/billing.md.

https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html. Both kinds have the same
columns under names that differ in case and marks alone.
"""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.cloud_costs import cur_details
from gristmill.cloud_costs.cells import Cells, has_half, key
from gristmill.cloud_costs.charges import AWS, FOCUS, MONEY
from gristmill.cloud_costs.cur_details import details, is_discount

REQUIRED = (
    *("bill/PayerAccountId", "bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate"),
    *("lineItem/UsageAccountId", "lineItem/LineItemType", "lineItem/UsageStartDate"),
    *("lineItem/UsageEndDate", "lineItem/ProductCode", "lineItem/CurrencyCode"),
    "lineItem/UnblendedCost",
)
"""Columns without which rows are not charges, as the legacy report writes them."""

CATEGORIES = {
    "Fee": "Purchase",
    "RIFee": "Purchase",
    "SavingsPlanRecurringFee": "Purchase",
    "SavingsPlanUpfrontFee": "Purchase",
    "Tax": "Tax",
    "Credit": "Credit",
    "Refund": "Adjustment",
}
"""Charge category by kind of line item; all others, also negations and discounts, are Usage."""

_FREQUENCIES = {
    "Fee": "One-Time",
    "SavingsPlanUpfrontFee": "One-Time",
    "RIFee": "Recurring",
    "SavingsPlanRecurringFee": "Recurring",
    "Tax": "Recurring",
    "Credit": "One-Time",
    "Refund": "One-Time",
}

AMOUNTS = (
    *("lineItem/UnblendedCost", "lineItem/BlendedCost", "lineItem/UsageAmount"),
    *("lineItem/UnblendedRate", "pricing/publicOnDemandCost", "pricing/publicOnDemandRate"),
    *("reservation/EffectiveCost", "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod"),
    *("reservation/UnusedRecurringFee", "savingsPlan/SavingsPlanEffectiveCost"),
    *("savingsPlan/TotalCommitmentToDate", "savingsPlan/UsedCommitment"),
    *cur_details.AMOUNTS,
)
"""The columns that hold amounts."""

TIMES = (
    *("bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate"),
    *("lineItem/UsageStartDate", "lineItem/UsageEndDate"),
)
"""The columns that hold times."""

PERIOD = TIMES[:2]
"""The columns of the billing period."""

FIGURES = (
    *dict.fromkeys((*REQUIRED, *AMOUNTS, *TIMES)),
    *("bill/InvoiceId", "reservation/ReservationARN", "savingsPlan/SavingsPlanARN"),
)
"""The columns that figures rest on, of which none may be there twice."""

_AMORTIZED = (
    *("savingsPlan/SavingsPlanEffectiveCost", "savingsPlan/TotalCommitmentToDate"),
    *("savingsPlan/UsedCommitment", "reservation/EffectiveCost", "reservation/ReservationARN"),
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
    "reservation/UnusedRecurringFee",
)
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "SavingsPlanCoveredUsage": ("savingsPlan/SavingsPlanEffectiveCost",),
    "SavingsPlanRecurringFee": (
        "savingsPlan/TotalCommitmentToDate",
        "savingsPlan/UsedCommitment",
    ),
    "DiscountedUsage": ("reservation/EffectiveCost",),
    "RIFee": (
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
        "reservation/UnusedRecurringFee",
    ),
}
_REFUNDED_PLAN = "Refund for one-time fee for Savings Plan ID"
_TAGS = ("resourceTags/", "resource_tags_")


def is_report(keys: frozenset[str]) -> bool:
    """Whether columns with these keys are those of a report, or most that it has to have."""
    return key("lineItem/LineItemType") in keys or has_half(keys, REQUIRED)


def missing(keys: frozenset[str]) -> list[str]:
    """The required columns that a report does not have."""
    return [name for name in REQUIRED if key(name) not in keys]


def unamortized(keys: frozenset[str]) -> list[str]:
    """The columns that effective costs are made of, and that a report does not have."""
    return [name for name in _AMORTIZED if key(name) not in keys]


def other_amounts(names: Iterable[str]) -> list[str]:
    """Of the columns with these names, and of `AMOUNTS`, those that hold amounts which are null
    where they cannot be read, unless a line needs them."""
    known = [name for name in AMOUNTS if name != "lineItem/UnblendedCost"]
    return [*known, *filter(is_discount, names)]


def has_bad_amount(cells: Cells) -> Column:
    """Whether an amount that a line of this kind needs is no decimal; any other is null then."""
    kind = cells.text("lineItem/LineItemType")
    bad = cells.is_bad_money(["lineItem/UnblendedCost"])
    for name, needed in _NEEDED.items():
        bad = bad | (F.coalesce(kind == name, F.lit(False)) & cells.is_bad_money(needed))
    return bad


def charge(cells: Cells) -> Mapping[str, Column]:
    """The columns of a charge, by name."""
    f = cells.functions
    kind = cells.text("lineItem/LineItemType")
    billed = cells.money("lineItem/UnblendedCost")
    public = cells.money("pricing/publicOnDemandCost")
    is_usage = kind.isin("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
    # A negation takes back what covered usage would have been billed, not what it is worth.
    priced = f.when(kind == "SavingsPlanNegation", f.lit(0).cast(MONEY)).otherwise(billed)
    listed = f.when(is_usage, f.coalesce(public, billed))
    # https://focus.finops.org/focus-specification/v1-2/ ListCost: without negotiated discounts;
    # ContractedCost: with them, without those of commitments.
    is_discount = f.endswith(kind, f.lit("Discount"))
    plan = cells.text("savingsPlan/SavingsPlanARN")
    reservation = cells.text("reservation/ReservationARN")
    # The refund of a fee may name its plan in words alone.
    refunded = f.when(_is_refunded_plan(cells), _plan_in_words(cells))
    plan = f.coalesce(plan, f.when(reservation.isNull(), refunded))
    commitment = f.coalesce(plan, reservation)
    columns = {
        "availability_zone": cells.text("lineItem/AvailabilityZone"),
        "billed_cost": billed,
        "billing_account_id": cells.text("bill/PayerAccountId"),
        "billing_account_name": cells.text("bill/PayerAccountName"),
        "billing_currency": cells.text("lineItem/CurrencyCode"),
        "billing_period_end": cells.time("bill/BillingPeriodEndDate"),
        "billing_period_start": cells.time("bill/BillingPeriodStartDate"),
        "charge_category": _by_kind(cells, CATEGORIES, "Usage"),
        "charge_description": cells.text("lineItem/LineItemDescription"),
        "charge_frequency": _by_kind(cells, _FREQUENCIES, "Usage-Based"),
        "charge_period_end": cells.time("lineItem/UsageEndDate"),
        "charge_period_start": cells.time("lineItem/UsageStartDate"),
        "commitment_discount_category": f.when(plan.isNotNull(), f.lit("Spend")).when(
            reservation.isNotNull(), f.lit("Usage")
        ),
        "commitment_discount_id": commitment,
        "commitment_discount_status": _status(cells),
        "commitment_discount_type": f.when(plan.isNotNull(), f.lit("Savings Plan")).when(
            reservation.isNotNull(), f.lit("Reserved Instance")
        ),
        "consumed_quantity": f.when(is_usage, cells.money("lineItem/UsageAmount")),
        "consumed_unit": f.when(is_usage, cells.text("pricing/unit")),
        "contracted_cost": f.when(kind == "DiscountedUsage", listed).otherwise(priced),
        "effective_cost": effective_cost(cells),
        "invoice_id": cells.text("bill/InvoiceId"),
        "invoice_issuer_name": f.coalesce(
            cells.text("bill/InvoicingEntity"), cells.text("bill/BillingEntity")
        ),
        "list_cost": f.when(is_discount, f.lit(0).cast(MONEY)).otherwise(
            f.when(is_usage, listed).otherwise(priced)
        ),
        "list_unit_price": cells.money("pricing/publicOnDemandRate"),
        "pricing_category": f.when(commitment.isNotNull() & is_usage, f.lit("Committed")).when(
            is_usage, f.lit("Standard")
        ),
        "pricing_quantity": cells.money("lineItem/UsageAmount"),
        "pricing_unit": cells.text("pricing/unit"),
        **dict.fromkeys(("provider_name", "service_provider_name"), f.lit("AWS")),
        "publisher_name": f.coalesce(
            cells.text("lineItem/LegalEntity"), cells.text("bill/BillingEntity")
        ),
        "region_id": f.coalesce(
            cells.text("product/regionCode"),
            cells.text("product/region"),
            cells.member("product", "region"),
        ),
        "region_name": f.coalesce(
            cells.text("product/location"), cells.member("product", "location")
        ),
        "resource_id": cells.text("lineItem/ResourceId"),
        "service_category": f.coalesce(
            cells.text("product/productFamily"), cells.member("product", "product_family")
        ),
        "service_name": f.coalesce(
            cells.text("product/ProductName"),
            cells.member("product", "product_name"),
            cells.text("lineItem/ProductCode"),
        ),
        "sku_id": cells.text("product/sku"),
        "sku_price_id": f.coalesce(cells.text("pricing/RateId"), cells.text("pricing/RateCode")),
        "sub_account_id": cells.text("lineItem/UsageAccountId"),
        "sub_account_name": cells.text("lineItem/UsageAccountName"),
        "tags": cells.labels(_TAGS, "resource_tags"),
        "x_line_item_type": kind,
        "x_product_code": cells.text("lineItem/ProductCode"),
        "x_usage_type": cells.text("lineItem/UsageType"),
        "x_operation": cells.text("lineItem/Operation"),
        "x_blended_cost": cells.money("lineItem/BlendedCost"),
        "x_commitment_end": f.coalesce(
            cells.time("savingsPlan/EndTime"), cells.time("reservation/EndTime")
        ),
        **details(cells, is_commitment_fee=_is_commitment_fee(cells)),
    }
    nothing = {field.name: f.lit(None).cast(field.type) for field in (*FOCUS, *AWS)}
    return nothing | columns


def effective_cost(cells: Cells) -> Column:
    """The amortized cost of a line item.

    The rule of the Cloud Intelligence Dashboards,
    https://docs.aws.amazon.com/guidance/latest/cloud-intelligence-dashboards/. What a fee of a
    commitment costs comes with its usage, so that neither the fee nor its refund counts.
    """
    f = cells.functions

    def money(name: str) -> Column:
        # A digit less before the point, so that a sum of two has as many after it.
        type_ = "decimal(37,18)"
        return f.coalesce(cells.money(name).try_cast(type_), f.lit(0).cast(type_))

    kind = cells.text("lineItem/LineItemType")
    nothing = f.lit(0).cast(MONEY)
    unused_plan = money("savingsPlan/TotalCommitmentToDate") - money("savingsPlan/UsedCommitment")
    unused_reservation = money("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod") + money(
        "reservation/UnusedRecurringFee"
    )
    found = (
        f.when(kind == "SavingsPlanCoveredUsage", money("savingsPlan/SavingsPlanEffectiveCost"))
        .when(kind == "SavingsPlanRecurringFee", unused_plan)
        .when(kind == "SavingsPlanNegation", nothing)
        .when(kind == "DiscountedUsage", money("reservation/EffectiveCost"))
        .when(kind == "RIFee", unused_reservation)
        .when(_is_commitment_fee(cells), nothing)
        .otherwise(cells.money("lineItem/UnblendedCost"))
    )
    return found.cast(MONEY)


def _is_commitment_fee(cells: Cells) -> Column:
    """Whether a line is a fee that is paid ahead for a commitment, or the refund of a fee."""
    kind = cells.text("lineItem/LineItemType")
    is_fee = (kind == "SavingsPlanUpfrontFee") | (
        (kind == "Fee") & cells.text("reservation/ReservationARN").isNotNull()
    )
    return is_fee | (kind == "Refund") & (
        cells.text("savingsPlan/SavingsPlanARN").isNotNull()
        | cells.text("reservation/ReservationARN").isNotNull()
        | _is_refunded_plan(cells)
    )


def _is_refunded_plan(cells: Cells) -> Column:
    """Whether a line says in words that it is the refund of a savings plan's fee."""
    f = cells.functions
    return f.coalesce(
        (cells.text("lineItem/LineItemType") == "Refund")
        & f.endswith(cells.text("lineItem/ProductCode"), f.lit("SavingsPlans"))
        & f.startswith(cells.text("lineItem/LineItemDescription"), f.lit(_REFUNDED_PLAN)),
        f.lit(False),
    )


def _plan_in_words(cells: Cells) -> Column:
    f, description = cells.functions, cells.text("lineItem/LineItemDescription")
    found = f.regexp_extract(description, rf"^{_REFUNDED_PLAN} +([\w-]+)", 1)
    return f.when(found != "", found)


def _by_kind(cells: Cells, names: Mapping[str, str], otherwise: str) -> Column:
    f, kind = cells.functions, cells.text("lineItem/LineItemType")
    found = f.lit(otherwise)
    for name, value in names.items():
        found = f.when(kind == name, f.lit(value)).otherwise(found)
    return found


def _status(cells: Cells) -> Column:
    f, kind = cells.functions, cells.text("lineItem/LineItemType")
    return f.when(kind.isin("SavingsPlanCoveredUsage", "DiscountedUsage"), f.lit("Used")).when(
        kind.isin("SavingsPlanRecurringFee", "RIFee"), f.lit("Unused")
    )
