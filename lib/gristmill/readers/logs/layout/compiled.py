r"""A layout as a regular expression: what stands where, before anybody asks what it means.

A value in quotes ends at the first quote that no backslash escapes, one in brackets at the bracket,
any other at a space, unless its kind has spaces of its own. So a line of another layout does not
match; what a value may be is looked at afterwards, and has a reason of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gristmill.errors import UsageError
from gristmill.readers.logs import values
from gristmill.readers.logs.layout import apache, nginx
from gristmill.readers.logs.layout.tokens import Token, Variable, checked, is_time
from gristmill.readers.logs.requested import CLOCK, EPOCH, ISO

CLIENT = f"(?:{values.ADDRESS}|{values.HOST}|unix:|-)"
_QUOTED = r'(?:[^"\\]++|\\.)*+'
_INSIDE = {'"': _QUOTED, "[": r"[^\]]*+", "{": r"[^}]*+"}
_OUT = {'"': '"', "[": "]", "{": "}"}
_PARTS = "[^ ,]++(?:(?:, ?| : )[^ ,]++)*+"
_KINDS = {
    "captures": r"(?:\{[^}]*+\} )*+",
    "list": _PARTS,
    "sum": _PARTS,
    "forwarded": _PARTS,
    "clf": r"\S++ [+-][0-9]{4}",
}


@dataclass(frozen=True)
class Layout:
    """A layout that can be read: `grammar` has a group for each of `variables`, for Java and for
    Python. Where a line `starts_with_client`, or a host, it may have a logger's prefix before that,
    which can be told from it."""

    text: str
    variables: tuple[Variable, ...]
    grammar: str
    starts_with_client: bool

    def group(self, column: str) -> int | None:
        """The place of the variable that fills a column, by its rank; None where none does."""
        found = [
            (variable.rank, place)
            for place, variable in enumerate(self.variables)
            if variable.column == column
        ]
        return min(found)[1] if found else None

    @property
    def request(self) -> int | None:
        """The place of the line of the request; None where there is none."""
        places = [place for place, one in enumerate(self.variables) if one.kind == "request"]
        return places[0] if places else None

    @property
    def others(self) -> dict[str, int]:
        """The places of variables that fill no column, by their names."""
        named: dict[str, int] = {}
        times = self.times
        for place, variable in enumerate(self.variables):
            fills = bool(variable.column) and self.group(str(variable.column)) == place
            is_read = place == self.request or (fills and not is_time(variable))
            if place in times or is_read:
                continue
            name, count = variable.name, 2
            while name in named:
                name, count = f"{variable.name} {count}", count + 1
            named[name] = place
        return named

    @property
    def times(self) -> dict[int, Variable]:
        """The first time, with the parts of it that stand by themselves."""
        found = {place: one for place, one in enumerate(self.variables) if is_time(one)}
        whole = [place for place, one in found.items() if one.kind not in {"fraction", "zone"}]
        if not whole:
            raise UsageError(f"layout {self.text!r}: it has parts of a time, and no time")
        parts = {kind: place for place, one in found.items() if (kind := one.kind) in _PARTS_OF}
        return {place: found[place] for place in (whole[0], *parts.values())}

    @property
    def has_zone(self) -> bool:
        """Whether its times say in which zone they are."""
        kinds = {one.kind for one in self.times.values()}
        (whole,) = kinds - _PARTS_OF
        pattern = whole.partition(" ")[2]
        return "zone" in kinds or not pattern or "Z" in pattern


_PARTS_OF = {"fraction", "zone"}


def compiled(layout: str) -> Layout:
    """A layout of nginx or Apache. Raises `UsageError` where it cannot be read."""
    if not layout.strip():
        raise UsageError("layout: it is empty")
    of = nginx if nginx.is_nginx(layout) else apache
    found = of_tokens(layout, list(of.tokens(layout)))
    if not found.variables:
        raise UsageError(f"layout {layout!r}: it names nothing, as $remote_addr or %h would")
    return found


def of_tokens(text: str, tokens: Sequence[Token]) -> Layout:
    """A layout that is taken apart. Raises `UsageError`."""
    parts = checked(tokens, text)
    grammar = ""
    for place, token in enumerate(parts):
        before, after = (
            part if isinstance(part, str) else ""
            for part in (
                parts[place - 1] if place else "",
                parts[place + 1] if place + 1 < len(parts) else "",
            )
        )
        grammar += (
            _literal(token)
            if isinstance(token, str)
            else f"({_value(token, before[-1:], after[:1])})"
        )
    variables = tuple(token for token in parts if isinstance(token, Variable))
    first = parts[0]
    is_host = isinstance(first, Variable) and first.column in {"client", "vhost"}
    found = Layout(text, variables, rf"(?s)^{grammar}\s*\z", is_host)
    _ = found.times
    return found


def _value(variable: Variable, before: str, after: str) -> str:
    if before in _INSIDE and after == _OUT[before]:
        return _INSIDE[before]
    kind, _, pattern = variable.kind.partition(" ")
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "request":
        return ".+?"
    if pattern:
        return r"\S+" + r" \S+" * pattern.count(" ")
    if variable.column == "user":
        return '(?:""|[^ ]++)'
    # With another sign behind it, a value may hold that sign too, as an IPv6 address has colons.
    return "[^ ]++" if after in {"", " "} else "[^ ]+"


def _literal(text: str) -> str:
    return "".join(" +" if one == " " else one if one.isalnum() else f"\\{one}" for one in text)


def clock(kind: str) -> str | None:
    """How a time of a kind looks, for Java and Python; None where a pattern says it."""
    return {
        "clf": CLOCK,
        "iso": ISO,
        "epoch": EPOCH,
        "fraction": "[0-9]{1,9}",
        "zone": r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    }.get(kind)
