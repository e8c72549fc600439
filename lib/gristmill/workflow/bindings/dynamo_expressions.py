"""The expressions of DynamoDB: conditions, and updates of an item.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html. Values are typed
as DynamoDB has them: `{"S": "text"}`, `{"N": "1"}`.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gristmill.workflow.values import Json

Item = dict[str, Any]
_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+\-\[\]]|\.|[#:]?[A-Za-z0-9_]+)")
_CLAUSES = {"SET", "REMOVE", "ADD", "DELETE"}
_TESTS = {
    *("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"),
}
_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}


class ExpressionError(ValueError):
    """An expression is wrong."""


class Expression:
    """Reads one expression. `names` stand for `#name`, `values` for `:value`."""

    def __init__(self, text: str, names: Mapping[str, str], values: Mapping[str, Json]) -> None:
        self.tokens = _tokens(text)
        self.names, self.values = names, values
        self.at = 0

    # Reading

    def peek(self) -> str:
        """The next token; empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        """The next token, which is passed. Raises `ExpressionError` where it is not the one."""
        token = self.peek()
        if not token or (wanted and token.upper() != wanted):
            raise ExpressionError(
                f"Syntax error: {token or 'the end'!r} where {wanted!r} should be"
            )
        self.at += 1
        return token

    def path(self) -> tuple[str | int, ...]:
        """A path, as `#a.b[0]`."""
        steps: list[str | int] = [self._name()]
        while self.peek() in {".", "["}:
            if self.take() == ".":
                steps.append(self._name())
            else:
                steps.append(int(self.take()))
                self.take("]")
        return tuple(steps)

    def _name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            if token not in self.names:
                raise ExpressionError(f"An expression attribute name used is not defined: {token}")
            return self.names[token]
        return token

    def _value(self, token: str) -> Json:
        if token not in self.values:
            raise ExpressionError(f"An expression attribute value used is not defined: {token}")
        return self.values[token]

    # Operands

    def operand(self, item: Item) -> Json:
        """The value of an operand; None where the path leads nowhere."""
        token = self.peek()
        if token.startswith(":"):
            return self._value(self.take())
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if following == "(":
            return self._function(item)
        return get(item, self.path())

    def _function(self, item: Item) -> Json:
        name = self.take()
        self.take("(")
        if name == "if_not_exists":
            found = get(item, self.path())
            self.take(",")
            other = self.operand(item)
            self.take(")")
            return other if found is None else found
        if name == "list_append":
            one = self.operand(item)
            self.take(",")
            other = self.operand(item)
            self.take(")")
            return {"L": [*one["L"], *other["L"]]}
        if name == "size":
            found = self.operand(item)
            self.take(")")
            return {"N": str(_size(found))}
        raise ExpressionError(f"Invalid function name; function: {name}")

    # Conditions

    def condition(self, item: Item) -> bool:
        """Whether an item fulfils it."""
        found = self._either(item)
        if self.peek():
            raise ExpressionError(f"Syntax error: {self.peek()!r} is too much")
        return found

    def _either(self, item: Item) -> bool:
        found = self._both(item)
        while self.peek().upper() == "OR":
            self.take()
            other = self._both(item)
            found = found or other
        return found

    def _both(self, item: Item) -> bool:
        found = self._one(item)
        while self.peek().upper() == "AND":
            self.take()
            other = self._one(item)
            found = found and other
        return found

    def _one(self, item: Item) -> bool:
        if self.peek().upper() == "NOT":
            self.take()
            return not self._one(item)
        if self.peek() == "(":
            self.take()
            found = self._either(item)
            self.take(")")
            return found
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if following == "(" and self.peek() != "size":
            return self._test(item)
        return self._comparison(item)

    def _test(self, item: Item) -> bool:
        name = self.take()
        if name not in _TESTS:
            raise ExpressionError(f"Invalid function name; function: {name}")
        self.take("(")
        path = self.path()
        found = get(item, path)
        other = None
        if self.peek() == ",":
            self.take()
            other = self.operand(item)
        self.take(")")
        if name == "attribute_exists":
            return found is not None
        if name == "attribute_not_exists":
            return found is None
        if found is None or other is None:
            return False
        if name == "attribute_type":
            return bool(next(iter(found)) == _plain(other))
        if name == "begins_with":
            return str(_plain(found)).startswith(str(_plain(other)))
        held = _plain(found)
        return _plain(other) in held if isinstance(held, list | str) else False

    def _comparison(self, item: Item) -> bool:
        one = self.operand(item)
        word = self.take().upper()
        if word == "BETWEEN":
            low = self.operand(item)
            self.take("AND")
            high = self.operand(item)
            return _compare(">=", one, low) and _compare("<=", one, high)
        if word == "IN":
            self.take("(")
            some = [self.operand(item)]
            while self.peek() == ",":
                self.take()
                some.append(self.operand(item))
            self.take(")")
            return any(_compare("=", one, other) for other in some)
        if word not in _COMPARISONS:
            raise ExpressionError(f"Syntax error: {word!r} is no comparison")
        return _compare(word, one, self.operand(item))

    # Updates

    def update(self, item: Item) -> tuple[Item, set[str]]:
        """An item as it is afterwards, and the names of the attributes that were changed."""
        after: Item = _copied(item)
        touched: set[str] = set()
        while self.peek():
            clause = self.take().upper()
            if clause not in _CLAUSES:
                raise ExpressionError(f"Syntax error: {clause!r} is no clause of an update")
            while True:
                path = self.path()
                touched.add(str(path[0]))
                self._apply(clause, path, item, after)
                if self.peek() != ",":
                    break
                self.take()
        return after, touched

    def _apply(self, clause: str, path: Sequence[str | int], item: Item, after: Item) -> None:
        if clause == "SET":
            self.take("=")
            _put(after, path, self._sum(item))
        elif clause == "REMOVE":
            _remove(after, path)
        else:
            given = self._value(self.take())
            _put(after, path, _added(get(item, path), given, clause))

    def _sum(self, item: Item) -> Json:
        value = self.operand(item)
        while self.peek() in {"+", "-"}:
            sign = 1 if self.take() == "+" else -1
            other = self.operand(item)
            if value is None or other is None or "N" not in value or "N" not in other:
                raise ExpressionError(
                    "An operand in the update expression has an incorrect data type"
                )
            value = {"N": _number(Decimal(value["N"]) + sign * Decimal(other["N"]))}
        if value is None:
            raise ExpressionError(
                "The provided expression refers to an attribute that does not exist in the item"
            )
        return value


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"Syntax error near {text[at : at + 20]!r}")
        found.append(match[1])
        at = match.end()
    return found


