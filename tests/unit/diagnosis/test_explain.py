"""Failures as a user reads them: the cause in a line, with what to do about it where that helps."""

import gzip
import random
import signal
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill import errors
from gristmill.diagnosis.causes import causes, is_cut_off, is_damaged
from gristmill.diagnosis.explain import explain

PROPERTY = settings(max_examples=100, derandomize=True, database=None, deadline=None)

ADVICE = {
    "disk": "the disk is full",
    "denied": "no permission",
    "gzip": "the gzip file is damaged or cut off",
    "scheme": "no connector",
    "memory": "ran out of memory",
    "parquet": "this is not Parquet, or is damaged",
    "gone": "run again",
}


class Throwable:
    """A Java exception, as far as Py4J shows it."""

    def __init__(self, text: str, cause: "Throwable | None" = None) -> None:
        self.text = text
        self.cause = cause

    def toString(self) -> str:  # noqa: N802
        return self.text

    def getCause(self) -> "Throwable | None":  # noqa: N802
        return self.cause


class Py4JError(Exception):
    """What Py4J raises: the Java exception, and a message that is a whole stack trace."""

    def __init__(self, java: Throwable) -> None:
        super().__init__("An error occurred while calling o42.parquet.\n: at org.apache…\n\tat …")
        self.java_exception = java


class CapturedError(Exception):
    """What PySpark makes of it: the Java exception under another name."""

    def __init__(self, java: Throwable) -> None:
        super().__init__(java.text)
        self._origin = java


def chain(*texts: str) -> Throwable:
    """A Java exception and its causes, the outermost first."""
    cause = None
    for text in reversed(texts):
        cause = Throwable(text, cause)
    assert cause
    return cause


@pytest.fixture
def one_second() -> Iterator[None]:
    """A test that takes longer fails, rather than hang."""

    def late(_number: int, _frame: object) -> None:
        raise TimeoutError("still not done")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


KINDS = pytest.mark.parametrize("kind", [Py4JError, CapturedError])

ABORTED = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed "
    "1 times, most recent failure: Lost task 0.0 in stage 1.0 (TID 1) (localhost executor driver)"
)
READING = (
    "org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] Encountered error while reading "
    "file file:///data/logs/a.log.gz. SQLSTATE: KD001"
)


@pytest.mark.parametrize(
    "error",
    [
        errors.GristmillError("no Java"),
        errors.UsageError("--top takes 1 or more, not 0"),
        errors.InputError("no such input: /x"),
        errors.OutputError("Permission denied, it seems"),
        errors.TooManyRejectsError("3 of 4 lines were rejected"),
    ],
)
def test_a_message_of_ours_stands_as_it_is(error: errors.GristmillError) -> None:
    assert explain(error) == str(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no good"), "ValueError: no good"),
        (KeyError("word"), "KeyError: 'word'"),
        (RuntimeError("first\nsecond\nthird"), "RuntimeError: first"),
        (ZeroDivisionError(), "ZeroDivisionError:"),
    ],
)
def test_an_exception_of_python_is_named(error: Exception, expected: str) -> None:
    assert explain(error) == expected


def test_an_exception_of_python_gets_advice_too() -> None:
    first, second = explain(OSError(28, "No space left on device", "/out/x")).split("\n")
    assert ADVICE["disk"] in first
    assert "No space left on device" in second


@KINDS
def test_what_is_unknown_is_told_by_its_innermost_cause(kind: type[Exception]) -> None:
    error = kind(chain(ABORTED, "java.util.concurrent.ExecutionException: x", "a.b.Odd: 7 is odd"))
    assert explain(error) == "7 is odd"


@KINDS
@pytest.mark.parametrize("at", [0, 1])
def test_what_was_raised_for_the_user_stands_as_it_is(kind: type[Exception], at: int) -> None:
    message = "file:///data/" + "long/" * 100 + "a.log: Permission denied is what it says"
    raised = f"org.apache.spark.SparkRuntimeException: [USER_RAISED_EXCEPTION] {message}"
    causes = [ABORTED, f"{raised} SQLSTATE: P0001"] if at else [f"{ABORTED}: {raised}"]
    assert explain(kind(chain(*causes))) == message


@KINDS
def test_an_unknown_exception_without_a_message_is_told_by_its_class(kind: type[Exception]) -> None:
    assert explain(kind(chain("java.lang.NullPointerException"))) == (
        "java.lang.NullPointerException"
    )


@KINDS
def test_an_exception_that_says_nothing_at_all_is_told_as_such(kind: type[Exception]) -> None:
    assert explain(kind(chain("\n"))) == "no message"


