"""Charges out of AWS's Cost and Usage Report with DuckDB: its CSV reader, and SQL."""

import sys

import duckdb

_MONEY = "decimal(38,18)"


def money(name: str) -> str:
    return f'try_cast("{name}" as {_MONEY})'


source, target, threads = sys.argv[1:]
db = duckdb.connect(config={"threads": threads})
db.execute("set TimeZone = 'UTC'")
db.execute(
    f"""
    copy (
      with lines as (
        select *, "lineItem/LineItemType" as kind, {money("lineItem/UnblendedCost")} as billed,
          kind in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') as is_usage,
          case when kind = 'SavingsPlanNegation' then 0 else billed end as priced,
          nullif("savingsPlan/SavingsPlanARN", '') as plan,
          nullif("reservation/ReservationARN", '') as reservation
        from read_csv('{source}/*.csv', all_varchar = true, filename = true)
      )
      select billed as billed_cost, "bill/PayerAccountId" as billing_account_id,
        "lineItem/CurrencyCode" as billing_currency,
        cast("bill/BillingPeriodStartDate" as timestamptz) as billing_period_start,
        cast("bill/BillingPeriodEndDate" as timestamptz) as billing_period_end,
        case when kind in ('Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
          then 'Purchase' when kind = 'Tax' then 'Tax' when kind = 'Credit' then 'Credit'
          when kind = 'Refund' then 'Adjustment' else 'Usage' end as charge_category,
        "lineItem/LineItemDescription" as charge_description,
        cast("lineItem/UsageStartDate" as timestamptz) as charge_period_start,
        cast("lineItem/UsageEndDate" as timestamptz) as charge_period_end,
        coalesce(plan, reservation) as commitment_discount_id,
        case when is_usage then {money("lineItem/UsageAmount")} end as consumed_quantity,
        case when is_usage then nullif("pricing/unit", '') end as consumed_unit,
        case when kind = 'DiscountedUsage'
          then coalesce({money("pricing/publicOnDemandCost")}, billed) else priced
          end as contracted_cost,
        case when kind = 'SavingsPlanCoveredUsage'
            then coalesce({money("savingsPlan/SavingsPlanEffectiveCost")}, 0)
          when kind = 'SavingsPlanRecurringFee'
            then coalesce({money("savingsPlan/TotalCommitmentToDate")}, 0)
              - coalesce({money("savingsPlan/UsedCommitment")}, 0)
          when kind in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
          when kind = 'DiscountedUsage' then coalesce({money("reservation/EffectiveCost")}, 0)
          when kind = 'RIFee'
            then coalesce({money("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod")}, 0)
              + coalesce({money("reservation/UnusedRecurringFee")}, 0)
          when kind = 'Fee' and reservation is not null then 0
          when kind = 'Refund' and (plan is not null or reservation is not null) then 0
          else billed end as effective_cost,
        nullif("bill/InvoiceId", '') as invoice_id,
        "bill/BillingEntity" as invoice_issuer_name,
        case when ends_with(kind, 'Discount') then 0
          when is_usage then coalesce({money("pricing/publicOnDemandCost")}, billed)
          else priced end as list_cost,
        {money("lineItem/UsageAmount")} as pricing_quantity, "pricing/unit" as pricing_unit,
        'AWS' as provider_name, "product/region" as region_id,
        nullif("lineItem/ResourceId", '') as resource_id,
        "product/ProductName" as service_name, "lineItem/UsageAccountId" as sub_account_id,
        map_from_entries(list_filter([
          ('user:Team', nullif("resourceTags/user:Team", '')),
          ('user:cost-center', nullif("resourceTags/user:cost-center", ''))
        ], lambda pair: pair[2] is not null)) as tags,
        kind as x_line_item_type, "lineItem/ProductCode" as x_product_code,
        "lineItem/UsageType" as x_usage_type, "lineItem/Operation" as x_operation,
        {money("lineItem/BlendedCost")} as x_blended_cost, filename as source_file,
        strftime(cast("bill/BillingPeriodStartDate" as timestamptz), '%Y-%m') as billing_period
      from lines
    ) to '{target}' (format parquet, partition_by (billing_period), compression zstd)
    """
)
