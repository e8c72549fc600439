"""What runs are submitted to, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from gristmill.emr.aws import Aws
from gristmill.emr.package import Shipped
from gristmill.emr.requests import Request
from gristmill.emr.runners.steps import Ask
from gristmill.errors import UsageError
from gristmill.runs import Runner


class NotUpError(UsageError):
    """The cluster or the application is not there: it may be, later."""


Tell = Callable[[str], None]
Confirm = Callable[[str], bool]


class Target(ABC):
    """What a spec describes, as what runs go to. All that asks AWS raises `GristmillError`.

    `operation` is the name of the request that starts a run, and `placeholder` what stands in it
    for the id of what is not there yet.
    """

    operation: ClassVar[str]
    placeholder: ClassVar[str]

    @property
    def notes(self) -> Sequence[str]:
        """What is not wrong with it, and had better be known."""
        return ()

    @property
    def has_event_folder(self) -> bool:
        """Whether runs keep Spark's events in a folder that has to be there before."""
        return False

    @abstractmethod
    def find(self, aws: Aws, tell: Tell, *, with_requirements: bool) -> str:
        """The id of what is there, empty where it is made for each run.

        Raises `UsageError` where it is not there, or what is shipped could not run in it.
        """

    @abstractmethod
    def ask(self, shipped: Shipped, target: str) -> Ask:
        """What makes the request of a run on the target of an id."""

    @abstractmethod
    def runner(self, aws: Aws, ask: Ask, target: str) -> Runner:
        """What starts runs on the target of an id, and looks after them."""

    def logs(self, _aws: Aws, _target: str) -> str | None:
        """Where its logs go, if not where the spec says."""
        return None

    @abstractmethod
    def plan_up(self) -> Mapping[str, Request]:
        """The request that `up` would make, by its name."""

    @abstractmethod
    def up(self, aws: Aws, tell: Tell, *, update: bool) -> str:
        """Make it, if it is not there, or `update` it; gives its id once it takes runs."""

    @abstractmethod
    def down(self, aws: Aws, confirm: Confirm, tell: Tell, *, force: bool, delete: bool) -> str:
        """End it, or `delete` it; gives what has been done. Where runs go on there it asks by
        `confirm`, unless `force`. Raises `BusyError` where they are to go on."""

    def drift(self, _aws: Aws) -> Sequence[str]:
        """Where what is there is not what its spec says."""
        return ()