@KINDS
@pytest.mark.parametrize(
    ("causes", "advice", "reason"),
    [
        (
            (ABORTED, "java.io.IOException: No space left on device"),
            "disk",
            "No space left on device",
        ),
        (("java.io.IOException: Disk quota exceeded",), "disk", "Disk quota exceeded"),
        (
            ("java.io.FileNotFoundException: /out/staging/x.parquet (No space left on device)",),
            "disk",
            "/out/staging/x.parquet (No space left on device)",
        ),
        (
            (
                ABORTED,
                "java.io.FileNotFoundException: /out/_gristmill/layout.json (Permission denied)",
            ),
            "denied",
            "/out/_gristmill/layout.json (Permission denied)",
        ),
        (
            (
                "java.io.IOException: Mkdirs failed to create file:/proc/out (exists=false, "
                "cwd=file:/home)",
            ),
            "denied",
            "Mkdirs failed to create file:/proc/out (exists=false, cwd=file:/home)",
        ),
        (
            (
                "java.nio.file.AccessDeniedException: x",
                "org.apache.hadoop.security.AccessControlException: Permission denied: user=ann, "
                'access=WRITE, inode="/":hdfs:supergroup:drwxr-xr-x',
            ),
            "denied",
            'Permission denied: user=ann, access=WRITE, inode="/":hdfs:supergroup:drwxr-xr-x',
        ),
        (
            ("java.nio.file.FileSystemException: /mnt/x: Read-only file system",),
            "denied",
            "/mnt/x: Read-only file system",
        ),
        (
            (ABORTED, READING, "java.io.EOFException: Unexpected end of input stream"),
            "gzip",
            "Unexpected end of input stream",
        ),
        (
            (READING, "java.io.EOFException: Unexpected end of ZLIB input stream"),
            "gzip",
            "Unexpected end of ZLIB input stream",
        ),
        ((READING, "java.io.IOException: invalid block type"), "gzip", "invalid block type"),
        (
            (READING, "java.util.zip.ZipException: invalid stored block lengths"),
            "gzip",
            "invalid stored block lengths",
        ),
        (
            (READING, "java.io.IOException: incorrect header check"),
            "gzip",
            "incorrect header check",
        ),
        ((READING, "java.io.IOException: incorrect data check"), "gzip", "incorrect data check"),
        ((READING, "java.io.IOException: not a gzip file"), "gzip", "not a gzip file"),
        (
            ('org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "s3"',),
            "scheme",
            'No FileSystem for scheme "s3"',
        ),
        (
            (ABORTED, 'a.b.UnsupportedFileSystemException: No FileSystem for scheme "abfss"'),
            "scheme",
            'No FileSystem for scheme "abfss"',
        ),
        (
            (ABORTED, "java.lang.RuntimeException: file:/a.parquet is not a Parquet file"),
            "parquet",
            "file:/a.parquet is not a Parquet file",
        ),
        ((ABORTED, "java.lang.OutOfMemoryError: Java heap space"), "memory", "Java heap space"),
        (
            ("java.lang.OutOfMemoryError: GC overhead limit exceeded",),
            "memory",
            "GC overhead limit exceeded",
        ),
        (
            (READING, "java.io.FileNotFoundException: File file:/data/b.log does not exist"),
            "gone",
            "File file:/data/b.log does not exist",
        ),
        (
            ("java.io.FileNotFoundException: File does not exist: hdfs://nn:8020/logs/a.log",),
            "gone",
            "File does not exist: hdfs://nn:8020/logs/a.log",
        ),
    ],
)
def test_known_causes_come_with_advice_and_the_line_that_gave_them_away(
    kind: type[Exception], causes: tuple[str, ...], advice: str, reason: str
) -> None:
    first, second = explain(kind(chain(*causes))).split("\n")
    assert ADVICE[advice] in first
    assert reason in second
    assert (second[0], second[-1]) == ("(", ")")
    assert not second.startswith("(java.")


@pytest.mark.parametrize(
    ("outer", "place"),
    [
        (READING, "file:///data/logs/a.log.gz"),
        ("a.B: while reading file:/data/x%20y.gz: failed", "file:/data/x%20y.gz"),
        ("a.B: while reading 's3://bucket/a/b.gz', twice", "s3://bucket/a/b.gz"),
        ("a.B: while reading s3a://bucket/a.gz; stopped", "s3a://bucket/a.gz"),
        ("a.B: while reading hdfs://nn:8020/a.gz.", "hdfs://nn:8020/a.gz"),
    ],
)
def test_advice_names_the_file_that_an_outer_exception_named(outer: str, place: str) -> None:
    error = Py4JError(chain(outer, "java.io.EOFException: Unexpected end of input stream"))
    assert explain(error).startswith(f"{place}: {ADVICE['gzip']}")


