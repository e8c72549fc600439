"""The same charges in any order and any files, of any kind, give the same tables."""

import csv
import gzip
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as arrow
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from gristmill.cloud_costs.exports import ExportReader
from gristmill.jobs import billing_charges, billing_summary
from gristmill.jobs.billing_summary import BillingSummaryOptions
from gristmill.model.job import Reading
from tests.conftest import RunJob
from tests.support import billing

CHARGES = billing.made_charges(20261005, [1, 2], 25)
CELLS = [billing.focus_cells(charge) for charge in CHARGES]
NAMES = list(CELLS[0])
WAYS = ("csv", "csv.gz", "zip", "parquet")
FILES = 3

Split = tuple[list[int], list[int], list[tuple[str, list[str]]]]
"""The order of the charges, the file of each, and each file's kind and columns."""


@st.composite
def splits(draw: st.DrawFn) -> Split:
    numbers = list(range(len(CELLS)))
    order = draw(st.permutations(numbers))
    place = st.integers(0, FILES - 1)
    places = draw(st.lists(place, min_size=len(numbers), max_size=len(numbers)))
    file = st.tuples(st.sampled_from(WAYS), st.permutations(NAMES))
    return order, places, draw(st.lists(file, min_size=FILES, max_size=FILES))


def write(folder: Path, split: Split) -> None:
    """Write the charges to files; one that no charge falls to is not written."""
    order, places, files = split
    folder.mkdir()
    for number, (way, names) in enumerate(files):
        some = [CELLS[charge] for charge in order if places[charge] == number]
        if some:
            write_file(folder / f"{number}.{way}", names, some)


def write_file(path: Path, names: Sequence[str], some: Sequence[Mapping[str, str]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: [cells[name] for cells in some] for name in names}), path)
        return
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, names)
    lines.writeheader()
    lines.writerows(some)
    data = text.getvalue().encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("charges.csv", data)
    else:
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


class Several(ExportReader):
    """A reader of a folder for each export, so that one run loads all of them."""

    def read(self, spark: SparkSession, inputs: Sequence[str], options: Any) -> Reading:
        (root,) = inputs
        found = [
            super(Several, self).read(spark, [str(folder)], replace(options, export=folder.name))
            for folder in sorted(Path(root).iterdir())
        ]
        return Reading(reduce(DataFrame.unionByName, (reading.rows for reading in found)))


def tables(output: Path) -> dict[str, dict[str, Counter[str]]]:
    """The rows of each table, by export, without what says where they were read."""
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    datasets = [billing_charges.JOB.writes[0], *billing_summary.JOB.writes]
    for name in (dataset.name for dataset in datasets):
        if (output / name).exists():
            read = arrow.dataset(output / name, format="parquet", partitioning="hive")
            for row in read.to_table().to_pylist():
                row.pop("source_file", None)
                found[name][row.pop("export")][str(row)] += 1
    return found


@pytest.mark.thorough
@settings(max_examples=5, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(drawn=st.lists(splits(), min_size=3, max_size=3))
def test_any_shuffle_and_split_of_the_files_gives_the_same_tables(
    run_job: RunJob, tmp_path_factory: pytest.TempPathFactory, drawn: list[Split]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    (folder / "in").mkdir()
    whole = (list(range(len(CELLS))), [0] * len(CELLS), [("csv", NAMES)])
    for number, split in enumerate([whole, *drawn]):
        write(folder / "in" / f"split {number}", split)
    job = replace(billing_charges.JOB, reads=Several())
    assert run_job(job, folder / "in", output=folder / "out").rejected == 0
    options = BillingSummaryOptions(tag=("team",))
    run_job(billing_summary.JOB, folder / "out", output=folder / "out", options=options)

    found = tables(folder / "out")
    assert len(found) == len(billing_summary.JOB.writes)  # there are no commitments
    for name, by_export in found.items():
        rows = by_export.pop("split 0")
        assert len(by_export) == len(drawn), name
        for export, others in by_export.items():
            assert others == rows, (name, export, drawn)
    billed = sum((charge["billed_cost"] or Decimal(0) for charge in CHARGES), Decimal(0))
    loaded = arrow.dataset(folder / "out" / "charges", format="parquet", partitioning="hive")
    costs = loaded.to_table().filter(arrow.field("export") == "split 1")["billed_cost"]
    assert sum(cost.as_py() or Decimal(0) for cost in costs) == billed
