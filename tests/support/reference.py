"""Plain Python that says what must come out, written after the specifications alone."""

import ipaddress
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
_LINE = re.compile(
    r'((?:[^"\\]|\\["\\]|\\(?!["\\]))*?) '
    r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] +"
    + _QUOTED
    + r" ([1-5]\d\d|-) (\d{1,18}|-)"
    + rf"( {_QUOTED} {_QUOTED}( {_QUOTED})?)? *",
    re.ASCII,
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def is_address(text: str) -> bool:
    """Whether a text is an IP address, of either version."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return not re.search(r"[^0-9A-Za-z.:%_~-]", text)


def is_client(text: str) -> bool:
    """Whether a text is an IP address, a host name with a dot, a localhost, or nginx's `unix:`."""
    label = "[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z])?"
    labels = text.split(".")
    is_host = len(labels) > 1 and all(re.fullmatch(label, one) for one in labels)
    top = re.fullmatch("[A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?", labels[-1])
    local = {"localhost", "localhost6", "ip6-localhost", "ip6-localhost6", "unix:"}
    return is_address(text) or bool(is_host and top) or text in local


def is_forwarded(text: str) -> bool:
    """Whether a text holds addresses as X-Forwarded-For has them."""

    def is_one(item: str) -> bool:
        found = re.fullmatch(r"(?:\[([^\]%]+)\]|([^:]+))(?::[0-9]{1,5})?", item, re.ASCII)
        bare = item if found is None else found[1] or found[2]
        brackets = item.startswith("[") and ":" not in (bare or "")
        return item == "unknown" or (is_address(bare) and not brackets)

    # One space at the most on each side of a comma.
    return all(is_one(item) for item in re.split(" ?, ?", text))


def _is_name(text: str) -> bool:
    """Whether a text can be an ident or a user."""
    first = text.partition(",")[0]
    holds_address = is_address(first) or is_address(first.partition(":")[0])
    is_time = re.match("[0-9]{1,2}:[0-9]{2}", text)
    no_space = not re.search(r"[ \t\n\x0b\f\r]", text)
    is_odd = not text or text.startswith("[") or text.endswith((",", ":")) or is_time
    return no_space and not (is_odd or holds_address)


def _who(text: str) -> tuple[str, str, str, str] | None:
    """Client, the addresses behind it, ident and user; None where they are not those."""
    first, *behind = re.split(", ?", text)
    *more, last = behind or [first]
    parts = last.split(" ")
    if len(parts) != 3 or not all(map(_is_name, parts[1:])):
        return None
    ends, ident, user = parts
    if not behind:
        return (ends, "", ident, user) if ends == "-" or is_client(ends) else None
    start = text.index(first) + len(first)
    others = text[start : len(text) - len(ident) - len(user) - 2]
    others = others.removeprefix(",").removeprefix(" ")
    right = is_address(first) and is_forwarded(others) and all(more)
    return (first, others, ident, user) if right else None


def access_line(line: str, line_format: str) -> Request | None:
    """The request of a line that is not wrapped in quotes, or None where it is malformed."""
    line = re.sub(r'^([^"]*) "" \[', r"\1 - [", line, count=1)
    found = _LINE.fullmatch(line)
    if found is None or (found[14] is not None) != (line_format == "combined"):
        return None
    who = _who(found[1])
    given = _value(found[18]) or ""
    if who is None or (given and (who[1] or not is_forwarded(given))):
        return None
    try:
        offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
        zone = timezone(offset if found[8] == "+" else -offset)
        month = _MONTHS.index(found[3]) + 1
        day, year, hour, minute, second = map(int, found.group(2, 4, 5, 6, 7))
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    method, target, protocol = _request(_plain(found[11]))
    path, mark, query = (target or "").partition("?")
    return Request(
        timestamp=local.astimezone(UTC),
        client=_value(who[0]),
        ident=_value(who[2]),
        user=_value(who[3]),
        method=method,
        path=path if target is not None else None,
        query=query if mark else None,
        protocol=protocol,
        status=None if found[12] == "-" else int(found[12]),
        bytes=None if found[13] == "-" else int(found[13]),
        referer=_value(found[15]),
        user_agent=_value(found[16]),
        forwarded_for=given or who[1] or None,
    )


def _request(text: str) -> tuple[str, str, str] | tuple[None, None, None]:
    found = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.+) (HTTP/[0-9](?:\.[0-9])?)", text)
    return (found[1], found[2], found[3]) if found else (None, None, None)


def _value(text: str | None) -> str | None:
    return None if text in (None, "-") else _plain(text or "")


def _plain(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)
