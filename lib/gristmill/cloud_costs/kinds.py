"""Which kind of cost export a file is, by the names of its columns."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gristmill.cloud_costs import cur, focus
from gristmill.cloud_costs.cells import key
from gristmill.cloud_costs.charges import FOCUS
from gristmill.errors import InputError

SUPPORTED = (
    "FOCUS 1.0 to 1.4, the preview of 1.0 that Oracle writes, and AWS Cost and Usage Reports "
    "(legacy and 2.0)"
)
CUR, FOCUS_KIND = "AWS CUR", "FOCUS "
_SHOWN, _WIDTH = 8, 60


def kind_of(header: Sequence[str], file: str) -> str:
    """The kind of export that these columns look like: `FOCUS 1.2`, `AWS CUR`.

    Raises `InputError` where it is none that is known.
    """
    keys = frozenset(map(key, header))
    version = focus.version(keys)
    if version:
        return f"{FOCUS_KIND}{version}"
    if cur.is_report(keys):
        return CUR
    other = focus.other_dataset(keys)
    if other:
        raise InputError(f"{file} is FOCUS's dataset {other[0]}, which has no charges: {other[1]}")
    found = ", ".join(name[:_WIDTH] for name in header[:_SHOWN])
    found += " …" if len(header) > _SHOWN or max(map(len, header)) > _WIDTH else ""
    raise InputError(
        f"{file} is not a cost export that is known: it has the columns {found}; "
        f"supported are {SUPPORTED}"
    )


def recognise(header: Sequence[str], file: str) -> str:
    """The kind of export that has these columns.

    Raises `InputError` where it is none that is known, or columns are missing: all of them named.
    """
    kind = kind_of(header, file)
    keys = frozenset(map(key, header))
    missing = cur.missing(keys) if kind == CUR else focus.missing(keys)
    if missing:
        raise InputError(f"{file} looks like {kind}, but lacks {', '.join(missing)}")
    counted = Counter(map(key, header))
    known = cur.FIGURES if kind == CUR else [field.name for field in FOCUS]
    twice = {key(name) for name in known if counted[key(name)] > 1}
    if twice:
        found = ", ".join(name for name in header if key(name) in twice)
        raise InputError(f"{file} has columns twice ({found}): leave out those that do not count")
    return kind


def check_one_kind(kinds: Mapping[str, str]) -> None:
    """Raise `InputError` where kinds, each with one of its files, are of different terms."""
    others = [kind for kind in kinds if kind != CUR]
    if CUR in kinds and others:
        raise InputError(
            f"{kinds[CUR]} is {CUR} and {kinds[others[0]]} is {others[0]}: the same charges may be "
            "in both; load one export at a time, each under its own --export"
        )
