"""Finding what does an operation: a function of its name, in one of a service's modules."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from botocore import xform_name

from simulator.errors import ApiError


def call(
    modules: Sequence[ModuleType], operation: str, account: object, asked: dict[str, Any]
) -> dict[str, Any]:
    """Do an operation, named as AWS does: ListSteps is `list_steps`. Raises `ApiError`."""
    for module in modules:
        found = getattr(module, xform_name(operation), None)
        if found:
            answer: dict[str, Any] = found(account, asked)
            return answer
    raise ApiError("NotImplementedException", f"{operation} is not simulated", 501)
