"""What an exception of Spark, Hadoop or Java and all its causes say, and what that means."""

import re
from collections.abc import Sequence
from typing import Any

_CUT_OFF = r"Unexpected end of (?:ZLIB )?input stream"
DAMAGED = (
    # What zlib says (inflate.c, inftrees.c), and Hadoop's own reading of gzip.
    rf"{_CUT_OFF}|ZipException|DataFormatException|BuiltInGzipDecompressor|"
    r"invalid (?:stored |block|distance|code lengths|literal|bit length|window)|"
    r"too many length or distance|(?:incorrect|header crc) (?:header|data|length|mis)|"
    r"unknown (?:compression method|header flags)|"
    r"not a gzip file|Not in GZIP format|gzip (?:stream|header|size)"
)
"""What is said of a compressed file that is cut off or damaged, as a regular expression."""
_DEPTH = 20


def is_damaged(said: Sequence[str]) -> bool:
    """Whether what `causes` gave is of a compressed file that is cut off or damaged."""
    return any(re.search(DAMAGED, text) for text in said)


def is_cut_off(said: Sequence[str]) -> bool:
    """Whether it is of one that ends too early."""
    return any(re.search(_CUT_OFF, text) for text in said)


def causes(error: BaseException) -> list[str]:
    """What each exception of a chain says, the outermost first."""
    # Py4JJavaError and PySpark's CapturedException each keep the Java exception they stand for.
    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    said: list[str] = []
    while java is not None and len(said) < _DEPTH:
        said.append(str(java.toString()))
        java = java.getCause()
    return said or [f"{type(error).__name__}: {error}"]
