"""Plain Python that says what must come out, written after the specifications alone."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone


def word_counts(text: str, tokenizer: str, *, lowercase: bool) -> Counter[str]:
    """Words of `text` and how often each occurs."""
    words: Callable[[str], Iterator[str]] = {
        "letters": _letters,
        "words": _words,
        "whitespace": lambda line: iter(line.split()),
    }[tokenizer]
    return Counter(
        word.lower() if lowercase else word for line in text.split("\n") for word in words(line)
    )


def _letters(line: str) -> Iterator[str]:
    spaced = "".join(char if unicodedata.category(char)[0] == "L" else " " for char in line)
    return iter(spaced.split())


def _words(line: str) -> Iterator[str]:
    def inside(index: int) -> bool:
        if not 0 <= index < len(line):
            return False
        category = unicodedata.category(line[index])
        return category[0] in "LM" or category == "Nd"

    word = ""
    for index, char in enumerate(line):
        joins = char in "'’\u200c\u200d" and inside(index - 1) and inside(index + 1)
        if inside(index) or joins:
            word += char
        elif word:
            yield word
            word = ""
    if word:
        yield word


@dataclass(frozen=True)
class Request:
    """A request of an access log, or the lack of one."""

    timestamp: datetime
    client: str | None
    ident: str | None
    user: str | None
    method: str | None
    path: str | None
    query: str | None
    protocol: str | None
    status: int | None
    bytes: int | None
    referer: str | None
    user_agent: str | None
    forwarded_for: str | None


_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PLAIN = r'(?:[^"\\]|\\["\\]|\\(?!["\\]))'
_LINE = re.compile(
    rf"((?:(?! ){_PLAIN})+) ((?:(?! ){_PLAIN})+) ((?! ){_PLAIN}+?) "
    r"\[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "
    + _QUOTED
    + r" (\d{3}|-) (\d{1,18}|-)"
    + rf"( {_QUOTED} {_QUOTED}( {_QUOTED})?)? *",
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def access_line(line: str, line_format: str) -> Request | None:
    """The request of a line that is not wrapped in quotes, or None where it is malformed."""
    found = _LINE.fullmatch(line)
    if found is None or (found[16] is not None) != (line_format == "combined"):
        return None
    if found[3].startswith("- "):
        return None
    try:
        offset = timedelta(hours=int(found[11]), minutes=int(found[12]))
        zone = timezone(offset if found[10] == "+" else -offset)
        month = _MONTHS.index(found[5]) + 1
        day, year, hour, minute, second = map(int, found.group(4, 6, 7, 8, 9))
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    method, target, protocol = _request(_plain(found[13]))
    path, mark, query = (target or "").partition("?")
    return Request(
        timestamp=local.astimezone(UTC),
        client=_value(found[1]),
        ident=_value(found[2]),
        user=_value(found[3]),
        method=method,
        path=path if target is not None else None,
        query=query if mark else None,
        protocol=protocol,
        status=None if found[14] == "-" else int(found[14]),
        bytes=None if found[15] == "-" else int(found[15]),
        referer=_value(found[17]),
        user_agent=_value(found[18]),
        forwarded_for=_value(found[20]),
    )


def _request(text: str) -> tuple[str, str, str] | tuple[None, None, None]:
    found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.+) (HTTP/[0-9.]+)", text)
    return (found[1], found[2], found[3]) if found else (None, None, None)


def _value(text: str | None) -> str | None:
    return None if text in (None, "-") else _plain(text or "")


def _plain(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)
