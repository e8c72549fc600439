"""Layouts of Apache httpd: `LogFormat`.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats, and what mod_logio, mod_ssl and
mod_unique_id add.
"""

import re
from collections.abc import Iterator

from gristmill.errors import UsageError
from gristmill.nearest import nearest
from gristmill.readers.logs.layout.tokens import Token, Variable

_DIRECTIVE = re.compile(r'^\s*(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)"', re.S)
# Conditions on the status, and > or < for an internal redirection, change no layout.
_PLACE = re.compile(r"%(?:[<>]|!?[0-9]{3}(?:,[0-9]{3})*)*(?:\{([^}]*)\})?(\^[a-zA-Z]{2}|.)", re.S)

_PLAIN = {
    "a": Variable("%a", "client", "client"),
    "h": Variable("%h", "client", "client", 1),
    "A": Variable("%A"),
    "B": Variable("%B", "bytes", "bytes"),
    "b": Variable("%b", "bytes", "bytes"),
    "O": Variable("%O", "bytes", "bytes", 1),
    "I": Variable("%I"),
    "S": Variable("%S"),
    "D": Variable("%D", "seconds", "seconds", 0, "0.000001"),
    "T": Variable("%T", "seconds", "seconds", 2),
    "f": Variable("%f"),
    "H": Variable("%H", "text", "protocol"),
    "k": Variable("%k"),
    "l": Variable("%l", "text", "ident"),
    "L": Variable("%L"),
    "m": Variable("%m", "text", "method"),
    "p": Variable("%p", "int", "port"),
    "P": Variable("%P"),
    "q": Variable("%q", "query", "query"),
    "r": Variable("%r", "request"),
    "R": Variable("%R"),
    "s": Variable("%s", "status", "status"),
    "u": Variable("%u", "text", "user"),
    "U": Variable("%U", "text", "path"),
    "v": Variable("%v", "text", "vhost", 1),
    "V": Variable("%V", "text", "vhost", 2),
    "X": Variable("%X"),
    "^FB": Variable("%^FB"),
}
_NAMED = {
    ("i", "referer"): ("text", "referer"),
    ("i", "user-agent"): ("text", "user_agent"),
    ("i", "x-forwarded-for"): ("forwarded", "forwarded_for"),
    ("i", "host"): ("text", "vhost"),
    ("i", "x-request-id"): ("text", "request_id"),
    ("o", "x-request-id"): ("text", "request_id"),
    ("e", "unique_id"): ("text", "request_id"),
    ("x", "ssl_protocol"): ("text", "tls_protocol"),
    ("x", "ssl_cipher"): ("text", "tls_cipher"),
    ("c", "version"): ("text", "tls_protocol"),
    ("c", "cipher"): ("text", "tls_cipher"),
}
_WITH_NAME = ("C", "e", "i", "n", "o", "x", "c", "^ti", "^to")
_UNITS = {"s": ("1", 2), "ms": ("0.001", 1), "us": ("0.000001", 0)}
_EPOCH = {"sec": "1", "msec": "0.001", "usec": "0.000001"}
# strftime(3) in Java's letters; what depends on a locale is not among them.
_CLOCK = {
    "Y": "yyyy",
    "m": "MM",
    "d": "dd",
    "e": "d",
    "b": "MMM",
    "h": "MMM",
    "H": "HH",
    "M": "mm",
    "S": "ss",
    "y": "yy",
    "T": "HH:mm:ss",
    "F": "yyyy-MM-dd",
    "R": "HH:mm",
    "D": "MM/dd/yy",
    "z": "Z",
    "j": "DDD",
    "%": "%",
    "n": "\n",
    "t": "\t",
}


def tokens(layout: str) -> Iterator[Token]:
    """What a layout is made of; it may be the whole directive. Raises `UsageError`."""
    directive = _DIRECTIVE.match(layout)
    text = directive[1] if directive else layout
    # In a directive quotes are escaped, and a layout that is copied out of one has them so, too.
    text = re.sub(r'\\(["\\])', r"\1", text).replace(r"\t", "\t").replace(r"\n", "\n")
    end = 0
    for found in _PLACE.finditer(text):
        if text[end : found.start()]:
            yield text[end : found.start()]
        yield from _place(found[0], found[1], found[2])
        end = found.end()
    if text[end:]:
        yield text[end:]


def _place(whole: str, name: str | None, letter: str) -> Iterator[Token]:
    if letter == "%":
        yield "%"
    elif letter == "t":
        yield from _time(whole, name)
    elif letter in _WITH_NAME and name:
        kind, column = _NAMED.get((letter, name.lower()), ("text", None))
        yield Variable(f"%{{{name}}}{letter}", kind, column)
    elif letter == "T" and name:
        if name not in _UNITS:
            raise UsageError(f"layout: {whole}: {nearest(name, _UNITS)}")
        scale, rank = _UNITS[name]
        yield Variable(f"%{{{name}}}T", "seconds", "seconds", rank, scale)
    elif letter in {"a", "h"} and name == "c":
        yield Variable(f"%{{c}}{letter}")
    elif letter in {"p", "P"} and name:
        is_ours = letter == "p" and name in {"canonical", "local"}
        kind, column = ("int", "port") if is_ours else ("text", None)
        yield Variable(f"%{{{name}}}{letter}", kind, column, 1)
    elif letter in _PLAIN and not name:
        yield _PLAIN[letter]
    else:
        raise UsageError(f"layout: Apache has no {whole}")


def _time(whole: str, name: str | None) -> Iterator[Token]:
    if not name:
        yield from ("[", Variable("%t", "clf", "timestamp"), "]")
        return
    inner = re.sub("^(?:begin|end):", "", name)
    if inner in _EPOCH:
        yield Variable(whole, "epoch", "timestamp", 0, _EPOCH[inner])
    elif inner in {"msec_frac", "usec_frac"}:
        yield Variable(whole, "fraction", "timestamp")
    elif inner == "%z":
        yield Variable(whole, "zone", "timestamp")
    else:
        yield Variable(whole, f"pattern {_pattern(whole, inner)}", "timestamp")


def _pattern(whole: str, clock: str) -> str:
    """A pattern of Java's DateTimeFormatter for one of strftime. Raises `UsageError`."""
    found = ""
    for piece in re.finditer(r"%(.)|([^%]+)", clock, re.S):
        if piece[1] is None:
            found += re.sub("[A-Za-z]+", r"'\g<0>'", piece[2])
        elif piece[1] in _CLOCK:
            found += _CLOCK[piece[1]]
        else:
            raise UsageError(f"layout: {whole}: %{piece[1]} is not read as a time")
    return found
