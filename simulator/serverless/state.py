"""What an account has in EMR Serverless: applications and their job runs, as they stand."""

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from simulator.errors import Conflict, NotFound, ValidationError
from simulator.releases import Release
from simulator.runs import Run

T = TypeVar("T")
Parameters = dict[str, Any]

ACCOUNT = "123456789012"
"""The account that everything belongs to."""
FINAL = ("SUCCESS", "FAILED", "CANCELLED")
"""The states in which a job run stays. CANCELLING is none of them."""

_ALPHABET = string.ascii_lowercase + string.digits
_PAGE = 50


def new_id() -> str:
    """An id as EMR Serverless makes them: `00fabcdefgh0123k`."""
    return "00" + "".join(secrets.choice(_ALPHABET) for _ in range(14))


@dataclass
class JobRun:
    """A job run: as it was asked for, and as it stands. Times are epochs."""

    id: str
    arn: str
    request: Parameters
    release: Release
    created: float
    changed: float
    tags: dict[str, str]
    state: str = "SUBMITTED"
    details: str = ""
    attempt: int = 1
    started: float | None = None
    ended: float | None = None
    run: Run | None = None

    @property
    def is_final(self) -> bool:
        """Whether its state is its last."""
        return self.state in FINAL

    @property
    def is_at_work(self) -> bool:
        """Whether it takes one of its application's places."""
        return self.state in {"PENDING", "SCHEDULED", "RUNNING", "CANCELLING"}

    def enter(self, state: str, now: float, details: str = "") -> None:
        """Come into a state."""
        self.state, self.changed, self.details = state, now, details
        if self.is_final:
            self.ended = now


@dataclass
class Application:
    """An application: as it was asked for and updated, and as it stands. Times are epochs."""

    id: str
    arn: str
    request: Parameters
    created: float
    changed: float
    tags: dict[str, str]
    state: str = "CREATING"
    runs: dict[str, JobRun] = field(default_factory=dict)

    def job_run(self, run_id: str) -> JobRun:
        """One of its job runs. Raises `NotFound`."""
        if run_id not in self.runs:
            raise NotFound(f"Job run {run_id} does not exist")
        return self.runs[run_id]

    def enter(self, state: str, now: float) -> None:
        """Come into a state."""
        self.state, self.changed = state, now


class Tokens:
    """The client tokens that were seen: a request that comes again makes nothing new."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[Parameters, str]] = {}

    def known(self, place: str, asked: Parameters) -> str | None:
        """What the same request made before, if it did. Raises `Conflict` where it was another."""
        found = self._seen.get((place, asked["clientToken"]))
        if found is None:
            return None
        if found[0] != asked:
            raise Conflict(
                f"Client token {asked['clientToken']} was used with other parameters before."
            )
        return found[1]

    def note(self, place: str, asked: Parameters, made: str) -> None:
        """Remember what a request made."""
        self._seen[place, asked["clientToken"]] = asked, made


@dataclass
class Account:
    """All that an account has in EMR Serverless, in one region."""

    region: str
    applications: dict[str, Application] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)

    def application(self, application_id: str) -> Application:
        """An application. Raises `NotFound`."""
        if application_id not in self.applications:
            raise NotFound(f"Application {application_id} does not exist")
        return self.applications[application_id]

    def arn(self, *path: str) -> str:
        """The ARN of what is at a path."""
        return f"arn:aws:emr-serverless:{self.region}:{ACCOUNT}:/{'/'.join(path)}"


def page(
    found: Sequence[T], asked: Mapping[str, Any], name: Callable[[T], str]
) -> tuple[Sequence[T], dict[str, str]]:
    """The page that `asked` is for, and the token of the next one where there is one."""
    start = 0
    if "nextToken" in asked:
        names = [name(item) for item in found]
        if asked["nextToken"] not in names:
            raise ValidationError("Invalid nextToken.")
        start = names.index(asked["nextToken"]) + 1
    end = start + asked.get("maxResults", _PAGE)
    shown = found[start:end]
    return shown, {"nextToken": name(shown[-1])} if len(found) > end else {}