def get(item: Item, path: Sequence[str | int]) -> Json:
    """What is at a path of an item; None where nothing is."""
    value: Json = {"M": item}
    for step in path:
        held = value.get("L" if isinstance(step, int) else "M") if value else None
        if held is None:
            return None
        try:
            value = held[step]
        except (KeyError, IndexError):
            return None
    return value


def _holder(item: Item, path: Sequence[str | int]) -> Any:
    value: Json = {"M": item}
    for step in path[:-1]:
        value = get(value["M"], [step]) if "M" in value else value["L"][step]
        if value is None:
            raise ExpressionError(
                "The document path provided in the update expression is invalid for update"
            )
    return value["L"] if isinstance(path[-1], int) else value["M"]


def _put(item: Item, path: Sequence[str | int], value: Json) -> None:
    holder = _holder(item, path)
    last = path[-1]
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _remove(item: Item, path: Sequence[str | int]) -> None:
    if get(item, path) is not None:
        del _holder(item, path)[path[-1]]


def _added(found: Json, given: Json, clause: str) -> Json:
    kind = next(iter(given))
    if clause == "ADD" and kind == "N":
        return {"N": _number(Decimal((found or {"N": "0"})["N"]) + Decimal(given["N"]))}
    held = list((found or {}).get(kind, []))
    if clause == "ADD":
        return {kind: held + [one for one in given[kind] if one not in held]}
    return {kind: [one for one in held if one not in given[kind]]}


def _number(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _plain(value: Json) -> Any:
    kind, held = next(iter(value.items()))
    if kind == "N":
        return Decimal(held)
    if kind == "L":
        return [_plain(one) for one in held]
    return held


def _size(value: Json) -> int:
    if value is None:
        raise ExpressionError("there is nothing whose size could be told")
    held = next(iter(value.values()))
    return len(held)


def _compare(word: str, one: Json, other: Json) -> bool:
    if one is None or other is None:
        return word == "<>" and one is not other
    left, right = _plain(one), _plain(other)
    if next(iter(one)) != next(iter(other)):
        return word == "<>"
    if word in {"=", "<>"}:
        return bool(left == right) == (word == "=")
    return bool(
        {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[word]
    )
