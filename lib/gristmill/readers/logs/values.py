r"""What a column of a log can hold, as regular expressions that Java and Python read alike.

A host name (RFC 1123, with the `_` of real names) has a dot, or is a `localhost`: a lone word in
the place of a client may as well be a month, a program or a user. Its last label is not a number,
as that of no top-level domain is. IPv6 addresses are those of RFC 4291, 2.2, with a zone or not.
"""

import re
from functools import cache

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"(?:(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9.]))"
_GROUP = "[0-9A-Fa-f]{1,4}"
_GROUPS = rf"{_GROUP}(?::{_GROUP})*"
# With `::` there is room for seven groups, or for five before an IPv4 address.
_WHOLE = rf"(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{6}}{IPV4}"
_SHORT = (
    rf"(?!:{{0,2}}(?:{_GROUP}::?){{7}}{_GROUP})(?!:{{0,2}}(?:{_GROUP}::?){{6}}{IPV4})"
    rf"(?:{_GROUPS})?::(?:(?:{_GROUP}:)*{IPV4}|{_GROUPS})?"
)
_IPV6 = rf"(?:(?:{_WHOLE}|{_SHORT})(?![0-9A-Fa-f:.]))"
IPV6 = rf"(?:{_IPV6}(?:%[0-9A-Za-z._~-]++)?+)"
ADDRESS = f"(?:{IPV4}|{IPV6})"

_LABEL = "[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?+"
HOST = rf"(?:(?:{_LABEL}\.)++[A-Za-z](?:[0-9A-Za-z-]{{0,61}}[0-9A-Za-z])?+|(?:ip6-)?localhost6?)"

_PORT = r"(?::[0-9]{1,5})?"
_FORWARDED = rf"(?:{IPV4}{_PORT}|\[{_IPV6}\]{_PORT}|{IPV6}|unknown)"
FORWARDED = rf"{_FORWARDED}(?: ?, ?{_FORWARDED})*+"
"""Addresses as X-Forwarded-For has them: several, with a port or not, and `unknown` for some."""

METHOD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
"""RFC 9110, 5.6.2: what a method is made of."""

PROTOCOL = r"HTTP/[0-9](?:\.[0-9])?"

# As with every number of AWS's logs, -1 says that there is none.
PORT = "(?:-1|[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

TLS = r"(?:TLS|SSL)v[0-9](?:\.[0-9])?"

STATUS = r"^(?:[1-5][0-9][0-9]|-)\z"
"""RFC 9110, 15: a status is from 100 to 599."""


def whole(expression: str) -> str:
    """For Java: an expression that all of a text has to match."""
    return rf"^(?:{expression})\z"


@cache
def python(expression: str) -> re.Pattern[str]:
    r"""A pattern for Java as one for Python, which ends a text at `\Z` where Java does at `\z`."""
    return re.compile(expression.replace(r"\z", r"\Z"), re.ASCII)
