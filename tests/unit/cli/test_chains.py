"""Chains of jobs as a file names them."""

from pathlib import Path

import pytest

from gristmill.cli.emr.chains import read_chain
from gristmill.errors import InputError, UsageError
from gristmill.runs.chains import joined, steps_of


def test_each_line_is_a_job_with_its_flags(tmp_path: Path) -> None:
    file = tmp_path / "nightly.chain"
    file.write_text(
        "# the night's runs\n"
        "access-logs --input s3://logs/ --output 's3://out/a b'  # the web\n"
        "\n"
        "traffic-summary --input 's3://out/a b' --output s3://out/b\n"
    )
    assert steps_of(read_chain(file)) == [
        ("access-logs", ("--input", "s3://logs/", "--output", "s3://out/a b")),
        ("traffic-summary", ("--input", "s3://out/a b", "--output", "s3://out/b")),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing\n", "names no job"),
        ("access-logs --input 'a\n", "line 1: No closing quotation"),
        ("a --input b\nc then d\n", "line 2: each job has a line of its own"),
    ],
)
def test_what_is_no_chain_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.chain"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_chain(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the chain"):
        read_chain(tmp_path / "none")


def test_words_and_steps_are_two_ways_to_say_it() -> None:
    steps = [("a", ("--x", "1")), ("b", ()), ("c", ("--y",))]
    assert joined(steps) == ("a", "--x", "1", "then", "b", "then", "c", "--y")
    assert steps_of(joined(steps)) == steps
    for words in (("then", "a"), ("a", "then"), ("a", "then", "then", "b")):
        with pytest.raises(UsageError, match="then"):
            steps_of(words)
