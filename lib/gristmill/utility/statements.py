"""From priced readings to what each meter's month comes to.

A month is a calendar month of the meter's local time. A reading that is missing, or there twice,
is left out of every sum and named; nothing is put in its place.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from gristmill.readers import local_time
from gristmill.utility.amounts import EXACT, MONEY, QUANTITY, amount, in_cents, total
from gristmill.utility.prices import CHARGES, PRICE, TIERS
from gristmill.utility.tariffs import CUSTOMER, DEMAND, ENERGY, EXPORT

MISSING, DOUBLED = "missing", "doubled"
COMPLETE, PARTIAL = "complete", "partial"

_METER = ("zone", "customer_group", "region", "interval_minutes", "tariff")
_LISTED = 10


def in_order(rows: DataFrame) -> DataFrame:
    """Priced readings with what comes before and after each, and whether it is doubled.

    Adds `previous` and `following` (starts of the meter's neighbouring readings) and
    `is_doubled`. Missing readings are left out.
    """
    by_meter = Window.partitionBy("meter").orderBy("start")
    placed = rows.where(F.col("kwh").isNotNull()).withColumns(
        {
            "previous": F.lag("start").over(by_meter),
            "following": F.lead("start").over(by_meter),
        }
    )
    same = [F.coalesce(F.col(side) == F.col("start"), F.lit(False)) for side in _SIDES]
    return placed.withColumn("is_doubled", same[0] | same[1])


_SIDES = ("previous", "following")


def accounts(ordered: DataFrame) -> DataFrame:
    """One row for each meter and month from its first reading to its last.

    Its columns: `meter`, `month` (2026-10), those of the meter, `period_start` and `period_end`,
    `readings`, `used` (an array of structs: `price`, the `kwh` that were used, those `fed_in`, and
    the highest `peak` of a reading)
    and `problems` (an array of structs: what, from when until when).
    """
    facts = ordered.select("meter", *_METER, F.inline(_facts()))
    priced = facts.groupBy("meter", "month", *_METER, "customer", "price").agg(
        F.sum(_used(F.col("kwh"))).alias("kwh"),
        F.sum(_used(-F.col("kwh"))).alias("fed_in"),
        F.max(_used(F.col("kwh"))).alias("peak"),
        F.count("kwh").alias("readings"),
        F.collect_list("problem").alias("problems"),
    )
    used = F.when(F.col("price").isNotNull(), F.struct("price", "kwh", "fed_in", "peak"))
    found = priced.groupBy("meter", "month", *_METER, "customer").agg(
        F.sum("readings").alias("readings"),
        F.collect_list(used).alias("used"),
        F.flatten(F.collect_list("problems")).alias("problems"),
    )
    first = F.to_timestamp(F.concat("month", F.lit("-01")))
    return found.withColumns(
        {
            "period_start": local_time.instant(first, F.col("zone")),
            "period_end": local_time.instant(_next_month(first), F.col("zone")),
            "problems": F.array_sort("problems"),
        }
    )


def lines(found: DataFrame) -> DataFrame:
    """What `accounts` are made up of: one row for each charge, window and rate.

    Its columns: `meter`, `month`, `account` (a struct of the account's columns), `charge`,
    `window`, `unit`, `quantity`, `rate` and `amount`. A month with nothing to pay for has one row
    whose charge is null.
    """
    account = F.struct(*(name for name in found.columns if name not in ("used", "customer")))
    entries = F.concat(*(_entries(kind) for kind in (CUSTOMER, ENERGY, DEMAND, EXPORT)))
    # A month without charges is a statement all the same.
    listed = found.select("meter", "month", account.alias("account"), F.inline_outer(entries))
    quantity = F.when(F.col("charge") == DEMAND, F.max("quantity")).otherwise(F.sum("quantity"))
    summed = listed.groupBy("meter", "month", "charge", "unit", "tiers").agg(
        F.first("account").alias("account"), quantity.cast(EXACT).alias("quantity")
    )
    by = ("meter", "month", "charge", "window", "unit", "rate")
    each = summed.select("meter", "month", "account", "charge", "unit", F.inline_outer(_tiers()))
    summed = each.groupBy(*by).agg(
        F.first("account").alias("account"), F.sum("quantity").cast(QUANTITY).alias("quantity")
    )
    paid = amount(F.col("quantity"), F.col("rate"))
    return summed.withColumns({"rate": F.col("rate").cast(MONEY), "amount": paid})


def statements(listed: DataFrame) -> DataFrame:
    """One row for each meter and month of `lines`: its sums, and how much of it was read."""
    zero = F.lit(0).cast(MONEY)

    def of(kind: str, name: str) -> Column:
        return F.coalesce(F.sum(F.when(F.col("charge") == kind, F.col(name))), zero)

    summed = listed.groupBy("meter", "month").agg(
        F.first("account").alias("account"),
        of(ENERGY, "quantity").alias("kwh"),
        of(CUSTOMER, "amount").alias("fixed"),
        of(ENERGY, "amount").alias("energy"),
        of(DEMAND, "amount").alias("demand"),
        of(EXPORT, "quantity").alias("exported_kwh"),
        of(EXPORT, "amount").alias("export"),
    )
    sums = ("kwh", "exported_kwh", "fixed", "energy", "demand", "export")
    found = summed.select("account.*", *sums)
    seconds = F.unix_seconds("period_end") - F.unix_seconds("period_start")
    interval = F.col("interval_minutes") * 60
    expected = F.floor(seconds / interval)
    is_complete = F.col("readings") * interval == seconds
    doubled = F.size(F.filter("problems", lambda each: each["problem"] == DOUBLED))
    return found.withColumns(
        {
            "expected_hours": seconds / 3600,
            "expected_readings": expected,
            "missing_readings": expected - F.col("readings") - doubled,
            "doubled_readings": doubled.cast("bigint"),
            "status": F.when(is_complete, COMPLETE).otherwise(PARTIAL),
            "problems": _told(),
            "total": in_cents(
                total(F.col("fixed"), F.col("energy"), F.col("demand"), F.col("export"))
            ),
        }
    )


def patterns(ordered: DataFrame) -> DataFrame:
    """How much was used, by month, customer group, region, season and hour of the local day."""
    taken = ordered.where(~F.col("is_doubled"))
    by = (F.hour("wall").alias("hour"), F.col("price.season").alias("season"))
    grouped = taken.groupBy(_month(F.col("wall")).alias("month"), *_GROUP, *by)
    hours = F.sum("interval_minutes") / 60
    used = F.sum(_used(F.col("kwh")))
    return grouped.agg(
        used.cast(QUANTITY).alias("kwh"),
        F.count("kwh").alias("readings"),
        hours.alias("hours"),
        (used.cast("double") / hours).alias("average_kw"),
    )


def _used(kwh: Column) -> Column:
    """What of a reading was used, and not fed in; of its negative the other way round."""
    return F.greatest(kwh, F.lit(0).cast(EXACT))


_GROUP = ("customer_group", "region")


def _facts() -> Column:
    """What a row of `in_order` tells: its use, or that it is doubled, and what lacks beside it."""
    start, zone = F.col("start"), F.col("zone")
    end = start + F.make_dt_interval(mins="interval_minutes")
    first = F.trunc("wall", "MM").cast("timestamp")
    after_previous = F.col("previous") + F.make_dt_interval(mins="interval_minutes")
    since = F.coalesce(after_previous, local_time.instant(first, zone))
    until = local_time.instant(_next_month(first), zone)
    is_last = F.col("following").isNull()
    is_first_of_doubles = F.coalesce(F.col("previous") != start, F.lit(True))
    none = F.array().cast(f"array<{_FACT}>")
    used = F.array(_fact(_month(F.col("wall")), price="price", kwh="kwh"))
    doubled = F.array(
        _fact(_month(F.col("wall")), problem=F.struct(start, end, F.lit(DOUBLED))),
    )
    return F.concat(
        F.when(~F.col("is_doubled"), used).when(is_first_of_doubles, doubled).otherwise(none),
        F.when(since < start, _missing(since, start)).otherwise(none),
        F.when(is_last & (end < until), _missing(end, until)).otherwise(none),
    )


def _missing(since: Column, until: Column) -> Column:
    """The facts that readings are missing in a span of time, one for each month of it."""
    zone = F.col("zone")
    moment_before = until - F.expr("INTERVAL 1 SECOND")
    first, last = (F.trunc(local_time.wall(end, zone), "MM") for end in (since, moment_before))

    def part(day: Column) -> Column:
        month = day.cast("timestamp")
        begin = F.greatest(since, local_time.instant(month, zone))
        end = F.least(until, local_time.instant(_next_month(month), zone))
        return _fact(_month(month), problem=F.struct(begin, end, F.lit(MISSING)))

    return F.transform(F.sequence(first, last, F.expr("INTERVAL 1 MONTH")), part)


_FACT = (
    f"struct<month: string, customer: {CHARGES}, price: {PRICE}, kwh: {EXACT}, "
    "problem: struct<since: timestamp, until: timestamp, problem: string>>"
)


def _fact(
    month: Column,
    *,
    price: str | None = None,
    kwh: str | None = None,
    problem: Column | None = None,
) -> Column:
    nothing = F.lit(None)
    first = F.to_date(F.concat(month, F.lit("-01")))
    valid = F.filter(
        "price.customer",
        lambda one: (
            (one["since"].isNull() | (one["since"] <= first))
            & (one["until"].isNull() | (first < one["until"]))
        ),
    )
    parts = (
        month,
        F.coalesce(F.get(valid, F.lit(0))["charges"], F.array().cast(CHARGES)),
        F.col(price) if price else nothing,
        F.col(kwh) if kwh else nothing,
        nothing if problem is None else problem,
    )
    return F.struct(*parts).cast(_FACT)


_ENTRY = f"array<struct<charge: string, unit: string, tiers: {TIERS}, quantity: {EXACT}>>"


def _tiers() -> Column:
    """A quantity by the tiers of its rates: what of it is above each, and not above the next."""

    def part(tier: Column, at: Column) -> Column:
        until = F.coalesce(F.get("tiers", at + 1)["above"], F.col("quantity"))
        share = F.greatest(F.least(F.col("quantity"), until) - tier["above"], F.lit(0))
        quantity = F.when(at == 0, F.least(F.col("quantity"), until)).otherwise(share)
        return F.struct(
            tier["window"].alias("window"),
            tier["rate"].alias("rate"),
            quantity.cast(EXACT).alias("quantity"),
        )

    # A tier that is not reached is no line.
    return F.filter(
        F.transform("tiers", part),
        lambda one, at: (at == 0) | (one["quantity"] > 0),
    )


def _entries(kind: str) -> Column:
    """The charges of one kind in an account, each with how much of its unit there was."""

    def entry(charge: Column, quantity: Column) -> Column:
        one = F.struct(charge["window"], charge["rate"], F.lit(0))
        tiers = F.array(one).cast(TIERS)
        return F.struct(F.lit(kind), charge["unit"], tiers, quantity.cast(EXACT))

    per_hour = (F.lit(60) / F.col("interval_minutes")).cast("decimal(2,0)")
    if kind == ENERGY:
        found = F.transform(
            "used",
            lambda use: F.struct(
                F.lit(kind), F.lit("kWh"), use["price"]["energy"], use["kwh"].cast(EXACT)
            ),
        )
    elif kind == EXPORT:
        found = F.flatten(
            F.transform(
                F.filter("used", lambda use: use["fed_in"] > 0),
                lambda use: F.transform(
                    use["price"]["export"], lambda charge: entry(charge, use["fed_in"])
                ),
            )
        )
    elif kind == DEMAND:
        found = F.flatten(
            F.transform(
                "used",
                lambda use: F.transform(
                    use["price"]["demand"], lambda charge: entry(charge, use["peak"] * per_hour)
                ),
            )
        )
    else:
        days = F.dayofmonth(F.last_day(F.concat("month", F.lit("-01"))))
        found = F.transform(
            "customer",
            lambda charge: entry(charge, F.when(charge["unit"] == "day", days).otherwise(1)),
        )
    return found.cast(_ENTRY)


def _told() -> Column:
    """The problems of an account in words, the first of them one by one; null where it has none."""

    def words(each: Column) -> Column:
        since, until = (local_time.written(each[end], F.col("zone")) for end in ("since", "until"))
        return F.format_string("%s %s to %s", each["problem"], since, until)

    listed = F.transform(F.slice("problems", 1, _LISTED), words)
    text = F.array_join(listed, "; ")
    more = F.size("problems") - _LISTED
    text = F.when(more > 0, F.format_string("%s; and %d more", text, more)).otherwise(text)
    return F.when(F.size("problems") > 0, text)


def _month(wall: Column) -> Column:
    return F.date_format(wall, "yyyy-MM")


def _next_month(first: Column) -> Column:
    return F.add_months(first, 1).cast("timestamp")
