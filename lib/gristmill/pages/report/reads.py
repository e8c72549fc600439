"""What sections read: somebody else's dataset may bear the name of one of ours, and not be it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

    from gristmill.outputs.output import Output


@dataclass(frozen=True)
class Columns:
    """Columns that a section reads of a dataset, by what they hold."""

    text: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    days: tuple[str, ...] = ()

    def are_in(self, schema: "pyarrow.Schema") -> bool:
        """Whether a dataset has them all."""
        import pyarrow.types as kinds  # noqa: PLC0415  slow to load

        numbers = (kinds.is_integer, kinds.is_floating, kinds.is_decimal)

        def number(kind: "pyarrow.DataType") -> bool:
            return any(is_one(kind) for is_one in numbers)

        wanted = ((self.text, kinds.is_string), (self.numbers, number), (self.days, kinds.is_date))
        return all(
            name in schema.names and holds(schema.field(name).type)
            for names, holds in wanted
            for name in names
        )


def readable(found: "Output", reads: Mapping[str, Columns]) -> frozenset[str]:
    """The datasets of an output that sections know how to read."""
    return frozenset(
        name for name in found if name in reads and reads[name].are_in(found[name].schema)
    )
