"""Secrets taken out of what is shown: requests are printed, logged and pasted into tickets."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from gristmill.runs.encoded import decode, encode, is_encoded

HIDDEN = "********"

_NAME = (
    r"[\w.-]*(?:secret|passw(?:or)?d|passphrase|token(?![a-z])|credential"
    r"|(?:private|access|api)[._-]?key)[\w.-]*"
)
_IS_NAME = re.compile(_NAME, re.IGNORECASE)
# The ARN of a secret, which is meant to be passed, and the name of a token that is none.
_HARMLESS = re.compile(r"arn:aws[a-z-]*:(?:secretsmanager|ssm):|^clientToken$")
_ASSIGNED = re.compile(rf"((?:--)?{_NAME})([=:])(\S+)", re.IGNORECASE)
# As a word of its own, which may hold spaces.
_WHOLE = re.compile(rf"((?:--)?{_NAME})=(.+)", re.IGNORECASE | re.DOTALL)
_FLAG = re.compile(rf"(--{_NAME})([ ',\"]+)([^\s'\"]+)", re.IGNORECASE)
_ARN = re.compile(r"(arn:aws[a-z-]*:(?:secretsmanager|ssm):[^\s'\",]+)")
_WORD = re.compile(r"\bargv1\.[\w=-]+")
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_IN_URI = re.compile(r"(\w+://[^/\s:@]+:)[^/\s@]+@")


def redact(value: Any) -> Any:
    """`value`, JSON, with what looks like a secret hidden.

    By the name of a key, a flag or a setting (`--db-password`, `spark.x.secret.key=`), as an AWS
    access key id, or as the password in a URI.
    """
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if _names_a_secret(key) and isinstance(item, str) else _under(key, item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return _words(value)
    return _text(value) if isinstance(value, str) else value


def _under(key: str, item: Any) -> Any:
    if key != "sparkSubmitParameters":
        return redact(item)
    # EMR Serverless takes words as one string, quoted as for a shell.
    return shlex.join(_words(shlex.split(item)))


def _words(values: list[Any] | tuple[Any, ...]) -> list[Any]:
    """The words of a command: what follows a flag that names a secret is one."""
    found: list[Any] = []
    hide = False
    for value in values:
        whole = _WHOLE.fullmatch(value) if isinstance(value, str) else None
        if hide and isinstance(value, str):
            found.append(HIDDEN)
        elif isinstance(value, str) and is_encoded(value):
            found.append(_encoded(value))
        elif whole and not _HARMLESS.search(whole[2]):
            found.append(f"{whole[1]}={HIDDEN}")
        else:
            found.append(redact(value))
        hide = isinstance(value, str) and value.startswith("--") and _names_a_secret(value[2:])
    return found


def _encoded(word: str) -> str:
    """Encoded arguments, encoded again without their secrets."""
    try:
        return encode(_words(decode(word)))
    except ValueError:
        return word


def redact_text(text: str) -> str:
    """Text that somebody else has written, such as a log, with what looks like a secret hidden:
    also what follows a flag, and what is inside encoded arguments."""
    text = _WORD.sub(lambda found: _encoded(found[0]), text)
    # Each other piece is the ARN of a secret, which is none.
    pieces = _ARN.split(text)
    pieces[::2] = [_text(_FLAG.sub(rf"\g<1>\g<2>{HIDDEN}", piece)) for piece in pieces[::2]]
    return "".join(pieces)


def _names_a_secret(name: str) -> bool:
    return bool(_IS_NAME.fullmatch(name)) and not _HARMLESS.search(name)


def _text(text: str) -> str:
    def hidden(found: re.Match[str]) -> str:
        return found[0] if _HARMLESS.search(found[3]) else f"{found[1]}{found[2]}{HIDDEN}"

    return _IN_URI.sub(rf"\g<1>{HIDDEN}@", _KEY_ID.sub(HIDDEN, _ASSIGNED.sub(hidden, text)))
