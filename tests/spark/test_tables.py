"""Tables in files: every row typed, or rejected with the column and the fault."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

import gristmill
from gristmill import Dataset, Field, Job
from gristmill.errors import InputError, TooManyRejectsError, UsageError
from gristmill.model.checks import REASON, SKIPPED
from gristmill.readers.tables import TableColumn, TableOptions, TableReader
from gristmill.readers.text.lines import LINE_NUMBER, RAW
from tests.conftest import RunJob
from tests.support.reference_tables import READ

ORDERS = TableReader(
    columns=(
        TableColumn("id", "bigint", minimum=1),
        TableColumn("placed", "date"),
        TableColumn("amount", "decimal(8,2)", minimum=0, maximum=1000),
        TableColumn("note", "string", required=False),
    )
)


def read(
    spark: SparkSession, reader: TableReader, path: Path, **options: Any
) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """The rows, in order, and the rejects: each line's text, with why."""
    wanted = TableOptions(**options)
    settled, _ = reader.resolve(spark, [str(path)], wanted)
    found = reader.read(spark, [str(path)], replace(wanted, **settled)).rows
    names = [column.name for column in reader.columns]
    lines = sorted(found.collect(), key=lambda row: row[LINE_NUMBER])
    rows = [tuple(row[name] for name in names) for row in lines if row[REASON] is None]
    return rows, {row[RAW]: row[REASON] for row in lines if row[REASON] not in (None, SKIPPED)}


def lines_of(text: str, path: Path) -> Path:
    path.write_bytes(text.encode())
    return path


# CSV


def test_a_row_is_typed_and_another_is_rejected_by_column_and_fault(
    spark: SparkSession, tmp_path: Path
) -> None:
    text = """id,placed,amount,note
1,2026-01-05,12.50,first
2,2026-01-06,0,
x,2026-01-06,1,
,2026-01-06,1,
3,6.1.2026,1,
4,2026-02-30,1,
5,2026-01-06,12.505,
6,2026-01-06,"1,000",
7,2026-01-06,1000.01,
8,2026-01-06,-1,
0,2026-01-06,1,
9223372036854775808,2026-01-06,1,
9,2026-01-06,1
10,2026-01-06,1,"open
11, 2026-01-06 , 1.10 , kept as it is
"""
    rows, rejects = read(spark, ORDERS, lines_of(text, tmp_path / "orders.csv"))
    assert rows == [
        (1, date(2026, 1, 5), Decimal("12.50"), "first"),
        (2, date(2026, 1, 6), Decimal("0.00"), None),
        (11, date(2026, 1, 6), Decimal("1.10"), " kept as it is"),
    ]
    assert rejects == {
        "x,2026-01-06,1,": "id.not_integer",
        ",2026-01-06,1,": "id.missing",
        "3,6.1.2026,1,": "placed.not_date",
        "4,2026-02-30,1,": "placed.not_date",
        "5,2026-01-06,12.505,": "amount.too_precise",
        '6,2026-01-06,"1,000",': "amount.not_decimal",
        "7,2026-01-06,1000.01,": "amount.out_of_range",
        "8,2026-01-06,-1,": "amount.out_of_range",
        "0,2026-01-06,1,": "id.out_of_range",
        "9223372036854775808,2026-01-06,1,": "id.out_of_range",
        "9,2026-01-06,1": "wrong_fields",
        '10,2026-01-06,1,"open': "unclosed_quote",
    }
    assert set(rejects.values()) <= set(ORDERS.rejects)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("packed", [False, True])
