"""Costs of a period and currency by service, account, region, category, day and tag."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from gristmill.cloud_costs.measures import TOTAL, label, summed, table
from gristmill.cloud_costs.money import ratio
from gristmill.model.dataset import Dataset, Field

_PROVIDER = Field("provider_name", "string", "who sells it")
_SERVICE = Field("service_name", "string", "the service")
_CATEGORY = Field("charge_category", "string", "Usage, Purchase, Tax, Credit or Adjustment")

BY_SERVICE = (
    _PROVIDER,
    _SERVICE,
    Field("x_product_code", "string", "AWS's code of the service; null for other clouds"),
)
"""What a service is known by."""

_ACCOUNT_NAME = label("sub_account_name", "its name")
_REGION_NAME = label("region_name", "its name")

COST_BY_SERVICE = table("cost_by_service", "Costs by service.", BY_SERVICE)
COST_BY_ACCOUNT = table(
    "cost_by_account",
    "Costs by account.",
    (
        _PROVIDER,
        Field("billing_account_id", "string", "account that is invoiced"),
        Field("sub_account_id", "string", "account that used it"),
    ),
    _ACCOUNT_NAME,
)
COST_BY_REGION = table(
    "cost_by_region",
    "Costs by region.",
    (_PROVIDER, Field("region_id", "string", "the region; null for what is global")),
    _REGION_NAME,
)
COST_BY_CATEGORY = table(
    "cost_by_category",
    "Costs by category: usage, purchases, tax, credits, refunds, fees and corrections apart.",
    (
        _PROVIDER,
        _CATEGORY,
        Field("charge_class", "string", "Correction, for a change to a past period; or null"),
        Field("x_line_item_type", "string", "AWS's kind of line item; null for other clouds"),
    ),
)
COST_DAILY = table(
    "cost_daily",
    "Costs by day, service and category.",
    (
        Field("date", "date", "UTC day on which what is charged for starts"),
        _PROVIDER,
        _SERVICE,
        _CATEGORY,
    ),
)
COST_BY_TAG = table(
    "cost_by_tag",
    "Costs by the values of each tag that --tag names; each tag sums to the whole.",
    (
        Field("tag_key", "string", "the tag"),
        Field("tag_value", "string", "its value; null for what is untagged"),
    ),
    Field("billed_share", "double", "of all billed cost, 0 to 1; null where that is 0"),
    Field("effective_share", "double", "of all effective cost, 0 to 1; null where that is 0"),
)

_TABLES: Mapping[Dataset, Sequence[str]] = {
    COST_BY_SERVICE: (),
    COST_BY_ACCOUNT: (_ACCOUNT_NAME.name,),
    COST_BY_REGION: (_REGION_NAME.name,),
    COST_BY_CATEGORY: (),
    COST_DAILY: (),
}


def tables(costs: DataFrame, tag_keys: Sequence[str]) -> Mapping[str, DataFrame]:
    """Rows of `costs.costs` to the tables of this module, by name."""
    found = {
        dataset.name: summed(costs, _by(dataset), labels) for dataset, labels in _TABLES.items()
    }
    return found | {COST_BY_TAG.name: _by_tag(costs, tag_keys)}


def _by(dataset: Dataset) -> list[str]:
    return [name for name in dataset.key if name not in TOTAL]


def _by_tag(costs: DataFrame, tag_keys: Sequence[str]) -> DataFrame:
    keys = F.array(*map(F.lit, tag_keys)).cast("array<string>").alias("tag_key")
    tags = F.arrays_zip(keys, F.col("tag_values").alias("tag_value"))
    found = summed(costs.select("*", F.inline(tags)), ("tag_key", "tag_value"))
    whole = Window.partitionBy(*TOTAL, "tag_key")
    return found.withColumns(
        {
            f"{kind}_share": ratio(F.col(f"{kind}_cost"), F.sum(f"{kind}_cost").over(whole))
            for kind in ("billed", "effective")
        }
    )
