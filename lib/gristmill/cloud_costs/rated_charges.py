"""Reading charges with what users have beside them: exchange rates, and what invoices come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from gristmill.cloud_costs import rates as exchange
from gristmill.cloud_costs.invoices import parse, reconciled
from gristmill.errors import UsageError
from gristmill.model.job import Reading
from gristmill.model.options import Options, option
from gristmill.readers.published import DatasetReader
from gristmill.readers.text.lines import find_files
from gristmill.storage.hadoop import content


@dataclass(frozen=True)
class RateOptions(Options):
    """A reporting currency, and at which rates charges are exchanged for it."""

    rates: str = option("", metavar="FILE", help="CSV of exchange rates: date,from,to,rate")
    report_currency: str = option(
        "", pattern=r"\S*", metavar="CODE", help="currency to add beside the billed one: EUR"
    )
    rate_on: str = option(
        exchange.DAY,
        choices=exchange.RATE_ON,
        help="whose rate counts: that of the charge's day, of the invoice's date (of --invoices), "
        "of the last day of the billing period's month, or the mean of that month's days",
    )
    fill: str = option(
        "none",
        choices=("none", "previous"),
        help="what stands for a day that has no rate: nothing, or the last one before it",
    )
    invoices: str = option(
        "", metavar="FILE", help="CSV of what invoices come to: id,total, maybe currency,date"
    )
    tolerance: str = option(
        "0",
        pattern=r"\d{1,15}(\.\d{1,18})?",
        metavar="AMOUNT",
        help="by how much the charges of an invoice may differ from its total",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.rates) != bool(self.report_currency):
            raise UsageError("--rates and --report-currency go together: one of them is missing")
        if self.rate_on == exchange.INVOICE and not self.invoices:
            raise UsageError("--rate-on invoice takes the dates of --invoices, which is missing")


class RatedChargesReader(DatasetReader):
    """A reader of `CHARGES` that holds them against their invoices and gives each its exchange
    rate, where `RateOptions` ask for that."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        """The charges. Raises `InputError` where a rate that one of them needs is missing, and
        `ReconciliationError` where an invoice is not what they sum to."""
        reading = super().read(spark, inputs, options)
        rows, notes = reading.rows, [*reading.notes]
        if options.invoices:
            invoices = parse(texts_of(spark, options.invoices))
            rows, note = reconciled(rows, invoices, Decimal(options.tolerance))
            notes += [note] if note else []
        if options.rates:
            known = exchange.parse(texts_of(spark, options.rates))
            fill = options.fill == "previous"
            rows = exchange.rated(rows, known, options.report_currency, options.rate_on, fill=fill)
        return replace(reading, frame=rows, notes=tuple(notes))


def texts_of(spark: SparkSession, path: str) -> Mapping[str, str]:
    """The text of each file in a path. Raises `InputError` where there is none."""
    files = find_files(spark, [path])
    return {file: content(spark, file).decode("utf-8-sig", "replace") for file in files}
