"""The columns of FOCUS 1.0 to 1.4, and what each has to hold.

https://focus.finops.org/focus-specification/: feature levels, null handling, value formats and
allowed values of the dataset Cost and Usage. Conditional columns may be absent, as only the
provider knows whether their condition holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

NUMBER, PRICE, TIME, CURRENCY, JSON, TEXT = "number", "price", "time", "currency", "json", "text"

_CATEGORIES = (
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases"),
    *("Developer Tools", "Multicloud", "Identity", "Integration", "Internet of Things"),
    *("Management and Governance", "Media", "Migration", "Mobile", "Networking", "Security"),
    *("Storage", "Web", "Other"),
)


@dataclass(frozen=True)
class Column:
    """A column: what its values are, the version that brought it and the one that took it away,
    whether an export must have it (until a version `is_required_until`) and whether a value may be
    null."""

    name: str
    kind: str = TEXT
    since: str = "1.0"
    until: str | None = None
    is_required: bool = False
    is_nullable: bool = True
    values: tuple[str, ...] = ()

    def is_in(self, version: str) -> bool:
        """Whether it is a column of this version."""
        return self.since <= version and (self.until is None or version < self.until)


def _given(text: str, kind: str = TEXT, since: str = "1.0", until: str = "") -> Iterator[Column]:
    """Columns by name; behind it `?` where an export need not have it, `!` where none is null."""
    for word in text.split():
        yield Column(
            word.rstrip("!?"),
            kind,
            since,
            until or None,
            is_required="?" not in word,
            is_nullable="!" not in word,
        )


def _one_of(name: str, *values: str, since: str = "1.0") -> Column:
    (column,) = _given(name, since=since)
    return replace(column, values=values)


COLUMNS = (
    *_given("BilledCost! EffectiveCost! ListCost! ContractedCost! PricingQuantity", NUMBER),
    *_given("ConsumedQuantity?", NUMBER),
    *_given("ContractedUnitPrice? ListUnitPrice?", PRICE),
    *_given("BillingPeriodStart! BillingPeriodEnd! ChargePeriodStart! ChargePeriodEnd!", TIME),
    *_given("BillingCurrency!", CURRENCY),
    *_given("Tags?", JSON),
    *_given("BillingAccountId! BillingAccountName ChargeDescription PricingUnit ServiceName!"),
    *_given("InvoiceIssuerName!"),
    *_given("ProviderName! PublisherName!", until="1.3"),
    *_given("ProviderName? PublisherName?", since="1.3", until="1.4"),
    *_given("AvailabilityZone? CommitmentDiscountId? CommitmentDiscountName? ConsumedUnit?"),
    *_given("CommitmentDiscountType? RegionId? RegionName? ResourceId? ResourceName?"),
    *_given("ResourceType? SkuId? SkuPriceId? SubAccountId? SubAccountName?"),
    *_given("CommitmentDiscountQuantity?", NUMBER, since="1.1"),
    *_given("CapacityReservationId? CommitmentDiscountUnit? SkuMeter?", since="1.1"),
    *_given("ServiceSubcategory?!", since="1.1"),
    *_given("SkuPriceDetails?", JSON, since="1.1"),
    *_given("BillingAccountType?! InvoiceId? SubAccountType?", since="1.2"),
    *_given("PricingCurrency?!", CURRENCY, since="1.2"),
    *_given("PricingCurrencyEffectiveCost?!", NUMBER, since="1.2"),
    *_given("PricingCurrencyContractedUnitPrice?", PRICE, since="1.2"),
    *_given("PricingCurrencyListUnitPrice?", PRICE, since="1.2"),
    *_given("ServiceProviderName! HostProviderName", since="1.3"),
    *_given("AllocatedMethodId? AllocatedResourceId? AllocatedResourceName?", since="1.3"),
    *_given("AllocatedMethodDetails? AllocatedTags? ContractApplied?", JSON, since="1.3"),
    *_given("CommitmentProgramEligibilityDetails?", JSON, since="1.4"),
    *_given("InvoiceDetailId?", since="1.4"),
    _one_of("ChargeCategory!", "Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    _one_of("ChargeClass", "Correction"),
    _one_of("ChargeFrequency?!", "One-Time", "Recurring", "Usage-Based"),
    _one_of("CommitmentDiscountCategory?", "Spend", "Usage"),
    _one_of("CommitmentDiscountStatus?", "Used", "Unused"),
    _one_of("CapacityReservationStatus?", "Used", "Unused", since="1.1"),
    _one_of("PricingCategory?", "Standard", "Dynamic", "Committed", "Other"),
    _one_of("ServiceCategory!", *_CATEGORIES),
)
"""The columns, of all versions."""


def columns_of(version: str) -> tuple[Column, ...]:
    """The columns of a version of FOCUS."""
    return tuple(column for column in COLUMNS if column.is_in(version))
