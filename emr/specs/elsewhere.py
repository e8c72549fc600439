"""A spec with other machines first: where AWS has none of the first type, or none in a zone."""

import re
from typing import TypeVar

from gristmill.emr.specs.cluster import ClusterSpec, Nodes
from gristmill.emr.specs.load import Spec

T = TypeVar("T")
S = TypeVar("S", bound=Spec)

# The words of EMR's error codes (INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ, …_SPOT_NO_CAPACITY_…)
# and of its messages (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-troubleshoot-errors.html).
_CAPACITY = re.compile(
    r"insufficient.{0,20}capacity|no.{0,5}capacity|capacity.{0,40}(?:available|exceeded)"
    r"|INSTANCE_FLEET_TIMEOUT",
    re.IGNORECASE | re.DOTALL,
)


def elsewhere(spec: S, turns: int) -> S:
    """The spec with the next of its instance types and of its subnets first, `turns` times over.

    One of EMR Serverless stays as it is: it names neither machines nor, for itself, a zone.
    """
    if not isinstance(spec, ClusterSpec):
        return spec
    roles = {
        name: nodes.model_copy(update={"instance_types": _turned(nodes.instance_types, turns)})
        for name, nodes in spec.roles.items()
    }
    return spec.model_copy(update={**roles, "subnets": _turned(spec.subnets, turns)})


def is_short(reason: str) -> bool:
    """Whether what AWS says is that there are no such machines there, now."""
    return bool(_CAPACITY.search(reason))


def has_elsewhere(spec: Spec) -> bool:
    """Whether there is any other type or subnet to try."""

    def several(nodes: Nodes) -> bool:
        return len(nodes.instance_types) > 1

    if not isinstance(spec, ClusterSpec):
        return False
    return len(spec.subnets) > 1 or any(map(several, spec.roles.values()))


def _turned(items: tuple[T, ...], turns: int) -> tuple[T, ...]:
    if not items:
        return items
    first = turns % len(items)
    return items[first:] + items[:first]
