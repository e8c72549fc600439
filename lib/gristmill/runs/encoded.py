"""A job and its flags as one word that no shell, and no YARN on its way, changes.

YARN writes the command of a container into a script: it puts `$` in place of `{{`, takes `}}` out,
and replaces `<LOG_DIR>` and `<CPS>` (Hadoop's ContainerLaunch.expandEnvironment); empty arguments
do not reach the driver at all. So what a driver is given is one word of letters, digits, `-`, `_`
and a dot: a version, then the arguments as JSON in URL-safe Base64 (RFC 4648, section 5).
"""

import base64
import binascii
import json
from collections.abc import Sequence

_VERSION = "argv1."


def encode(arguments: Sequence[str]) -> str:
    """The one word that stands for `arguments`."""
    text = json.dumps(list(arguments), ensure_ascii=False, separators=(",", ":"))
    packed = base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass"))
    return _VERSION + packed.decode("ascii").rstrip("=")


def is_encoded(word: str) -> bool:
    """Whether a word is one that `encode` makes."""
    return word.startswith(_VERSION)


def decode(word: str) -> list[str]:
    """The arguments that a word stands for. Raises `ValueError` where it is none of `encode`'s."""
    if not is_encoded(word):
        raise ValueError(f"it does not begin with {_VERSION}")
    packed = word.removeprefix(_VERSION)
    try:
        whole = base64.b64decode(packed + "=" * (-len(packed) % 4), b"-_", validate=True)
        found = json.loads(whole.decode("utf-8", "surrogatepass"))
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"it is cut or changed: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("it is no list of words")
    return found
