"""What a run would cost elsewhere: on each spec, with Graviton, with Spot."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from gristmill.emr.prices import Prices, vcpus
from gristmill.emr.specs import ClusterSpec, ServerlessSpec, Spec
from gristmill.emr.specs.cluster import Nodes, Task, architecture

# The Graviton that AWS sells beside a family, generation by generation
# (https://aws.amazon.com/ec2/instance-types/).
_GRAVITON = {
    **{f"{kind}5": f"{kind}6g" for kind in "cmr"},
    **{f"{kind}6{maker}": f"{kind}6g" for kind in "cmr" for maker in "ai"},
    **{f"{kind}7{maker}": f"{kind}7g" for kind in "cmr" for maker in "ai"},
}


@dataclass(frozen=True)
class Estimate:
    """What a run would cost on a spec, and take: `hours` of the clock, if it keeps all the
    processors busy. `graviton` and `spot` are the cost with those, None where that changes nothing
    or has no price. `note` says why there is no cost."""

    spec: str
    vcpus: int
    cost: Decimal | None
    hours: Decimal | None
    graviton: Decimal | None = None
    spot: Decimal | None = None
    note: str = ""


def compare(vcpu_hours: Decimal, specs: Iterable[Spec], prices: Prices) -> list[Estimate]:
    """What a run of so many vCPU hours would cost on each of `specs`, the cheapest first.

    A cluster is taken as its spec has it at its start, and without the minutes until it is ready.
    """
    found = [
        _on_cluster(vcpu_hours, spec, prices)
        if isinstance(spec, ClusterSpec)
        else _serverless(vcpu_hours, spec, prices)
        for spec in specs
    ]
    return sorted(found, key=lambda one: (one.cost is None, one.cost or 0, one.spec))


def _on_cluster(vcpu_hours: Decimal, spec: ClusterSpec, prices: Prices) -> Estimate:
    machines = _machines(spec)
    # Of all machines, the primary too: so the hours of a run were counted.
    number = sum(vcpus(kind) or 0 for _, kind, _ in machines)
    kinds = sorted({kind for _, kind, _ in machines if prices.of(kind, is_spot=False) is None})
    odd = sorted({kind for _, kind, _ in machines if vcpus(kind) is None})
    hourly = _hourly(machines, prices)
    if hourly is None or odd:
        why = f"no price of {', '.join(kinds)}" if kinds else f"no size of {', '.join(odd)}"
        return Estimate(spec.name, number, None, None, note=why)
    hours = vcpu_hours / number

    def cost(changed: list[tuple[str, str, bool]]) -> Decimal | None:
        price = _hourly(changed, prices)
        return None if price is None or changed == machines else price * hours

    return Estimate(
        spec.name,
        number,
        hourly * hours,
        hours,
        cost([(role, _graviton(kind), is_spot) for role, kind, is_spot in machines]),
        cost([(role, kind, is_spot or role == "task") for role, kind, is_spot in machines]),
    )


def _machines(spec: ClusterSpec) -> list[tuple[str, str, bool]]:
    """The role and type of each machine that a spec begins with, and whether it is Spot."""
    found: list[tuple[str, str, bool]] = []
    for role, nodes in spec.roles.items():
        kind = nodes.instance_types[0]
        weight = nodes.weights.get(kind, 1)
        for units, is_spot in _units(nodes):
            found += [(role, kind, is_spot)] * -(-units // weight)
    return found


def _units(nodes: Nodes) -> list[tuple[int, bool]]:
    if isinstance(nodes, Task):
        return [(nodes.on_demand, False), (nodes.spot, True)]
    return [(getattr(nodes, "count", 1), False)]


def _hourly(machines: Iterable[tuple[str, str, bool]], prices: Prices) -> Decimal | None:
    total = Decimal(0)
    for _, kind, is_spot in machines:
        price = prices.of(kind, is_spot=is_spot)
        if price is None:
            return None
        total += price
    return total


def _graviton(kind: str) -> str:
    family, _, size = kind.partition(".")
    if architecture(kind) == "arm64":
        return kind
    return f"{_GRAVITON.get(family, family)}.{size}"


def _serverless(vcpu_hours: Decimal, spec: ServerlessSpec, prices: Prices) -> Estimate:
    name, kind = spec.name, spec.architecture
    gib_per_vcpu = Decimal(spec.executor.memory_gib) / spec.executor.vcpu

    def cost(of: str) -> Decimal | None:
        table = prices.serverless.get(of)
        if table is None:
            return None
        return vcpu_hours * (table.vcpu + gib_per_vcpu * table.memory)

    amount = cost(kind)
    if amount is None:
        return Estimate(name, 0, None, None, note=f"no price of EMR Serverless on {kind}")
    return Estimate(name, 0, amount, None, cost("arm64") if kind == "x86_64" else None)
