"""What a column of a table has to hold."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from gristmill.model.dataset import Field
from gristmill.readers.text.delimited import CsvColumn

INTEGERS = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}
"""The types of whole numbers, and the bits that each has beside its sign."""

_DECIMAL = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)")
_OTHER = ("double", "boolean", "string", "date", "timestamp")
_ORDERED = ("double", "date", "timestamp")
_NAME = re.compile(r"[^\W_][^`.'\"\\\[\]]*")
_FAULTS = {
    "double": "not_number",
    "boolean": "not_boolean",
    "date": "not_date",
    "timestamp": "not_timestamp",
}

Bound = int | float | str | Decimal | date | datetime | None


@dataclass(frozen=True)
class TableColumn:
    """A column: its name, its Spark type, and what its values may be.

    `type` is `tinyint`, `smallint`, `int`, `bigint`, `decimal(p,s)`, `double`, `boolean`, `string`,
    `date` or `timestamp`. `spellings` is what the source may call it; by default, its name. A
    value that is `required` is never null, and a source without the column is refused. `minimum`
    and `maximum`, both allowed, are for numbers, dates and timestamps; `choices` and `pattern`, a
    regular expression of Java's that the whole value matches, are for strings. `format` is how
    dates or timestamps are written, if not as ISO 8601 has it
    (https://spark.apache.org/docs/4.1.1/sql-ref-datetime-pattern.html). A timestamp without UTC
    offset is what a clock in `zone`, an IANA time zone, showed.

    Raises `ValueError` for what does not fit together.
    """

    name: str
    type: str
    help: str = ""
    required: bool = True
    spellings: tuple[str, ...] = ()
    minimum: Bound = None
    maximum: Bound = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    format: str | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for wrong in self._wrong():
            raise ValueError(f"column {self.name!r}: {wrong}")

    @property
    def names(self) -> tuple[str, ...]:
        """What the source may call it."""
        return self.spellings or (self.name,)

    @property
    def wanted(self) -> CsvColumn:
        """What is looked for among the columns of a source."""
        return CsvColumn(self.name, self.names, required=self.required)

    @property
    def field(self) -> Field:
        """The field of a dataset that holds its values."""
        return Field(self.name, self.type, self.help)

    @property
    def digits(self) -> tuple[int, int] | None:
        """Of a decimal: how many digits it has, and how many of them behind the point."""
        found = _DECIMAL.fullmatch(self.type)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def unlike(self) -> str | None:
        """The fault of a text that is no value of the type; None of a string, which any text is."""
        if self.type in INTEGERS:
            return "not_integer"
        return "not_decimal" if self.digits else _FAULTS.get(self.type)

    @property
    def faults(self) -> Mapping[str, str]:
        """What can be wrong with a value, and what it means, in the order of looking."""
        found = {"missing": "the value is missing"} if self.required else {}
        if self.unlike:
            found[self.unlike] = f"the value is no {self.type}"
        if self.type == "timestamp" and self.zone != "UTC":
            found["skipped_time"] = f"no UTC offset, and clocks in {self.zone} skipped that hour"
            found["ambiguous_time"] = f"no UTC offset, and {self.zone} had that hour twice"
        if self.digits:
            found["too_precise"] = f"more than {self.digits[1]} digits behind the point"
        has_bounds = not (self.minimum is None and self.maximum is None)
        if has_bounds or self.digits or self.type in INTEGERS or self.type == "double":
            found["out_of_range"] = f"the value is not {self._range()}"
        if self.choices:
            found["not_a_choice"] = f"the value is none of {', '.join(self.choices)}"
        if self.pattern:
            found["no_match"] = f"the value does not match {self.pattern}"
        return found

    def code(self, fault: str) -> str:
        """The stable code of a reject that has this fault in this column: `amount.not_decimal`."""
        return f"{self.name}.{fault}"

    def _range(self) -> str:
        least, most = self.minimum, self.maximum
        if least is None and most is None:
            return f"what a {self.type} holds"
        if most is None:
            return f"{least} or more"
        return f"{most} or less" if least is None else f"from {least} to {most}"

    def _wrong(self) -> Sequence[str]:
        """What is wrong with it, the worst first."""
        found = []
        is_ordered = self.type in INTEGERS or self.digits or self.type in _ORDERED
        if not _NAME.fullmatch(self.name):
            found.append("a name starts with a letter, and has no dot, quote, bracket or backslash")
        if not (self.type in INTEGERS or self.type in _OTHER or self.digits):
            known = ", ".join((*INTEGERS, "decimal(p,s)", *_OTHER))
            found.append(f"{self.type!r} is not a type that is read: {known}")
        if self.digits and not 0 <= self.digits[1] <= self.digits[0] <= 38:
            found.append(f"{self.type!r}: 38 digits at the most, and no more behind the point")
        for bound in (self.minimum, self.maximum):
            if bound is not None and not is_ordered:
                found.append(f"a {self.type} has no minimum or maximum")
            elif bound is not None and not self._fits(bound):
                found.append(f"{bound!r} is no {self.type}")
        if (self.choices or self.pattern) and self.type != "string":
            found.append("choices and pattern are for strings")
        if self.format and self.type not in ("date", "timestamp"):
            found.append("a format is for dates and timestamps")
        if self.zone != "UTC" and self.type != "timestamp":
            found.append("a zone is for timestamps")
        return found

    def _fits(self, bound: Bound) -> bool:
        try:
            if self.type in ("date", "timestamp"):
                read = date.fromisoformat if self.type == "date" else datetime.fromisoformat
                return read(str(bound)) is not None
            number = Decimal(str(bound))
        except (ValueError, InvalidOperation):
            return False
        return self.type not in INTEGERS or number == number.to_integral_value()
