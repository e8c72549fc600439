"""Lines of cost exports as charges, by polars: those that are surely what `exports` makes of them.

All others, those with an amount or a time that is written oddly among them, are left.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gristmill.cloud_costs import cur, cur_details, focus
from gristmill.cloud_costs.charges import CHARGES
from gristmill.cloud_costs.kernels.cells import FrameCells
from gristmill.cloud_costs.kernels.columns import TYPES
from gristmill.cloud_costs.layout import Layout
from gristmill.model.job import PLACE
from gristmill.readers.kernels.delimited import pieces

_OWN = ("source_file", "export", "billing_period")


def parse(lines: Sequence[bytes], layout: Layout) -> pl.DataFrame:
    """Lines without their ends to rows of `charges.CHARGES` without `source_file`, as
    `model.job.ParseLines` has it."""
    rules: Any = cur if layout.is_cur else focus
    cells = FrameCells(layout.names)
    charge: Mapping[str, Any] = rules.charge(cells)
    month = cells.month(*rules.PERIOD)
    # Asked for, so that a line with a bad one is left.
    for name in cur.TIMES if layout.is_cur else focus.times():
        cells.time(name)
    for name in cur.other_amounts(layout.names) if layout.is_cur else focus.other_amounts():
        cells.money(name)
    found = cells.values(pieces(lines, layout.names, layout.separator, layout.header))
    rows = found.select(
        PLACE,
        *(
            charge[field.name].expr.cast(TYPES[field.type]).alias(field.name)
            for field in CHARGES.fields
            if field.name not in _OWN
        ),
        pl.lit(layout.export).alias("export"),
        month.expr.alias("billing_period"),
        _is_uncertain(cells, layout).alias("_is_uncertain"),
    )
    rows = rows.filter(
        pl.col("billing_period_start").is_not_null(),
        pl.col("billing_currency").is_not_null(),
        ~pl.col("_is_uncertain"),
    )
    return rows.drop("_is_uncertain")


def _is_uncertain(cells: FrameCells, layout: Layout) -> pl.Expr:
    """Whether a charge has a figure that is divided, which Spark rounds in its own way."""
    if not (layout.is_cur and cur_details.has_net(cells)):
        return pl.lit(value=False)
    kind: pl.Expr = cells.text("lineItem/LineItemType").expr
    return (kind == "SavingsPlanRecurringFee").fill_null(value=False)
