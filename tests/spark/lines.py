"""Lines of AWS's logs through Spark, and what they become beside what they should."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession

from gristmill.model.checks import REASON
from gristmill.readers.logs import formats
from gristmill.readers.text.lines import LINE_NUMBER, RAW, text_files
from tests.support.reference_logs import SKIPPED, Parsed

Values = dict[str, Any]
NOISE = [*'"\\ -[]?/:x0é\t\r{},%+#', "\x01", "\x1b", "\0", '" "', '\\"', "\U0001f642", "\ufeff"]


def nothing(names: str) -> Values:
    """Columns that are null."""
    return dict.fromkeys(names.split())


def parsed(
    spark: SparkSession,
    file: Path,
    line_format: str,
    lines: Sequence[bytes],
    header: tuple[str, ...] | None = None,
) -> list[Row]:
    """The rows that a file of such lines becomes, in their order, rejected ones among them."""
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = text_files(spark, [str(file)]).lines
    rows = formats()[line_format].parse(found, header).collect()
    return sorted(rows, key=lambda row: row[LINE_NUMBER])


def values(row: Row) -> Values:
    """The columns of the dataset, with times that have their zone."""
    return {
        # PySpark gives local time without a zone; the tests' session is in UTC, Python may not be.
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in row.asDict().items()
        if not name.startswith("_") and name != "source_file"
    }


def outcome(row: Row) -> Parsed:
    """The row as the reference has it."""
    if row[REASON] == SKIPPED:
        return SKIPPED
    return None if row[REASON] else values(row)


def assert_as_expected(rows: Sequence[Row], expected: Mapping[str, Values | str]) -> None:
    """Each line with its row, the code for which it was rejected, or `SKIPPED`."""
    for row, (line, wanted) in zip(rows, expected.items(), strict=True):
        found = row[REASON] or values(row)
        assert found == wanted, line[:2000]


def assert_as_the_reference_says(
    rows: Sequence[Row], codes: Mapping[str, str], reference: Callable[[str], Parsed]
) -> None:
    """Each line has the row that plain Python finds in it, or both refuse it."""
    right = 0
    for row in rows:
        wanted = reference(row[RAW])
        assert outcome(row) == wanted, (row[REASON], row[RAW])
        assert row[REASON] in {None, SKIPPED, *codes}
        right += wanted is not None
    assert len(rows) * 0.05 < right < len(rows) * 0.95


def broken(line: str, separator: str, rng: random.Random) -> bytes:
    """`line`, spoiled at some place in some way."""
    at, other = (rng.randrange(len(line) + 1) for _ in range(2))
    noise = "".join(rng.choices(NOISE, k=rng.randint(1, 3)))
    fields = line.split(separator)
    field = rng.randrange(len(fields))
    swapped = [*fields]
    swapped[field], swapped[-1 - field] = swapped[-1 - field], swapped[field]
    ways = [
        line[:at],
        line[:at] + noise + line[at:],
        line[:at] + line[at + rng.randint(1, 9) :],
        line[:at] + line[other:],
        line[:at] + noise + line[at + len(noise) :],
        line[:at] + line[at:].replace('"', "", 1),
        line + separator + noise.strip("\r"),
        separator.join(swapped),
        separator.join(fields[:field]),
        separator.join([*fields[:field], *fields[field + 1 :]]),
        separator.join([*fields[:field], noise, *fields[field + 1 :]]),
        separator.join(
            [*fields[:field], rng.choice(["-1", "-", "", "7", "x"]), *fields[field + 1 :]]
        ),
    ]
    spoiled = rng.choice(ways).encode()
    place = rng.randrange(len(spoiled) + 1)
    bytes_ = rng.choice([b"", b"", b"", b"", b"\xff", b"\xc3", b"\xf0\x9f", b"\xed\xa0\x80"])
    return (spoiled[:place] + bytes_ + spoiled[place:]).replace(b"\n", b" ")


def many_broken(lines: Sequence[str], separator: str, count: int) -> list[bytes]:
    """So many spoiled lines, the same at each call."""
    rng = random.Random(20261122)
    return [broken(rng.choice(lines), separator, rng) for _ in range(count)]
