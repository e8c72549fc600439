"""An execution under way: its branches, what is new, and what expressions may refer to."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gristmill.workflow.definition.states import Machine, Map, Parallel, State
from gristmill.workflow.errors import StatesError
from gristmill.workflow.interpreter.branch import Branch, Event, Execution, Phase, Status
from gristmill.workflow.values import Json, timestamp


@dataclass(frozen=True)
class Limits:
    """What an execution may have. None for no bound. `payload` is in bytes, of each input and
    output. How many iterations of a Map without a bound of its own are under way at once."""

    payload: int | None = None
    events: int | None = None
    inline: int = 40
    distributed: int = 1000

    @staticmethod
    def of_aws() -> "Limits":
        """https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
        return Limits(payload=256 * 1024, events=25_000)


@dataclass
class Run:
    """An execution under way. `clock` tells seconds since 1970. `changed`, `dropped`, `events` and
    `kept` hold what is new since they were last emptied; `calls` the branches whose tasks are to
    be started. `finished` gives what branches have that are no longer in memory."""

    machine: Machine
    execution: Execution
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    is_express: bool = False
    branches: dict[int, Branch] = field(default_factory=dict)
    ready: deque[int] = field(default_factory=deque)
    calls: list[Branch] = field(default_factory=list)
    stopped: list[Branch] = field(default_factory=list)  # whose tasks are no longer wanted
    ended: deque[Branch] = field(default_factory=deque)  # that have come to an end, well or not
    events: list[Event] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    kept: dict[str, Json] = field(default_factory=dict)
    recall: Callable[[str], Json] = field(default=lambda _name: None)
    finished: Callable[[int], Iterator[Branch]] = field(default=lambda _parent: iter(()))
    children: dict[int, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.machines = dict(_machines(self.machine))
        self._timers: list[tuple[float, int]] = []
        self._known: dict[str, Json] = {}
        self.now = self.clock()

    # Branches

    def add(self, parent: Branch | None, index: int, machine: Machine, given: Json) -> Branch:
        """A new branch, at the start of a machine."""
        branch = Branch(self.execution.next_branch, None, index, machine.path, machine.start, given)
        self.execution.next_branch += 1
        if parent is not None:
            branch.parent = parent.id
            branch.is_quiet = parent.is_quiet
            branch.last_event = parent.last_event
            self.children.setdefault(parent.id, set()).add(branch.id)
        self.branches[branch.id] = branch
        self.changed.add(branch.id)
        self.ready.append(branch.id)
        return branch

    def take(self, branch: Branch) -> None:
        """A branch that was there before, read again."""
        self.branches[branch.id] = branch
        if branch.parent is not None:
            self.children.setdefault(branch.parent, set()).add(branch.id)
        if branch.phase is Phase.READY:
            self.ready.append(branch.id)
        elif branch.phase is Phase.CALLED:
            self.calls.append(branch)
        self.watch(branch)

    def children_of(self, branch: Branch) -> list[Branch]:
        """The branches of a Parallel or Map that are in memory, in their order."""
        found = [self.branches[one] for one in self.children.get(branch.id, ())]
        return sorted(found, key=lambda one: one.index)

    def all_children_of(self, branch: Branch) -> Iterator[Branch]:
        """All of them, also those that are not in memory, in no order."""
        here = frozenset(self.children.get(branch.id, ()))
        yield from [self.branches[one] for one in here]
        yield from (one for one in self.finished(branch.id) if one.id not in here)

    def drop_children(self, branch: Branch) -> None:
        """Forget the branches of a Parallel or Map, and theirs."""
        for one in self.all_children_of(branch):
            # What has come to a good end has dropped its own before.
            if one.phase is not Phase.DONE:
                self.drop_children(one)
            self.drop(one)
        self.children.pop(branch.id, None)

    def drop(self, branch: Branch) -> None:
        """Forget one."""
        self.dropped.add(branch.id)
        self.changed.discard(branch.id)
        self.branches.pop(branch.id, None)
        if branch.parent is not None:
            self.children.get(branch.parent, set()).discard(branch.id)

    def keep(self, name: str, value: Json) -> None:
        """Keep a value under a name until it is None."""
        self.kept[name] = value
        if value is None:
            self._known.pop(name, None)
        else:
            self._known[name] = value

    def known(self, name: str) -> Json:
        """What is kept under a name."""
        if name not in self._known:
            self._known[name] = self.recall(name)
        return self._known[name]

    def let_go(self, branch: Branch) -> None:
        """Take one out of memory, which has ended and is written down."""
        self.branches.pop(branch.id, None)
        if branch.parent is not None:
            self.children.get(branch.parent, set()).discard(branch.id)

    def touch(self, branch: Branch) -> None:
        """Note that a branch has changed."""
        self.changed.add(branch.id)

    # What it is at

    def machine_of(self, branch: Branch) -> Machine:
        """The machine that a branch is in."""
        return self.machines[branch.machine]

    def state_of(self, branch: Branch) -> State:
        """The state that a branch is in. Raises `StatesError` where there is none of that name."""
        states = self.machine_of(branch).states
        if branch.state not in states:
            raise StatesError("States.Runtime", f"there is no state {branch.state!r}")
        return states[branch.state]

    def variables_of(self, branch: Branch) -> dict[str, Json]:
        """The variables that a branch sees: its own, and those of what it is in. A distributed
        map's iterations see none of outside."""
        if branch.parent is None or (branch.is_quiet and branch.item is not None):
            return dict(branch.variables)
        return {**self.variables_of(self.branches[branch.parent]), **branch.variables}

    def context_of(self, branch: Branch) -> dict[str, Json]:
        """The context object, as a state of a branch sees it.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html.
        """
        execution = self.execution
        context: dict[str, Json] = {
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "StartTime": timestamp(execution.started),
                "Name": execution.name,
                "RoleArn": execution.role,
                "RedriveCount": execution.redrives,
            },
            "StateMachine": {"Id": execution.machine_arn, "Name": execution.machine_name},
            "State": {"Name": branch.state, "EnteredTime": timestamp(branch.entered)},
        }
        state = self.state_of(branch)
        if type(state).__name__ in {"Task", "Map", "Parallel"}:
            context["State"]["RetryCount"] = branch.retry_count
        if token := branch.work.get("token"):
            context["Task"] = {"Token": token}
        at: Branch | None = branch
        while at is not None:
            if at.item is not None:
                context["Map"] = {"Item": at.item}
                break
            at = None if at.parent is None else self.branches[at.parent]
        return context

    # What happens

    def event(self, branch: Branch, kind: str, previous: int | None = None, **details: Json) -> int:
        """Add an event; gives its id. By default it follows the branch's last."""
        if branch.is_quiet or self.is_express:
            return branch.last_event
        follows = branch.last_event if previous is None else previous
        one = Event(self.execution.next_event, kind, follows, self.now, details)
        self.execution.next_event += 1
        self.events.append(one)
        branch.last_event = one.id
        self.touch(branch)
        return one.id

    def watch(self, branch: Branch) -> None:
        """See to it that a branch is looked at when its times have come."""
        for due in (branch.wake, branch.deadline, branch.beat_due):
            if due is not None:
                heapq.heappush(self._timers, (due, branch.id))

    @property
    def next_due(self) -> float | None:
        """When the next time comes that something waits for."""
        while self._timers:
            due, one = self._timers[0]
            branch = self.branches.get(one)
            if branch is not None and due in {branch.wake, branch.deadline, branch.beat_due}:
                break
            heapq.heappop(self._timers)
        dues = [self._timers[0][0]] if self._timers else []
        dues += [self.execution.deadline] if self.execution.deadline is not None else []
        return min(dues, default=None)

    def due_branches(self) -> list[Branch]:
        """The branches for which a time has come, each once, in the order of their ids."""
        due: set[int] = set()
        while self._timers and self._timers[0][0] <= self.now:
            due.add(heapq.heappop(self._timers)[1])
        return [self.branches[one] for one in sorted(due) if one in self.branches]

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended."""
        return self.execution.status is not Status.RUNNING


def _machines(machine: Machine) -> Iterator[tuple[str, Machine]]:
    yield machine.path, machine
    for state in machine.states.values():
        inner: tuple[Machine | None, ...] = ()
        if isinstance(state, Parallel):
            inner = state.branches
        elif isinstance(state, Map):
            inner = (state.processor,)
        for one in inner:
            if one is not None:
                yield from _machines(one)
