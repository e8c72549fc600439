"""Whether IAM policies allow a call: IAM's logic, as far as our policies make use of it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

An element or an operator that it does not know is an error, never a yes or a no. Of what is on
PyPI nothing fits: moto's evaluator takes an Allow whose condition does not hold for a Deny and
passes over operators that it does not know; others assess policies without answering for a call.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]
_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
_ELEMENTS |= {"NotAction", "NotResource"}


@dataclass(frozen=True)
class Call:
    """A call as IAM sees it: `context` has the condition keys that come with it.

    `resource` is "*" for calls that are about no resource; `principal` is who calls, which counts
    for policies of a resource (a bucket's, or who may assume a role).
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)
    principal: str = ""


def is_allowed(policies: Iterable[Mapping[str, Any]], call: Call) -> bool:
    """Whether a statement allows the call and none denies it."""
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in policy["Statement"]
        if _is_about(statement, call)
    }
    if not effects <= {"Allow", "Deny"}:
        raise NotImplementedError(f"effects {effects}")
    return effects == {"Allow"}


def many(value: Any) -> list[Any]:
    """Where IAM takes one or a list of them: the list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` is any text, `?` any one character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _is_about(statement: Statement, call: Call) -> bool:
    if unknown := set(statement) - _ELEMENTS:
        raise NotImplementedError(f"elements {unknown}")
    return (
        _is_action(statement, call.action)
        and _is_resource(statement, call.resource)
        and _is_principal(statement, call.principal)
        and all(
            _holds(operator, key, many(values), call.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _is_action(statement: Statement, action: str) -> bool:
    listed = statement["NotAction"] if "NotAction" in statement else statement["Action"]
    found = any(matches(one.lower(), action.lower()) for one in many(listed))
    return found != ("NotAction" in statement)


def _is_resource(statement: Statement, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(matches(one, resource) for one in many(statement["NotResource"]))
    # Who may assume a role is said without: it is about that role.
    return any(matches(one, resource) for one in many(statement.get("Resource", "*")))


def _is_principal(statement: Statement, principal: str) -> bool:
    named = statement.get("Principal")
    if named is None or named == "*":
        return True
    if unknown := set(named) - {"AWS", "Service"}:
        raise NotImplementedError(f"principals {unknown}")
    return any(principal in many(names) for names in named.values())


def _holds(operator: str, key: str, wanted: Sequence[str], context: Mapping[str, str]) -> bool:
    operator, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    found = {name.lower(): value for name, value in context.items()}.get(key.lower())
    match operator:
        case "Null":
            return str(found is None).lower() in wanted
        case "StringEquals" | "StringNotEquals" | "Bool":
            same = found is not None and found in wanted
        case "StringLike" | "StringNotLike":
            same = found is not None and any(matches(one, found) for one in wanted)
        case "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike":
            same = found is not None and any(_is_arn_like(one, found) for one in wanted)
        case _:
            raise NotImplementedError(f"operator {operator}")
    # What is not there is not equal to anything.
    return (found is None and if_exists) or same != ("Not" in operator)


def _is_arn_like(pattern: str, value: str) -> bool:
    """Part by part, so that a wildcard does not reach over a colon of the first five."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(matches, patterns, values))