def test_advice_stands_alone_where_no_file_is_named() -> None:
    assert explain(Py4JError(chain("java.lang.OutOfMemoryError: Java heap space"))).startswith(
        "Java " + ADVICE["memory"]
    )


def test_a_file_that_cannot_be_read_is_not_taken_for_an_output() -> None:
    error = Py4JError(
        chain(READING, "java.io.FileNotFoundException: /data/logs/a.log.gz (Permission denied)")
    )
    assert "choose another output" not in explain(error)


def test_a_very_long_line_is_cut() -> None:
    explained = explain(Py4JError(chain("java.lang.IllegalStateException: " + "x" * 500)))
    assert explained.startswith("xxx")
    assert explained.endswith("x…")
    assert len(explained) <= 300


def test_a_line_as_long_as_a_query_plan_is_no_trouble(one_second: None) -> None:
    plan = "In(_source_file, [" + "file:///data/logs/a.log, " * 8_000 + "])"
    assert explain(Py4JError(chain(f"java.lang.IllegalStateException: {plan}"))).endswith("…")


@KINDS
def test_causes_that_go_round_in_circles_come_to_an_end(kind: type[Exception]) -> None:
    inner = Throwable("a.Inner: the end")
    outer = Throwable("a.Outer: the start", inner)
    inner.cause = outer
    assert explain(kind(outer)) in ("the end", "the start")


FRAGMENTS = st.sampled_from(
    [
        *("\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", " ", ": ", "\tat org.apache.Spark.go()"),
        *("No space left on device", "Permission denied", "OutOfMemoryError", "ZipException"),
        *('No FileSystem for scheme "s3"', "File does not exist", "java.io.IOException: "),
        *("file:/a/b", "s3://b/c.gz"),
    ]
)
MESSAGES = st.lists(st.one_of(FRAGMENTS, st.text(max_size=10)), max_size=8).map("".join)


@PROPERTY
@given(st.lists(MESSAGES, min_size=1, max_size=6), st.sampled_from([Py4JError, CapturedError]))
@example(["", "\n\n"], Py4JError)
@example(["file:/a\nPermission denied\nfile:/b\n"], CapturedError)
def test_at_most_two_lines_are_told_of_java(texts: list[str], kind: type[Exception]) -> None:
    explained = explain(kind(chain(*texts)))
    assert explained.strip()
    assert len(explained.splitlines()) <= 2


@PROPERTY
@given(MESSAGES)
def test_at_most_two_lines_are_told_of_python(text: str) -> None:
    explained = explain(RuntimeError(text))
    assert explained.strip()
    assert len(explained.splitlines()) <= 2


@KINDS
@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (
            "org.apache.hadoop.fs.s3a.UnknownStoreException: `s3://mine/in': getFileStatus on "
            "s3://mine/in: The specified bucket does not exist",
            "s3://mine/in: no such bucket: check its name",
        ),
        (
            "java.nio.file.AccessDeniedException: s3://mine/in: Unable to load credentials from "
            "any of the providers in the chain",
            "s3://mine/in: no AWS credentials: set AWS_PROFILE",
        ),
        (
            "java.nio.file.AccessDeniedException: s3://mine/in: getFileStatus on s3://mine/in: "
            "(Service: S3, Status Code: 403, Request ID: null):null",
            "s3://mine/in: no permission: ask for access",
        ),
        (
            "software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP "
            "request: Connect to 127.0.0.1:1 failed: Connection refused",
            "the server does not answer: check the network, AWS_REGION and AWS_ENDPOINT_URL",
        ),
    ],
)
def test_what_s3_refuses_is_explained(kind: type[Exception], cause: str, advice: str) -> None:
    assert explain(kind(chain(cause))).startswith(advice)


def test_whatever_zlib_says_of_a_spoiled_file_is_damage() -> None:
    rng = random.Random(20261126)
    packed = gzip.compress("".join(f"{rng.random()}\n" for _ in range(2000)).encode())
    told = set()
    for _ in range(3000):
        at = rng.randrange(3, len(packed))
        spoiled = packed[:at] + rng.randbytes(4) + packed[at + 4 :]
        try:
            zlib.decompress(spoiled, wbits=31)
        except zlib.error as error:
            told.add(str(error).partition(": ")[2])
    told -= {"", "incomplete or truncated stream"}
    assert len(told) >= 4
    for text in told:
        said = causes(Py4JError(chain("SparkException: task failed", f"IOException: {text}")))
        assert is_damaged(said), text
        assert not is_cut_off(said)


@pytest.mark.parametrize(
    "text",
    ["Connection reset by peer", "Read timed out", "No space left on device", "Stream is closed"],
)
def test_what_a_connection_or_a_disk_does_is_not_damage(text: str) -> None:
    assert not is_damaged(
        causes(Py4JError(chain("SparkException: failed", f"IOException: {text}")))
    )