def test_any_separator_quoted_breaks_marks_and_orders_of_columns(
    spark: SparkSession, tmp_path: Path, separator: str, packed: bool
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    notes = ['a "quoted" word', "two\nlines, and\n\nmore", f"with {separator} in it", " ", "é\\n"]
    writer.writerow(["Note", "amount", "PLACED", "id", "more"])
    writer.writerows(
        [[note, "1.5", "2026-01-05", str(at), "x"] for at, note in enumerate(notes, 1)]
    )
    data = ("\ufeff" + out.getvalue()).encode()
    path = tmp_path / ("orders.csv.gz" if packed else "orders.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    rows, rejects = read(spark, ORDERS, path)
    assert rejects == {}
    assert [row[3] for row in rows] == notes
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]


def test_files_with_and_without_breaks_and_with_other_headers_are_read_together(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines_of('id,placed,amount,note\n1,2026-01-05,1,"a\n2,b"\n', tmp_path / "a.csv")
    lines_of("id,placed,amount,note\n2,2026-01-05,1,c\n\n", tmp_path / "b.csv")
    lines_of("amount;id;placed\n1;3;2026-01-05\n", tmp_path / "c.csv")
    rows, rejects = read(spark, ORDERS, tmp_path)
    assert rejects == {}
    assert sorted((row[0], row[3]) for row in rows) == [(1, "a\n2,b"), (2, "c"), (3, None)]


def test_without_a_look_at_breaks_their_lines_are_rejects(
    spark: SparkSession, tmp_path: Path
) -> None:
    reader = TableReader(columns=ORDERS.columns, has_breaks=False)
    text = 'id,placed,amount,note\n1,2026-01-05,1,"a\nb"\n2,2026-01-05,1,\n'
    rows, rejects = read(spark, reader, lines_of(text, tmp_path / "a.csv"))
    assert [row[0] for row in rows] == [2]
    assert set(rejects.values()) == {"unclosed_quote"}


def test_without_a_header_the_columns_are_in_their_order(
    spark: SparkSession, tmp_path: Path
) -> None:
    reader = TableReader(columns=ORDERS.columns, has_header=False, separator=",", nulls=("\\N",))
    path = lines_of("1,2026-01-05,1,\\N\n2,2026-01-05,\\N,b\n", tmp_path / "a.csv")
    rows, rejects = read(spark, reader, path)
    assert rows == [(1, date(2026, 1, 5), Decimal(1), None)]
    assert rejects == {"2,2026-01-05,\\N,b": "amount.missing"}


def test_bytes_that_are_not_utf8_are_no_value(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        "id,placed,amount,note\n1,2026-01-05,1,Zoë\n2,2026-01-05,1,".encode() + b"Zo\xeb\n"
    )
    rows, rejects = read(spark, ORDERS, path)
    assert [row[3] for row in rows] == ["Zoë"]
    assert list(rejects.values()) == ["not_utf8"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,placed\n1,2026-01-05\n", r"has no amount\. Its columns are: id, placed"),
        ("id,placed,amount,Amount\n", r"has amount twice \(amount, Amount\)"),
    ],
)
def test_a_column_that_is_missing_or_there_twice_stops_the_run(
    spark: SparkSession, tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        read(spark, ORDERS, lines_of(text, tmp_path / "a.csv"))


# Types: each value against Python's own reading of it

TYPES = TableReader(
    columns=(
        TableColumn("small", "smallint", required=False),
        TableColumn("ratio", "double", required=False),
        TableColumn("paid", "boolean", required=False),
        TableColumn("price", "decimal(6,3)", required=False),
        TableColumn("at", "timestamp", required=False),
    )
)
VALUES = {
    "small": "0|-5|+7| 12 |5.0|5.|32767|32768|-32767|1.5|1e3|0x1F|1_000|1 000|٣|12abc|" + 41 * "9",
    "ratio": "0|-1.5|1e300|1e400|.5|5.|NaN|inf|1.5d|1,5|0x1p3|1e-320|-0|Infinity|12f",
    "paid": "true|FALSE|T|n|1|0|yes|No|2|on|tru",
    "price": "1|1.5|1.500|1.5000|1.0005|999.999|1000|-999.999|1e2|1.5e-2|1.2345e-2|1.2345e1|€1|--1|"
    "1.5.5|.001|0.0004",
    "at": "2026-01-05 10:00:00|2026-01-05T10:00|2026-01-05T10:00:00.25|2026-01-05|2026-13-05T10:00|"
    "2026-01-05T25:00|5 Jan 2026|2026-02-29T00:00",
}


@pytest.mark.parametrize("name", list(VALUES))
def test_a_value_is_what_python_reads_or_has_the_fault_that_python_finds(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    reader = TableReader(columns=tuple(one for one in TYPES.columns if one.name == name))
    texts = VALUES[name].split("|")
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({name: text}) + "\n" for text in texts))
    found = reader.read(spark, [str(path)], TableOptions(format="jsonl")).rows.collect()
    got: dict[str, object] = {}
    for row in found:
        value = row[name].replace(tzinfo=UTC) if row[name] and name == "at" else row[name]
        reason = row[REASON]
        got[json.loads(row[RAW])[name]] = reason.partition(".")[2] if reason else value
    assert got == {text: READ[name](text.strip()) for text in texts}


def test_a_timestamp_has_an_offset_or_is_of_the_columns_zone(
    spark: SparkSession, tmp_path: Path
) -> None:
    reader = TableReader(columns=(TableColumn("at", "timestamp", zone="Europe/Berlin"),))
    text = """at
2026-07-01T12:00:00
2026-01-01T12:00:00
2026-01-01T12:00:00Z
2026-01-01T12:00:00-05:00
2026-03-29T02:30:00
2026-10-25T02:30:00
2026-10-25T02:30:00+01:00
"""
    rows, rejects = read(spark, reader, lines_of(text, tmp_path / "a.csv"))
    # Berlin is an hour ahead of UTC in winter, two in summer.
    assert [at.strftime("%m-%d %H:%M") for (at,) in rows] == [
        "07-01 10:00",
        "01-01 11:00",
        "01-01 12:00",
        "01-01 17:00",
        "10-25 01:30",
    ]
    assert rejects == {
        "2026-03-29T02:30:00": "at.skipped_time",
        "2026-10-25T02:30:00": "at.ambiguous_time",
    }


def test_dates_and_times_may_be_written_otherwise(spark: SparkSession, tmp_path: Path) -> None:
    columns = (
        TableColumn("day", "date", format="dd.MM.yyyy", minimum="2026-01-02"),
        TableColumn("at", "timestamp", format="M/d/yyyy h:mm a", zone="America/New_York"),
    )
    text = """day,at
05.01.2026,1/5/2026 3:07 PM
31.02.2026,1/5/2026 3:07 PM
01.01.2026,1/5/2026 3:07 PM
2026-01-05,1/5/2026 3:07 PM
05.01.2026,15:07
"""
    reader = TableReader(columns=columns)
    rows, rejects = read(spark, reader, lines_of(text, tmp_path / "a.csv"))
    assert rows == [(date(2026, 1, 5), datetime(2026, 1, 5, 20, 7))]
    assert list(rejects.values()) == [
        "day.not_date",
        "day.out_of_range",
        "day.not_date",
        "at.not_timestamp",
    ]


def test_choices_and_patterns_hold_for_the_whole_value(spark: SparkSession, tmp_path: Path) -> None:
    columns = (
        TableColumn("state", "string", choices=("paid", "open")),
        TableColumn("code", "string", pattern="[A-Z]{2}|x"),
    )
    text = "state,code\npaid,AB\nPAID,AB\nopen,ABC\nopen,x\n"
    rows, rejects = read(spark, TableReader(columns=columns), lines_of(text, tmp_path / "a.csv"))
    assert rows == [("paid", "AB"), ("open", "x")]
    assert rejects == {"PAID,AB": "state.not_a_choice", "open,ABC": "code.no_match"}


def test_a_zone_that_is_none_is_told_with_the_nearest(spark: SparkSession, tmp_path: Path) -> None:
    reader = TableReader(columns=(TableColumn("at", "timestamp", zone="Europe/Berln"),))
    with pytest.raises(UsageError, match=r"no IANA time zone 'Europe/Berln'; .*Europe/Berlin"):
        read(spark, reader, lines_of("at\n", tmp_path / "a.csv"))


# JSON lines


def test_json_lines_are_objects_whole_and_with_each_name_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    good = '{"id":1,"placed":"2026-01-05","amount":12.50,"note":"a\\nb","more":[1]}'
    other = '{"amount":"3","placed":"2026-01-05","id":2.0, "note": {"b": [1, 2.5]}}'
    bad = {
        good + good: "not_json",
        good + " x": "not_json",
        good + "]": "not_json",
        good[:-1]: "not_json",
        "{'id':1}": "not_json",
        '{"id":NaN}': "not_json",
        "[1]": "not_an_object",
        "5": "not_an_object",
        "null": "not_an_object",
        '{"id":1,"placed":"2026-01-05","amount":1,"id":2}': "repeated_name",
        '{"id":true,"placed":"2026-01-05","amount":1}': "id.not_integer",
        '{"placed":"2026-01-05","amount":1}': "id.missing",
        '{"id":null,"placed":"2026-01-05","amount":1}': "id.missing",
        '{"id":3,"placed":"2026-01-05","amount":[1]}': "amount.not_decimal",
        '{"id":3,"placed":"2026-01-05","amount":1e400}': "amount.not_decimal",
    }
    text = "\n".join([good, "", *bad, other]) + "\n"
    rows, rejects = read(spark, ORDERS, lines_of(text, tmp_path / "a.ndjson"))
    assert rows == [
        (1, date(2026, 1, 5), Decimal("12.50"), "a\nb"),
        (2, date(2026, 1, 5), Decimal("3.00"), '{"b":[1,2.5]}'),
    ]
    assert rejects == bad


def test_json_numbers_keep_all_their_digits(spark: SparkSession, tmp_path: Path) -> None:
    columns = (TableColumn("n", "decimal(38,9)"), TableColumn("i", "bigint"))
    text = '{"n":12345678901234567890.123456789,"i":9007199254740993}\n'
    rows, _ = read(spark, TableReader(columns=columns), lines_of(text, tmp_path / "a.jsonl"))
    assert rows == [(Decimal("12345678901234567890.123456789"), 9007199254740993)]


def test_an_array_of_objects_is_no_json_lines(spark: SparkSession, tmp_path: Path) -> None:
    path = lines_of('[\n{"id":1},\n{"id":2}\n]\n', tmp_path / "orders.json")
    with pytest.raises(InputError, match=r"is an array.*jq -c '\.\[\]' orders\.json"):
        read(spark, ORDERS, path)


# Parquet


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_files_of_other_types_give_the_same_rows(
    spark: SparkSession, tmp_path: Path
) -> None:
    days = [date(2026, 1, 5), date(2026, 1, 6)]
    exact = pa.array([Decimal("1.50"), Decimal("2.00")], pa.decimal128(8, 2))
    parquet(
        tmp_path / "a.parquet",
        ID=pa.array([1, 2], pa.int64()),
        placed=pa.array(days, pa.date32()),
        amount=exact,
        note=pa.array(["a", None]),
    )
    parquet(
        tmp_path / "b.parquet",
        id=pa.array([3.0, 4.0], pa.float64()),
        placed=pa.array(["2026-01-05", "2026-01-06"]),
        amount=pa.array([1.5, 2.0], pa.float64()),
    )
    rows, rejects = read(spark, ORDERS, tmp_path)
    assert rejects == {}
    amounts = [Decimal("1.50"), Decimal("2.00")]
    assert sorted(rows) == [
        (1, days[0], amounts[0], "a"),
        (2, days[1], amounts[1], None),
        (3, days[0], amounts[0], None),
        (4, days[1], amounts[1], None),
    ]


def test_a_value_of_parquet_that_does_not_fit_is_a_reject(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        id=pa.array([1, None, 0, 4], pa.int64()),
        placed=pa.array([date(2026, 1, 5)] * 4),
        amount=pa.array([1.125, 1.0, 1.0, float("nan")]),
    )
    rows, rejects = read(spark, ORDERS, path)
    assert rows == []
    assert sorted(rejects.values()) == [
        "amount.not_decimal",
        "amount.too_precise",
        "id.missing",
        "id.out_of_range",
    ]


def test_a_parquet_file_without_a_column_stops_the_run(spark: SparkSession, tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", id=pa.array([1]), when=pa.array(["x"]))
    with pytest.raises(InputError, match=r"has no placed; no amount\. Its columns are: id, when"):
        read(spark, ORDERS, path)


def test_a_column_under_two_names_is_told_wherever_it_lies(
    spark: SparkSession, tmp_path: Path
) -> None:
    reader = TableReader(columns=(TableColumn("id", "int", spellings=("id", "number")),))
    parquet(tmp_path / "a.parquet", id=pa.array([1]), number=pa.array([2]))
    with pytest.raises(InputError, match=r"has id twice \(id, number\)"):
        read(spark, reader, tmp_path / "a.parquet")
    path = lines_of('{"id":1,"number":2}\n{"number":3}\n', tmp_path / "a.jsonl")
    rows, rejects = read(spark, reader, path)
    assert (rows, rejects) == ([(3,)], {'{"id":1,"number":2}': "repeated_name"})


def test_a_bound_counts_with_all_of_its_digits(spark: SparkSession, tmp_path: Path) -> None:
    column = TableColumn("n", "decimal(20,10)", minimum=1e-8, maximum=1e9)
    path = lines_of("n\n0.00000001\n0.000000009\n1000000000\n1000000000.1\n", tmp_path / "a.csv")
    rows, rejects = read(spark, TableReader(columns=(column,)), path)
    assert rows == [(Decimal("0.00000001"),), (Decimal(1000000000),)]
    assert list(rejects.values()) == ["n.out_of_range"] * 2


def test_what_is_not_resolved_goes_by_its_name_all_the_same(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = lines_of('{"id":1,"placed":"2026-01-05","amount":1}\n', tmp_path / "a.jsonl")
    (row,) = ORDERS.read(spark, [str(path)], TableOptions()).rows.collect()
    assert (row["id"], row[REASON]) == (1, None)


def test_what_is_no_parquet_is_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"a\.parquet cannot be read as Parquet: "):
        read(spark, ORDERS, tmp_path)


def test_a_file_in_utf16_is_told_how_to_be_read(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,placed,amount\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"a\.csv is UTF-16: iconv -f utf-16 -t utf-8"):
        read(spark, ORDERS, tmp_path)


def test_files_without_a_line_stand_beside_others(spark: SparkSession, tmp_path: Path) -> None:
    lines_of("", tmp_path / "a.csv")
    lines_of("\n \n", tmp_path / "b.csv")
    lines_of("id,placed,amount\n1,2026-01-05,1\n", tmp_path / "c.csv")
    rows, rejects = read(spark, ORDERS, tmp_path)
    assert ([row[0] for row in rows], rejects) == ([1], {})


# What the files are


def test_files_of_several_formats_or_of_none_are_told(spark: SparkSession, tmp_path: Path) -> None:
    lines_of("id\n", tmp_path / "a.csv")
    lines_of("{}\n", tmp_path / "b.jsonl")
    with pytest.raises(InputError, match="several formats"):
        read(spark, ORDERS, tmp_path)
    lines_of("id,placed,amount\n1,2026-01-05,1\n", tmp_path / "c.dat")
    with pytest.raises(InputError, match=r"what is .*c\.dat\? --format"):
        read(spark, ORDERS, tmp_path / "c.dat")
    rows, _ = read(spark, ORDERS, tmp_path / "c.dat", format="csv")
    assert [row[0] for row in rows] == [1]


# A whole job, without a line of parsing

SHOP = Dataset(
    name="shop_orders",
    help="Orders, as they came.",
    fields=ORDERS.fields,
    partitioned_by=("placed",),
    write_mode="batch",
    key=("id",),
)


def as_it_is(rows: DataFrame, _options: TableOptions) -> dict[str, DataFrame]:
    return {SHOP.name: rows}


JOB = Job(
    name="shop-orders",
    help="Load orders.",
    options=TableOptions,
    reads=ORDERS,
    writes=(SHOP,),
    transform=as_it_is,
)


@dataclass(frozen=True)
class Line:
    """A record of a file, and what becomes of it."""

    cells: Sequence[str]
    fault: str | None


def drawn(random: Random, number: int) -> Line:
    """A row, or one with a fault."""
    note = random.choice(["", "plain", 'a "b"', "two\nlines", "a,b", "é\n\n;"])
    day = f"2026-01-{random.randint(1, 5):02}"
    fault = random.choice([None, None, None, "id.missing", "placed.not_date", "amount.not_decimal"])
    cells = {
        "id.missing": ["", day, "1", note],
        "placed.not_date": [str(number), "soon", "1", note],
        "amount.not_decimal": [str(number), day, "a lot", note],
    }
    return Line(cells.get(fault or "", [str(number), day, "1.25", note]), fault)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_record_of_a_file_is_a_row_a_reject_or_skipped(
    run_job: RunJob, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    folder = tmp_path / "in"
    folder.mkdir()
    drawn_lines: list[Line] = []
    for file in range(3):
        with (folder / f"{file}.csv").open("w", newline="") as out:
            writer = csv.writer(out, lineterminator=random.choice(["\n", "\r\n"]))
            writer.writerow(["id", "placed", "amount", "note"])
            for _ in range(random.randint(1, 40)):
                drawn_lines.append(drawn(random, len(drawn_lines) + 1))
                writer.writerow(drawn_lines[-1].cells)
    report = run_job(JOB, folder, options=TableOptions())
    faults = Counter(line.fault for line in drawn_lines if line.fault)
    assert report.rejects == dict(faults)
    assert report.skipped == 3
    assert report.lines == len(drawn_lines) + 3
    table = gristmill.open(tmp_path / "out")[SHOP.name].arrow().to_pylist()
    assert sorted((row["id"], row["note"] or "") for row in table) == sorted(
        (int(line.cells[0]), line.cells[3]) for line in drawn_lines if not line.fault
    )


def test_more_rejects_than_are_allowed_leave_all_as_it_was(run_job: RunJob, tmp_path: Path) -> None:
    path = lines_of("id,placed,amount\n1,2026-01-05,1\n2,soon,1\n", tmp_path / "a.csv")
    with pytest.raises(TooManyRejectsError, match=r"placed\.not_date 1"):
        run_job(JOB, path, options=TableOptions(), max_reject_rate=0.1)
    assert not (tmp_path / "out" / SHOP.name).exists()


def test_fields_and_rejects_come_from_the_columns() -> None:
    assert ORDERS.fields[0] == Field("id", "bigint", "")
    assert {"wrong_fields", "not_json", "id.missing", "truncated_file"} <= set(ORDERS.rejects)
    assert "note.missing" not in ORDERS.rejects
