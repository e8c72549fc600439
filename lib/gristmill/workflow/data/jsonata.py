"""JSONata as Step Functions has it: version 2.0.6 without `$eval`, and six functions more.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html. What is different here:
numbers are those of Python (whole ones of any size), and an expression has five seconds and a depth
of 200 calls.
"""

import hashlib
import json
import math
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jsonata.functions import Functions
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from gristmill.workflow.values import Json, is_number

_TIME_MS, _DEPTH = 5000, 200
_KEPT = 1024
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_local = threading.local()


class ExpressionError(ValueError):
    """An expression is not written as one is, or failed."""


class UndefinedError(ExpressionError):
    """An expression gave nothing, or what is no JSON."""


def _partition(items: Json, size: Json) -> Json:
    if not isinstance(items, list):
        items = [items]
    step = int(size)
    return [items[at : at + step] for at in range(0, len(items), step)]


def _range(first: Json, last: Json, step: Json) -> Json:
    if step == 0:
        raise ExpressionError("$range: a step of 0 leads nowhere")
    count = math.floor((last - first) / step) + 1
    # A sequence: with one item in it, it is that item, as at AWS.
    return Utils.create_sequence_from_iter(first + at * step for at in range(max(0, count)))


def _hash(text: Json, name: Json = "SHA-1") -> Json:
    if name not in _HASHES:
        raise ExpressionError(f"$hash: there is no {name!r}; there are {', '.join(_HASHES)}")
    return hashlib.new(_HASHES[name], str(text).encode(), usedforsecurity=False).hexdigest()


def _random(seed: Json = None) -> Json:
    return (random.Random(seed) if is_number(seed) else random.Random()).random()  # noqa: S311


def _uuid() -> Json:
    return str(uuid.uuid4())


def _parse(text: Json) -> Json:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"$parse: {text!r} is no JSON") from error


def _no_eval(*_given: Json) -> Json:
    raise ExpressionError("Step Functions has no $eval")


_MORE: Mapping[str, Callable[..., Json]] = {
    "eval": _no_eval,
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": _uuid,
    "parse": _parse,
}


class _Bounds:
    """Ends an expression that takes too long, or calls itself too deep.

    The library's own bounds count each array in a function as one level that is never left.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._until = time.monotonic() + _TIME_MS / 1000

    def enter(self, *_told: Any) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ExpressionError(f"it calls itself too deep: over {_DEPTH} levels")
        self._check_time()

    def leave(self, *_told: Any) -> None:
        self._depth -= 1
        self._check_time()

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise ExpressionError(f"it took over {_TIME_MS / 1000:g} seconds")


class _Place:
    """A value to sort: it goes before another where the comparator says that the other is to go
    after it, so that what is alike stays in its order."""

    def __init__(self, value: Any, comparator: Any) -> None:
        self.value, self._comparator = value, comparator

    def __lt__(self, other: "_Place") -> bool:
        is_after = Functions.func_apply(self._comparator, [other.value, self.value])
        return is_after is not Utils.NULL_VALUE and bool(is_after)


class _Instead:
    """Functions that the library has, and has otherwise."""

    @staticmethod
    def sort(items: Any, comparator: Any) -> Any:
        if items is None or comparator is None:
            return Functions.sort(items, comparator)
        return [one.value for one in sorted(_Place(item, comparator) for item in items)]


def _function(call: Callable[..., Json]) -> Any:
    return Jsonata.JLambda(lambda *given: _in(call(*(_out(one) for one in given))))


def _compiled(text: str) -> Jsonata:
    # The library's parser and what it has read belong to one thread.
    kept: dict[str, Jsonata] = _local.__dict__.setdefault("kept", {})
    found = kept.get(text)
    if found is None:
        if len(kept) >= _KEPT:
            kept.clear()
        try:
            found = Jsonata(text)
        except Exception as error:  # the library's own faults, too, are those of the expression
            raise ExpressionError(_said(error)) from error
        found.set_output_convert_nulls(False)
        for name, call in _MORE.items():
            found.environment.bind(name, _function(call))
        found.environment.bind("sort", Jsonata.function("sort", "<af?:a>", _Instead, "sort"))
        kept[text] = found
    return found


def check(text: str) -> None:
    """See that an expression is one. Raises `ExpressionError`."""
    _compiled(text)


def evaluate(text: str, bindings: Mapping[str, Json], given: Json = None) -> Json:
    """What an expression gives, with `$name` for each binding; `given` is what `$` stands for, of
    which Step Functions has none.

    Raises `UndefinedError` where it gives nothing or a function, `ExpressionError` where it fails.
    """
    expression = _compiled(text)
    bounds = _Bounds()
    expression.environment.set_evaluate_entry_callback(bounds.enter)
    expression.environment.set_evaluate_exit_callback(bounds.leave)
    frame = {name: _in(value) for name, value in bindings.items()}
    try:
        found = expression.evaluate(None if given is None else _in(given), frame)
    except ExpressionError:
        raise
    except RecursionError as error:
        raise ExpressionError("it calls itself too deep") from error
    except Exception as error:  # what the library's own faults raise is the expression's, too
        raise ExpressionError(_said(error)) from error
    if found is None:
        raise UndefinedError("returned nothing (undefined).")
    if not _is_data(found):
        raise UndefinedError("returned an unsupported result type.")
    return _out(found)


def _is_data(value: Any) -> bool:
    """Whether it is a value, and no function."""
    return value is Utils.NULL_VALUE or isinstance(value, bool | int | float | str | list | dict)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _in(value: Json) -> Any:
    """JSON's null as the library has it, which takes None for nothing."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {name: _in(one) for name, one in value.items()}
    if isinstance(value, Utils.JList) or not isinstance(value, list):
        return value
    return [_in(one) for one in value]


def _out(value: Any) -> Json:
    # Inside what a transform has copied, null is None.
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {name: _out(one) for name, one in value.items() if one is None or _is_data(one)}
    if isinstance(value, Utils.RangeList):
        return [value[at] for at in range(len(value))]
    if isinstance(value, list):
        return [_out(one) for one in value if one is None or _is_data(one)]
    # Numbers are one kind there, and whole ones are written without a point.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value
