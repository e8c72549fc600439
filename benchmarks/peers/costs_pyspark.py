"""Charges out of AWS's Cost and Usage Report with PySpark: its CSV reader, and SQL."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

source, target, threads = sys.argv[1:]
spark = SparkSession.builder.master(f"local[{threads}]").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
read = spark.read.option("escape", '"').csv(f"{source}/*.csv", header=True)


def money(name: str) -> str:
    return f"try_cast(`{name}` as decimal(38,18))"


def known(name: str) -> str:
    return f"coalesce(try_cast(`{name}` as decimal(37,18)), 0)"


lines = read.withColumn("source_file", F.input_file_name()).selectExpr(
    "*",
    "`lineItem/LineItemType` as kind",
    f"{money('lineItem/UnblendedCost')} as billed",
    "kind in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') as is_usage",
    "if(kind = 'SavingsPlanNegation', 0, billed) as priced",
)
teams = ("Team", "cost-center")
entries = ", ".join(f"named_struct('k', 'user:{n}', 'v', `resourceTags/user:{n}`)" for n in teams)
purchases = "'Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee'"
rows = lines.selectExpr(
    "billed as billed_cost",
    "`bill/PayerAccountId` as billing_account_id",
    "`lineItem/CurrencyCode` as billing_currency",
    "cast(`bill/BillingPeriodStartDate` as timestamp) as billing_period_start",
    "cast(`bill/BillingPeriodEndDate` as timestamp) as billing_period_end",
    f"case when kind in ({purchases}) then 'Purchase' when kind in ('Tax', 'Credit') then kind "
    "when kind = 'Refund' then 'Adjustment' else 'Usage' end as charge_category",
    "`lineItem/LineItemDescription` as charge_description",
    "cast(`lineItem/UsageStartDate` as timestamp) as charge_period_start",
    "cast(`lineItem/UsageEndDate` as timestamp) as charge_period_end",
    "coalesce(`savingsPlan/SavingsPlanARN`, `reservation/ReservationARN`) "
    "as commitment_discount_id",
    f"if(is_usage, {money('lineItem/UsageAmount')}, null) as consumed_quantity",
    "if(is_usage, `pricing/unit`, null) as consumed_unit",
    f"if(kind = 'DiscountedUsage', coalesce({money('pricing/publicOnDemandCost')}, billed), priced)"
    " as contracted_cost",
    f"""cast(case when kind = 'SavingsPlanCoveredUsage'
        then {known("savingsPlan/SavingsPlanEffectiveCost")}
      when kind = 'SavingsPlanRecurringFee'
        then {known("savingsPlan/TotalCommitmentToDate")} - {known("savingsPlan/UsedCommitment")}
      when kind in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
      when kind = 'DiscountedUsage' then {known("reservation/EffectiveCost")}
      when kind = 'RIFee' then {known("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod")}
        + {known("reservation/UnusedRecurringFee")}
      when kind = 'Fee' and `reservation/ReservationARN` is not null then 0
      when kind = 'Refund' and coalesce(`savingsPlan/SavingsPlanARN`, `reservation/ReservationARN`)
        is not null then 0
      else billed end as decimal(38,18)) as effective_cost""",
    "`bill/InvoiceId` as invoice_id",
    "`bill/BillingEntity` as invoice_issuer_name",
    "case when kind like '%Discount' then 0 when is_usage then "
    f"coalesce({money('pricing/publicOnDemandCost')}, billed) else priced end as list_cost",
    f"{money('lineItem/UsageAmount')} as pricing_quantity",
    "`pricing/unit` as pricing_unit",
    "'AWS' as provider_name",
    "`product/region` as region_id",
    "`lineItem/ResourceId` as resource_id",
    "`product/ProductName` as service_name",
    "`lineItem/UsageAccountId` as sub_account_id",
    f"map_from_entries(filter(array({entries}), pair -> pair.v is not null)) as tags",
    "kind as x_line_item_type",
    "`lineItem/ProductCode` as x_product_code",
    "`lineItem/UsageType` as x_usage_type",
    "`lineItem/Operation` as x_operation",
    f"{money('lineItem/BlendedCost')} as x_blended_cost",
    "source_file",
    "date_format(cast(`bill/BillingPeriodStartDate` as timestamp), 'yyyy-MM') as billing_period",
)
rows.write.partitionBy("billing_period").parquet(target)
