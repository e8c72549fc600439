"""What invoices say that they come to, and whether charges sum to it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.cloud_costs.cells import key
from gristmill.cloud_costs.charges import MONEY
from gristmill.errors import InputError, ReconciliationError

INVOICE_TOTAL, INVOICE_DATE = "_invoice_total", "_invoice_date"
"""The columns of a charge that hold what its invoice comes to, and when it was issued."""

_NAMES = {
    "id": ("id", "invoice", "invoiceid"),
    "total": ("total", "amount", "billedcost"),
    "currency": ("currency", "billingcurrency"),
    "date": ("date", "issued", "invoiceissuedate"),
}
_SHOWN, _NOTED = 20, 5
_PLACES = {
    **dict.fromkeys(("JPY", "KRW", "CLP", "VND", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits after the point of currencies that do not have two: ISO 4217."""


@dataclass(frozen=True)
class Invoice:
    """What an invoice comes to; a currency or a date that is not told is None."""

    total: Decimal
    currency: str | None
    date: date | None


def parse(files: Mapping[str, str]) -> Mapping[str, Invoice]:
    """Invoices by id, out of CSVs by their names, whose headers name `id` and `total`, and maybe
    `currency` and `date`. FOCUS's dataset Invoice Detail is one: the lines of an invoice add up.

    Raises `InputError`, naming the line, for what is none.
    """
    invoices: dict[str, Invoice] = {}
    for file, text in files.items():
        lines = csv.DictReader(io.StringIO(text, newline=""))
        names = {key(name): name for name in lines.fieldnames or ()}
        found = {
            what: next((names[one] for one in spellings if one in names), None)
            for what, spellings in _NAMES.items()
        }
        missing = [what for what in ("id", "total") if found[what] is None]
        if missing:
            raise InputError(f"{file} lists no invoices: its header lacks {', '.join(missing)}")
        for line in lines:
            cells = {what: (line[name] or "").strip() for what, name in found.items() if name}
            _add(invoices, cells, f"{file}, line {lines.line_num}")
    return invoices


def _add(invoices: dict[str, Invoice], cells: Mapping[str, str], place: str) -> None:
    try:
        total = Decimal(cells["total"])
        issued = date.fromisoformat(cells["date"][:10]) if cells.get("date") else None
    except (ValueError, InvalidOperation):
        raise InputError(
            f"{place}: a total is written as 1234.56 and a date as 2026-10-03, not "
            f"{cells['total']!r}, {cells.get('date', '')!r}"
        ) from None
    if not cells["id"] or not total.is_finite():
        raise InputError(f"{place}: an invoice has an id and a total")
    known = invoices.get(cells["id"])
    one = Invoice(total, cells.get("currency") or None, issued)
    if known is not None:
        if known.currency != one.currency:
            raise InputError(f"{place}: {cells['id']} has lines in {known.currency} and others")
        one = Invoice(known.total + total, known.currency, known.date or issued)
    invoices[cells["id"]] = one


def places(currency: str) -> int:
    """How many digits after the point amounts in a currency have."""
    return _PLACES.get(currency, 2)


def rounded(amount: str, currency: str = "billing_currency") -> Column:
    """An amount, rounded half up to the digits that its currency has."""
    by: dict[int, list[str]] = {}
    for code, digits in _PLACES.items():
        by.setdefault(digits, []).append(code)
    found = F.round(amount, 2).cast(MONEY)
    for digits, codes in by.items():
        is_one = F.col(currency).isin(codes)
        found = F.when(is_one, F.round(amount, digits).cast(MONEY)).otherwise(found)
    return found


def reconciled(
    charges: DataFrame, invoices: Mapping[str, Invoice], tolerance: Decimal
) -> tuple[DataFrame, str | None]:
    """`charges` with `INVOICE_TOTAL` and `INVOICE_DATE`, null where their invoice is not listed;
    and a note of the invoices that are not, None where all are.

    Raises `ReconciliationError`, listing the invoices to which charges do not sum: the sum, rounded
    as its currency is, is more than `tolerance` apart from the total, or there is none. It looks at
    all charges at once.
    """
    listed = sorted(invoices)
    sums = (
        charges.where(F.col("invoice_id").isNotNull())
        .groupBy("invoice_id", "billing_currency")
        .agg(F.coalesce(F.sum("billed_cost"), F.lit(0)).alias("billed_cost"))
        .withColumn("billed_cost", rounded("billed_cost"))
        .collect()
    )
    found: dict[str, dict[str, Decimal]] = {}
    for row in sums:
        found.setdefault(row["invoice_id"], {})[row["billing_currency"]] = row["billed_cost"]
    wrong = [
        text
        for name in listed
        for text in [_difference(name, invoices[name], found.get(name, {}), tolerance)]
        if text
    ]
    if wrong:
        more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
        raise ReconciliationError(
            f"{len(wrong):,} of {len(listed):,} invoices are not what their charges sum to: "
            f"{'; '.join(wrong[:_SHOWN])}{more}. Nothing was published: load what is missing, or "
            "allow for it with --tolerance"
        )
    totals = [(name, one.currency, one.total, one.date) for name, one in invoices.items()]
    known = charges.sparkSession.createDataFrame(
        totals, f"_invoice string, _currency string, {INVOICE_TOTAL} {MONEY}, {INVOICE_DATE} date"
    )
    is_its = F.col("_currency").isNull() | (F.col("_currency") == F.col("billing_currency"))
    same = (F.col("_invoice") == F.col("invoice_id")) & is_its
    rows = charges.join(F.broadcast(known), same, "left").drop("_invoice", "_currency")
    return rows, unlisted(found, invoices)


def unlisted(
    sums: Mapping[str, Mapping[str, Decimal]], invoices: Mapping[str, Invoice]
) -> str | None:
    """What is to be said of invoices that charges are on, with what they sum to by currency, and
    that are not listed, or not in that currency: the largest first; None where all are."""
    amounts = sorted(
        (-abs(amount), f"{name} ({amount:.{places(currency)}f} {currency})")
        for name, by in sums.items()
        for currency, amount in by.items()
        if amount and not (name in invoices and invoices[name].currency in {None, currency})
    )
    if not amounts:
        return None
    shown = ", ".join(text for _, text in amounts[:_NOTED])
    more = f" and {len(amounts) - _NOTED:,} more" if len(amounts) > _NOTED else ""
    return f"--invoices does not list what charges are on: {shown}{more}"


def _difference(
    name: str, invoice: Invoice, sums: Mapping[str, Decimal], tolerance: Decimal
) -> str | None:
    """How an invoice differs from its charges, None where it does not."""
    currencies: Sequence[str] = [invoice.currency] if invoice.currency else sorted(sums)
    if len(currencies) > 1:
        return f"{name} has charges in {' and '.join(currencies)}, and no currency of its own"
    amount = sums.get(currencies[0]) if currencies else None
    if amount is None:
        if not invoice.total:
            return None
        return f"{name} comes to {invoice.total:f} {invoice.currency or ''}".rstrip() + (
            ", and has no charges"
        )
    off = amount - invoice.total
    if abs(off) <= tolerance:
        return None
    digits = f"+.{max(places(currencies[0]), -int(invoice.total.as_tuple().exponent))}f"
    return f"{name} comes to {invoice.total:f} {currencies[0]}, and its charges are {off:{digits}}"
