"""Places for tests: runs that end when they are told to, or at once, each started once a key."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.manager.ledger.claiming import Claimed
from gristmill.manager.places import Outcome
from gristmill.runs import Handle, State, Status


@dataclass
class FakePlace:
    """Runs go on until `ends` has their end. `trouble` is raised by the next call of that name."""

    poll_every: float = 0.0
    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    ends: dict[str, State] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    trouble: dict[str, BaseException] = field(default_factory=dict)
    at: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def _fail(self, name: str) -> None:
        if name in self.trouble:
            raise self.trouble[name]

    def start(self, run: Claimed) -> Handle:
        self._fail("start")
        if run.run_key not in self.started:
            self.started.append(run.run_key)
        return Handle("fake", "here", run.run_key)

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        self._fail("poll")
        return {one: Status(self.ends.get(one.id, State.RUNNING)) for one in handles}

    def cancel(self, handle: Handle) -> None:
        self.cancelled.append(handle.id)
        self.ends[handle.id] = State.CANCELLED

    def outcome(self, run: Claimed, handle: Handle, _status: Status) -> Outcome:
        self._fail("outcome")
        return self.outcomes.get(handle.id, Outcome(result={"rows": 1, "run": run.id}))

    def progress(self, _run: Claimed, handle: Handle) -> Mapping[str, Any] | None:
        return self.at.get(handle.id)

    def tail(self, _handle: Handle, _lines: int) -> Sequence[str]:
        return ()


class FolderPlace:
    """Runs are files in a folder, made once a key, that have ended after `seconds`: what outlives
    any worker. What `fails` says of a key ends badly."""

    poll_every = 0.05

    def __init__(
        self, folder: Path, seconds: float, fails: Callable[[str], bool] = lambda _key: False
    ) -> None:
        self._folder = folder
        self._seconds = seconds
        self._fails = fails

    def start(self, run: Claimed) -> Handle:
        path = self._folder / run.run_key
        try:
            with path.open("x") as file:
                file.write(f"{os.getpid()}\n")
        except FileExistsError:
            pass
        return Handle("folder", str(self._folder), run.run_key)

    def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
        return {handle: self._status(handle) for handle in handles}

    def _status(self, handle: Handle) -> Status:
        began = (Path(handle.target) / handle.id).stat().st_mtime
        if time.time() - began < self._seconds:
            return Status(State.RUNNING)
        return Status(State.FAILED if self._fails(handle.id) else State.SUCCEEDED)

    def cancel(self, handle: Handle) -> None:
        pass

    def outcome(self, _run: Claimed, handle: Handle, status: Status) -> Outcome:
        return Outcome("LOST_NODE", "as told") if status.state is State.FAILED else Outcome()

    def progress(self, _run: Claimed, _handle: Handle) -> Mapping[str, Any] | None:
        return None

    def tail(self, _handle: Handle, _lines: int) -> Sequence[str]:
        return ()
