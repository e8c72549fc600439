"""What a binding is asked, and what it answers."""

from dataclasses import dataclass
from typing import Protocol

from gristmill.workflow.definition.resources import Resource
from gristmill.workflow.values import Json


@dataclass(frozen=True)
class Call:
    """One try of a task. `key` names it for good: a binding that is asked the same again, after a
    crash, does it once. `execution` is the ARN of the execution, `token` what may come back."""

    key: str
    resource: Resource
    arguments: Json
    token: str = ""
    execution: str = ""
    role: str | None = None


@dataclass(frozen=True)
class Done:
    """It was done, with a result."""

    result: Json


@dataclass(frozen=True)
class Started:
    """It goes on elsewhere: `handle` finds it again, `told` is what the start answered."""

    handle: Json
    told: Json


class Binding(Protocol):
    """One or several integrations, done here. Failures are `StatesError`s.

    `is_idempotent` says whether a call that is repeated with its key has one effect.
    """

    is_idempotent: bool

    def start(self, call: Call) -> Done | Started:
        """Do it, or have it begun."""

    def poll(self, call: Call, handle: Json) -> Done | None:
        """What came of it; None while it goes on."""

    def stop(self, call: Call, handle: Json) -> None:
        """It is no longer wanted."""


class Answering:
    """A binding whose answer is its end."""

    is_idempotent = True

    def poll(self, call: Call, handle: Json) -> Done | None:
        """Never asked."""
        raise NotImplementedError(call.resource.text)

    def stop(self, call: Call, handle: Json) -> None:
        """There is nothing to be stopped."""
