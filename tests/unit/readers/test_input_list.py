"""Lists of inputs: what they name, and what is refused of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.emr.requests.inputs import listed, split
from gristmill.errors import InputError, UsageError
from gristmill.readers.input_list import expand, expand_local
from gristmill.runs import Submission

FILES = {
    "s3://b/lists/a.txt": b"\xef\xbb\xbf# Monday\r\ns3://c/1.gz\r\n\r\n  part 2.gz \r\n/data/3\r\n",
    "s3://b/one": "s3://c/ü".encode(),
}


def test_a_list_stands_for_what_it_names() -> None:
    found = expand(["s3://x", "@s3://b/lists/a.txt", "@s3://b/one", "y"], FILES.get)
    names = ("s3://c/1.gz", "s3://b/lists/part 2.gz", "/data/3")
    assert found == ("s3://x", *names, "s3://c/ü", "y")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "no list of inputs at s3://b/l"),
        (b"", "names no input"),
        (b"# nothing\n \n", "names no input"),
        (b"s3://a\ns3://b/x\nx\n", "names s3://b/x twice"),
        (b"@s3://b/m\n", "names a list"),
        (b"\x1f\x8b\x08\xff", "not UTF-8"),
    ],
    ids=["missing", "empty", "comments", "doubled", "nested", "packed"],
)
def test_what_is_wrong_with_a_list_is_said(data: bytes | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        expand(["@s3://b/l"], {"s3://b/l": data}.get)


def test_only_lists_on_this_disk_are_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "inputs"
    path.write_text("a.txt\ns3://b/c\n")
    found = expand_local([f"@{path}", "@s3://b/l", "d"])
    assert found == (f"{tmp_path}/a.txt", "s3://b/c", "@s3://b/l", "d")
    for wrong in ("@", f"@{tmp_path}", f"@{tmp_path}/none"):
        with pytest.raises(InputError):
            expand_local([wrong])


@given(st.lists(st.lists(st.text("ab/ ", min_size=1), min_size=1), min_size=1, max_size=3))
def test_inputs_are_told_from_other_flags(groups: list[list[str]]) -> None:
    argv = ["--output", "s3://o"]
    for group in groups:
        argv += ["--input", *group, "--tag", "t"]
    argv += ["--input=-x"]
    inputs = [name for group in groups for name in group]
    rest = ["--output", "s3://o", *["--tag", "t"] * len(groups)]
    assert split(argv) == ([*inputs, "-x"], rest)


def test_a_submission_with_a_list_reads_the_same() -> None:
    names = [f"s3://b/{number}" for number in range(3)]
    argv = ("--output", "s3://o", "--input", *names, "@s3://b/more")
    made = listed(Submission("r", "word-count", argv), "s3://home/g")
    assert made is not None
    (uri,) = made.files
    assert made.submission.argv == (*("--input", f"@{uri}", "@s3://b/more", "--output", "s3://o"),)
    assert list(expand([f"@{uri}"], made.files.get)) == names
    again = listed(Submission("q", "word-count", argv), "s3://home/g")
    assert again is not None
    assert again.files == made.files


def test_each_job_of_a_chain_has_a_list_of_its_own() -> None:
    first, second = ("s3://b/1", "s3://b/2"), ("s3://c/1", "s3://c/2", "s3://c/3")
    argv = (
        *("--input", *first, "--output", "s3://o"),
        *("then", "access-logs", "--input", *second, "--output", "s3://p"),
        *("then", "traffic-summary", "--input", "s3://p", "--output", "s3://p"),
    )
    made = listed(Submission("r", "word-count", argv), "s3://home/g")
    assert made is not None
    one, two = made.files
    assert made.submission.argv == (
        *("--input", f"@{one}", "--output", "s3://o"),
        *("then", "access-logs", "--input", f"@{two}", "--output", "s3://p"),
        *("then", "traffic-summary", "--input", "s3://p", "--output", "s3://p"),
    )
    assert [list(expand([f"@{uri}"], made.files.get)) for uri in (one, two)] == [
        list(first),
        list(second),
    ]


@pytest.mark.parametrize("name", ["# 1", " s3://b", "a\nb", "s3://b/1"])
def test_what_no_list_can_hold_is_refused(name: str) -> None:
    argv = ("--input", "s3://b/1", name)
    with pytest.raises(UsageError, match="--input"):
        listed(Submission("r", "word-count", argv), "s3://home/g")
