"""From an exception of Spark, Hadoop or Java to the one or two lines that a user can act on."""

import re

from gristmill.diagnosis.causes import DAMAGED, causes
from gristmill.errors import GristmillError

_ADVICE = (
    (
        r"No space left on device|Disk quota exceeded|File too large",
        "the disk is full: make room, then run again",
    ),
    (
        r"The specified bucket does not exist|UnknownStoreException",
        "no such bucket: check its name, and that AWS_REGION is where it is",
    ),
    (
        r"Unable to load credentials|NoAwsCredentialsException|NoAuthWithAWSException",
        "no AWS credentials: set AWS_PROFILE, or log in with the AWS command line",
    ),
    (
        r"UnknownHostException|Connection refused|Unable to execute HTTP request",
        "the server does not answer: check the network, AWS_REGION and AWS_ENDPOINT_URL",
    ),
    (
        r"Permission denied|AccessControlException|Mkdirs failed|Read-only file system|"
        r"Status Code: 403",
        "no permission: ask for access, or name another place",
    ),
    (
        DAMAGED,
        "the gzip file is damaged or cut off: repair it, or leave it out",
    ),
    (
        r"CANNOT_READ_FILE_FOOTER|is not a Parquet file",
        "this is not Parquet, or is damaged: repair it, or leave it out",
    ),
    (
        r'No FileSystem for scheme "?(s3a?|gs|abfss?|hdfs)',
        "this Spark has no connector for that kind of URI: run where one is installed, as on EMR, "
        "or add it with spark-submit --packages",
    ),
    (
        r"OutOfMemoryError|Java heap space|GC overhead limit",
        "Java ran out of memory: give it more (spark-submit --driver-memory 8g)",
    ),
    (
        r"FileNotFoundException|NoSuchFileException|File does not exist",
        "a file went away while it was read: run again",
    ),
)
# What a raise_error of ours says is written for the user.
_OURS = re.compile(r"\[USER_RAISED_EXCEPTION\] (.*?)(?: SQLSTATE: \w{5})?$")
_JAVA_CLASS = re.compile(r"^(?:[a-z]\w*\.)+[A-Z][\w$]*: ")
_PLACE = re.compile(r"\b(?:file|s3a?|hdfs):/[^\s,'\"]+")
_WIDTH = 300


def explain(error: BaseException) -> str:
    """The probable cause of a failure, and what to do where that is known; two lines at most."""
    if isinstance(error, GristmillError):
        return str(error)
    said = causes(error)
    told = [line for cause in said for line in cause.splitlines()]
    ours = next((own[1] for line in told if (own := _OURS.search(line))), None)
    if ours is not None:
        return ours
    for pattern, advice in _ADVICE:
        # Line by line: `.*` before a pattern would take quadratic time on a line as long as a plan.
        found = next((line for line in told if re.search(pattern, line)), None)
        if found is not None:
            location = next((location for line in told if (location := _PLACE.search(line))), None)
            where = f"{location[0].rstrip('.:;')}: " if location else ""
            return f"{where}{advice}\n({_short(found)})"
    return _short(said[-1])


def advice(line: str) -> str | None:
    """What to do about a line that Spark, Hadoop or Java said; None where that is not known."""
    return next((text for pattern, text in _ADVICE if re.search(pattern, line)), None)


def _short(text: str) -> str:
    lines = text.strip().splitlines()
    line = _JAVA_CLASS.sub("", lines[0].strip()) if lines else "no message"
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
