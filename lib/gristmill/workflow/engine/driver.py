"""One execution from where it is to its end, or until somebody else is to go on with it."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gristmill.failpoints import point
from gristmill.workflow.bindings.calls import Binding, Call, Done, Started
from gristmill.workflow.definition.resources import Resource, resource_of
from gristmill.workflow.errors import PERMISSIONS, TASK_FAILED, StatesError
from gristmill.workflow.interpreter import children, failing, steps, tasks
from gristmill.workflow.interpreter.branch import Branch, Execution, Phase
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.interpreter.spool import Spool
from gristmill.workflow.values import Json

_POLL_FIRST, _POLL_LONGEST = 0.05, 5.0
_LONGEST_WAIT = 1.0


@dataclass(frozen=True)
class Answer:
    """What came back for a token: `kind` is success, failure, heartbeat or taken."""

    token: str
    kind: str
    output: Json = None
    error: str | None = None
    cause: str | None = None


class Store(Protocol):
    """Where an execution is written down."""

    def commit(self, run: Run) -> None:
        """Write down what is new, all or nothing; raises where another has taken it over."""

    @property
    def has_news(self) -> bool:
        """Whether something came in that was not asked for yet."""

    def answers(self, run: Run) -> list[Answer]:
        """What came back for its tokens since it was last asked."""

    def asked_to_stop(self, run: Run) -> tuple[str | None, str | None] | None:
        """The error and the cause, where somebody asks to stop it."""


class Bindings(Protocol):
    """What tasks are bound to, and where maps read and write."""

    def of(self, resource: Resource, state: str) -> Binding | None:
        """The binding of a resource, in a state of that name; None where there is none."""

    def read_items(self, asked: dict[str, Json], file: Path) -> Json:
        """Read the items of a map; gives them, or what names the file that they were put into."""

    def write_results(self, asked: dict[str, Json], results: Path, map_run: str) -> Json:
        """Write the results of a map, which are in a file; gives what the map's output is."""


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> float:
        """Seconds since 1970."""

    def wait(self, woken: threading.Event, seconds: float, *, is_busy: bool, most: float) -> None:
        """Wait until something happens, or some seconds (infinite: nothing is due), `most` at
        most of the machine's; `is_busy` where work is under way."""


@dataclass
class _Under:
    """A task under way."""

    call: Call
    binding: Binding
    handle: Json = None
    pause: float = _POLL_FIRST
    next_poll: float = 0.0


