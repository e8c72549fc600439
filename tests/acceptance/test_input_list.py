"""`--input @FILE`: a run reads what the file names, and says at once where there is no file."""

from pathlib import Path

import pyarrow.dataset as arrow
import pytest

from tests.support.process import BIN, finish


@pytest.mark.thorough
def test_a_run_reads_what_a_list_names(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"word w{number}\n")
    names = tmp_path / "names.txt"
    names.write_text(f"# two of three\n0.txt\n\n{tmp_path}/2.txt\n")
    out = tmp_path / "out"
    run: list[str | Path] = [
        BIN / "gristmill",
        "run",
        "word-count",
        "--output",
        out,
        "--corpus",
        "c",
        "--input",
    ]
    done = finish([*run, f"@{names}"])
    assert done.code == 0, done.err
    rows = arrow.dataset(out / "word_counts", partitioning="hive").to_table().to_pylist()
    assert {row["word"]: row["count"] for row in rows} == {"word": 2, "w0": 1, "w2": 1}
    done = finish([*run, f"@{tmp_path}/none.txt"])
    assert done.code == 1
    assert f"no list of inputs at {tmp_path}/none.txt" in done.err
    assert "starting Spark" not in done.err
