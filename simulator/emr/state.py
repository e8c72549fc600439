"""A cluster and its steps, and how they go from state to state."""

import json
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.errors import InvalidRequest, ValidationError
from simulator.releases import Release
from simulator.runs import Run

if TYPE_CHECKING:
    from simulator.emr.lifecycle import Lifecycle

T = TypeVar("T")

_PAGE = 50
_ALPHABET = string.ascii_uppercase + string.digits

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
"""The states in which a cluster takes steps."""
UNFINISHED = ("PENDING", "CANCEL_PENDING", "RUNNING")
"""The states from which a step goes on."""


def new_id(prefix: str, length: int = 13) -> str:
    """An id as EMR makes them: `j-2AXXXXXXGAPLF`."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class Step:
    """A step: as it was asked for (`config` is its HadoopJarStep), and as it stands.

    Times are epochs.
    """

    id: str
    name: str
    config: dict[str, Any]
    action: str
    role: str
    created: float
    state: str = "PENDING"
    started: float | None = None
    ended: float | None = None
    changed: float = 0.0
    """When it was asked to cancel."""
    force: bool = False
    run: Run | None = None
    failure: dict[str, str] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether its state is its last."""
        return self.state not in UNFINISHED


@dataclass
class Collection:
    """An instance group or fleet: its id, as it was asked for, and its instances."""

    id: str
    role: str
    request: dict[str, Any]
    instances: list["Instance"] = field(default_factory=list)


@dataclass(frozen=True)
class Instance:
    """A machine of a cluster."""

    id: str
    ec2_id: str
    market: str
    type: str
    number: int


@dataclass
class Cluster:
    """A cluster: the request that made it, and how it stands. Times are epochs."""

    id: str
    request: dict[str, Any]
    release: Release
    collections: list[Collection]
    has_runtime_roles: bool
    created: float
    tags: dict[str, str]
    keeps_alive: bool
    is_protected: bool
    concurrency: int
    scaling: dict[str, Any] | None
    idle_timeout: int | None
    state: str = "STARTING"
    reason: tuple[str, str] = ("", "")
    ready: float | None = None
    ended: float | None = None
    changed: float = 0.0
    """When it came into its state."""
    steps: list[Step] = field(default_factory=list)
    applications: int = 0
    """How many applications YARN was given so far."""

    @property
    def log_home(self) -> str | None:
        """Where its logs are, if anywhere."""
        home = self.request.get("LogUri")
        return f"s3://{home.partition('://')[2].rstrip('/')}/{self.id}" if home else None

    @property
    def unfinished(self) -> list[Step]:
        """The steps that go on."""
        return [step for step in self.steps if not step.is_finished]

    def step(self, step_id: str) -> Step:
        """One of its steps. Raises `InvalidRequest`."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise InvalidRequest(f"Step id '{step_id}' is not valid.")

    def enter(self, state: str, now: float, message: str = "", code: str = "") -> None:
        """Come into a state. EMR gives a code where it is about to end, and only then."""
        self.state, self.changed = state, now
        if message:
            self.reason = (code, message)


@dataclass
class Account:
    """All that an account has in EMR, in one region."""

    region: str
    lifecycle: "Lifecycle"
    clusters: dict[str, Cluster] = field(default_factory=dict)
    security: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Security configurations by name: the JSON text, and since when."""
    pages: dict[str, int] = field(default_factory=dict)
    """Persistent application UIs by id: how often a URL was asked for."""

    def cluster(self, cluster_id: str) -> Cluster:
        """A cluster. Raises `InvalidRequest`."""
        if cluster_id not in self.clusters:
            raise InvalidRequest(f"Cluster id '{cluster_id}' is not valid.")
        return self.clusters[cluster_id]

    def job_flow(self, cluster_id: str) -> Cluster:
        """A cluster, for the older operations: they say otherwise that there is none."""
        if cluster_id not in self.clusters:
            raise ValidationError("Specified job flow ID does not exist.")
        return self.clusters[cluster_id]

    def has_runtime_roles(self, name: str | None) -> bool:
        """Whether the security configuration `name` gives each step a role of its own.

        Raises `ValidationError` where there is none of that name.
        """
        if name is None:
            return False
        if name not in self.security:
            raise ValidationError(f"Security configuration '{name}' does not exist.")
        given = json.loads(self.security[name][0])
        iam = given.get("AuthorizationConfiguration", {}).get("IAMConfiguration", {})
        return bool(iam.get("EnableApplicationScopedIAMRole", False))


def page(
    found: Sequence[T], asked: Mapping[str, Any], name: Callable[[T], str]
) -> tuple[Sequence[T], dict[str, str]]:
    """The page that `asked` is for, and the marker of the next one where there is one.

    A marker is the name of a page's last item: what is new meanwhile moves no page.
    """
    start = 0
    if "Marker" in asked:
        names = [name(item) for item in found]
        if asked["Marker"] not in names:
            raise InvalidRequest(f"Marker '{asked['Marker']}' is not valid.")
        start = names.index(asked["Marker"]) + 1
    shown = found[start : start + _PAGE]
    return shown, {"Marker": name(shown[-1])} if len(found) > start + _PAGE else {}