@dataclass
class Driver:
    """Drives one execution. `folder` is for what a map reads and writes."""

    run: Run
    store: Store
    bindings: Bindings
    pool: Executor
    clock: Clock
    folder: Path
    woken: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[Run], None] = lambda _run: None

    def __post_init__(self) -> None:
        self._futures: dict[int, tuple[str, Future[object]]] = {}
        self._under: dict[int, _Under] = {}
        self._has_more = False
        self._is_begun = False

    def drive(self) -> Execution:
        """To its end. Raises what the store raises where it was taken over."""
        while not self.run.is_over:
            self.tick()
            if not self.run.is_over:
                self.pause()
        return self.run.execution

    def tick(self) -> None:
        """One round: take what came in, move on, write it down, and only then do what follows."""
        self._is_begun = True
        self._take_in()
        self._has_more = steps.advance(self.run)
        point("a workflow is about to write")
        self.store.commit(self.run)
        self.tell(self.run)
        point("a workflow has written")
        self._dispatch()

    def tick_if_due(self) -> None:
        """One round, where there is something to do."""
        if not self._is_begun or self.has_news or self.seconds_left <= 0:
            self.tick()

    def pause(self) -> None:
        """Wait until there is something to do."""
        if self.has_news:
            return
        left = max(0.0, self.seconds_left)
        self.clock.wait(self.woken, left, is_busy=self.is_busy, most=_LONGEST_WAIT)
        self.woken.clear()

    @property
    def is_busy(self) -> bool:
        """Whether something is being done for it now."""
        return bool(self._futures)

    @property
    def has_news(self) -> bool:
        """Whether there is something to do at once."""
        is_answered = any(future.done() for _, future in self._futures.values())
        return self._has_more or is_answered or self.store.has_news

    @property
    def waits_for_others(self) -> bool:
        """Whether something is to come back that nobody here is asked for."""
        return any(
            branch.phase is Phase.CALLED
            and branch.id not in self._futures
            and branch.id not in self._under
            for branch in self.run.branches.values()
        )

    @property
    def seconds_left(self) -> float:
        """How long nothing is to be done by itself; infinite where nothing is due."""
        dues = [one.next_poll for key, one in self._under.items() if key not in self._futures]
        if self.run.next_due is not None:
            dues.append(self.run.next_due)
        return min(dues, default=float("inf")) - self.clock.now()

    # What comes in

    def _take_in(self) -> None:
        run = self.run
        asked = self.store.asked_to_stop(run)
        if asked is not None:
            steps.abort(run, *asked)
            return
        run.now = run.clock()
        for key, (name, future) in list(self._futures.items()):
            if future.done():
                del self._futures[key]
                self._came(key, name, future)
        for answer in self.store.answers(run):
            self._answered(answer)

    def _came(self, key: int, name: str, future: "Future[object]") -> None:
        branch = self.run.branches.get(key)
        under = self._under.get(key)
        if branch is None or branch.phase is not Phase.CALLED or name != branch.key:
            self._under.pop(key, None)
            return
        try:
            found = future.result()
        except StatesError as error:
            self._failed(branch, error)
            return
        if "resource" not in branch.work:
            self._map_done(branch, found)
        elif isinstance(found, Started) and under is not None:
            under.handle = branch.work["handle"] = found.handle
            under.next_poll = self.run.now
            if under.call.resource.pattern:
                tasks.submitted(self.run, branch, found.told)
        elif isinstance(found, Done):
            self._done(branch, found.result)
        elif under is not None:
            under.pause = min(_POLL_LONGEST, under.pause * 1.5)
            under.next_poll = self.run.now + under.pause

    def _done(self, branch: Branch, result: Json) -> None:
        resource = resource_of(branch.work["resource"])
        if resource.pattern == "waitForTaskToken":
            tasks.submitted(self.run, branch, result)
            self._under.pop(branch.id, None)
            return
        self._under.pop(branch.id, None)
        tasks.succeeded(self.run, branch, result)

    def _failed(self, branch: Branch, error: StatesError) -> None:
        self._under.pop(branch.id, None)
        if "resource" in branch.work:
            tasks.failed(self.run, branch, error)
        else:
            failing.fail_state(self.run, branch, self.run.state_of(branch), error)

    def _map_done(self, branch: Branch, found: object) -> None:
        with failing.dealt_with(self.run, branch):
            if "write" in branch.work:
                children.results_written(self.run, branch, found)
            else:
                children.items_read(self.run, branch, found)

    def _answered(self, answer: Answer) -> None:
        run = self.run
        branch = next(
            (
                one
                for one in run.branches.values()
                if one.phase is Phase.CALLED and one.work.get("token") == answer.token
            ),
            None,
        )
        if branch is None:
            return
        if answer.kind == "taken":
            tasks.started(run, branch, answer.output)
        elif answer.kind == "heartbeat":
            tasks.beat(run, branch)
        elif answer.kind == "success":
            self._stop(branch)
            tasks.succeeded(run, branch, answer.output)
        else:
            self._stop(branch)
            tasks.failed(run, branch, StatesError(answer.error or TASK_FAILED, answer.cause))

    # What goes out

    def _dispatch(self) -> None:
        run = self.run
        for branch in run.stopped:
            self._stop(branch)
        run.stopped.clear()
        calls, run.calls = run.calls, []
        for branch in calls:
            if branch.phase is Phase.CALLED and branch.id not in self._under:
                self._call(branch)
        now = self.clock.now()
        for key, one in list(self._under.items()):
            if key in self._futures or one.handle is None or one.next_poll > now:
                continue
            branch = run.branches[key]
            self._submit(branch, _polling(one))

    def _call(self, branch: Branch) -> None:
        if "resource" not in branch.work:
            self._map_io(branch)
            return
        resource = resource_of(branch.work["resource"])
        if resource.kind == "activity":
            return
        binding = self.bindings.of(resource, branch.state)
        if binding is None:
            text = f"nothing is bound to {resource.text} here"
            self._submit(branch, lambda: _raise(StatesError(PERMISSIONS, text)))
            return
        credentials = branch.work.get("role")
        call = Call(
            f"{self.run.execution.arn}/{branch.key}",
            resource,
            branch.work["arguments"],
            str(branch.work.get("token", "")),
            self.run.execution.arn,
            credentials,
        )
        handle = branch.work.get("handle")
        under = self._under[branch.id] = _Under(call, binding, handle)
        if handle is None and not branch.work.get("is_submitted"):
            self._submit(branch, lambda: binding.start(call))
        elif handle is None:
            del self._under[branch.id]
        else:
            under.next_poll = self.clock.now()

    def _map_io(self, branch: Branch) -> None:
        work = branch.work
        name = f"{branch.id}-{branch.visit}"
        if "write" in work:
            file = self.folder / f"{name}.results"
            Spool.write(file, children.results_for_writing(self.run, branch))
            asked, map_run = work["write"], str(work["map_run"])
            self._submit(branch, lambda: self.bindings.write_results(asked, file, map_run))
            return
        file = self.folder / f"{name}.items"
        self._submit(branch, lambda: self.bindings.read_items(work["read"], file))

    def _submit(self, branch: Branch, do: Callable[[], object]) -> None:
        future = self.pool.submit(_guarded, do)
        self._futures[branch.id] = (branch.key, future)
        future.add_done_callback(lambda _future: self.woken.set())

    def _stop(self, branch: Branch) -> None:
        under = self._under.pop(branch.id, None)
        self._futures.pop(branch.id, None)
        if under is None:
            return
        with contextlib.suppress(StatesError):
            under.binding.stop(under.call, under.handle)


def _polling(under: _Under) -> Callable[[], object]:
    return lambda: under.binding.poll(under.call, under.handle)


def _raise(error: StatesError) -> object:
    raise error


def _guarded(do: Callable[[], object]) -> object:
    """Do it; what goes wrong with it in another way is a failure of the task, too."""
    try:
        return do()
    except StatesError:
        raise
    except Exception as error:
        raise StatesError(TASK_FAILED, f"{type(error).__name__}: {error}") from error
