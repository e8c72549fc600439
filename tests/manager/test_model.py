"""Any sequence of what can happen leaves the ledger as a model of it in plain Python says.

The model works out each state anew from what runs depend on, and knows nothing of counters.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gristmill.errors import UsageError
from gristmill.manager.ledger import open_ledger, submitting
from gristmill.manager.ledger.acting import cancel, retry
from gristmill.manager.ledger.claiming import LEASE, Claimed
from gristmill.manager.ledger.tables import runs
from gristmill.manager.ledger.workers import WorkerIdentity, adopt
from gristmill.manager.states import RunState
from tests.support.ledgers import Bench, Clock, Databases

BAD = ("failed", "cancelled", "skipped")
FINAL = ("succeeded", *BAD)
ENDS = st.sampled_from([RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED])


@dataclass
class Model:
    """A run as the model has it: what it needs, and whether it waits however that ends."""

    state: str
    needs: dict[str, bool] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    children: list[str] = field(default_factory=list)


class Numbers:
    """Numbers in place of chance in the ids of runs: a sequence that is repeated is the same."""

    last = 0

    def token_hex(self, size: int) -> str:
        self.last += 1
        # Not in the order in which they were made.
        return f"{self.last * 0x9E3779B1 % 16 ** (2 * size):0{2 * size}x}"


class Ledgers(RuleBasedStateMachine):
    databases: Databases
    numbers: Numbers

    def __init__(self) -> None:
        super().__init__()
        self.numbers.last = 0
        self.bench = Bench(open_ledger(self.databases.url(), clock := Clock()), clock)
        self.model: dict[str, Model] = {}
        self.held: dict[str, Claimed] = {}
        self.fenced: list[Claimed] = []

    def teardown(self) -> None:
        self.bench.ledger.close()

    def settle(self) -> None:
        """Let everything follow from what has happened."""
        before = None
        while before != (before := [one.state for one in self.model.values()]):
            for run in self.model.values():
                if run.state == "blocked":
                    run.state = self.of_array(run) if run.children else self.of_needs(run)

    def of_array(self, run: Model) -> str:
        ends = [self.model[child].state for child in run.children]
        if any(end not in FINAL for end in ends):
            return "blocked"
        return next((bad for bad in BAD if bad in ends), "succeeded")

    def of_needs(self, run: Model) -> str:
        for name, any_end in run.needs.items():
            state = self.model[name].state
            if name not in run.met and state in BAD and not any_end:
                return "skipped"
            if state == "succeeded" or (any_end and state in FINAL):
                run.met.add(name)
        return "ready" if run.met >= set(run.needs) else "blocked"

    def pick(self, data: st.DataObject, *states: str) -> str | None:
        names = [
            name
            for name, run in self.model.items()
            if not states or (run.state in states and not run.children)
        ]
        return data.draw(st.sampled_from(names)) if names else None

    def some(self, data: st.DataObject) -> list[str]:
        names = list(self.model)
        return data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []

    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        after, anyway = self.some(data), self.some(data)
        needs = dict.fromkeys(anyway, True) | dict.fromkeys(after, False)
        run = self.bench.submit(after=tuple(after), after_any=tuple(anyway)).run
        self.model[run] = Model("blocked", needs)
        self.settle()

    @rule(data=st.data(), size=st.integers(1, 3), sequential=st.booleans(), pair=st.booleans())
    def submit_array(self, data: st.DataObject, size: int, sequential: bool, pair: bool) -> None:
        after = self.some(data)
        same = [name for name, run in self.model.items() if len(run.children) == size]
        other = data.draw(st.sampled_from(same)) if same and pair else None
        items = ("",) * size
        done = self.bench.submit(
            array=items, after=tuple(after), sequential=sequential, n_to_n=other
        )
        names = [f"{done.run}:{index}" for index in range(size)]
        for index, name in enumerate(names):
            needs = dict.fromkeys(after, False)
            needs |= {f"{other}:{index}": False} if other else {}
            needs |= {names[index - 1]: False} if sequential and index else {}
            self.model[name] = Model("blocked", needs)
        self.model[done.run] = Model("blocked", children=names)
        self.settle()

    @rule(most=st.integers(1, 3))
    def claim(self, most: int) -> None:
        for run in self.bench.claim(most=most):
            assert self.model[run.id].state == "ready"
            assert run.id not in self.held
            self.model[run.id].state = "starting"
            self.held[run.id] = run

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.held)))
        assert self.bench.start(self.held[name]) == set()
        self.model[name].state = "running"

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=ENDS)
    def end(self, data: st.DataObject, state: RunState) -> None:
        run = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        assert self.bench.end(run, state)
        self.model[run.id].state = state
        self.settle()

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        run = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        assert self.bench.end(run, RunState.READY, outcome="refused")
        self.model[run.id].state = "ready"

    @rule()
    def die(self) -> None:
        """The worker goes; another takes up what it held, and the first one is late."""
        self.bench.clock.forward(LEASE)
        with self.bench.tx() as tx:
            taken = adopt(tx, WorkerIdentity("other", "here", "b", 1, "0"), 100)
        assert {run.id for run in taken} == set(self.held)
        self.fenced += self.held.values()
        for run in taken:
            assert run.run_key == self.held[run.id].run_key
            self.held[run.id] = run

    @precondition(lambda self: self.fenced)
    @rule(state=ENDS)
    def come_late(self, state: RunState) -> None:
        late = self.fenced.pop()
        assert not self.bench.end(late, state)
        assert self.bench.start(late) == {late.id}

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = self.pick(data)
        assert name is not None
        with self.bench.tx() as tx:
            cancel(tx, name, "me")
        run = self.model[name]
        targets = run.children if run.state == "blocked" and run.children else [name]
        for one in targets:
            if self.model[one].state in ("blocked", "ready") and not self.model[one].children:
                self.model[one].state = "cancelled"
        self.settle()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        name = self.pick(data)
        assert name is not None
        run = self.model[name]
        again = [
            one
            for one in (run.children or [name])
            if self.model[one].state in ("failed", "cancelled")
        ]
        try:
            with self.bench.tx() as tx:
                assert sorted(retry(tx, name, "me")) == sorted(again)
        except UsageError:
            assert not again
            return
        for one in again:
            self.model[one].state = "ready"
        self.bring_back(again)
        self.settle()

    def bring_back(self, again: list[str]) -> None:
        """What was skipped waits again where nothing that it needs is at a bad end any more."""
        for name in again:
            for parent, run in self.model.items():
                if name in run.children and run.state in FINAL:
                    run.state = "blocked"
                    self.bring_back([parent])
            for other, run in self.model.items():
                is_needed = run.needs.get(name) is False and name not in run.met
                if run.state == "skipped" and is_needed and not self.is_hopeless(run):
                    run.state = "blocked"
                    self.bring_back([other])

    def is_hopeless(self, run: Model) -> bool:
        return any(
            self.model[name].state in BAD
            for name, any_end in run.needs.items()
            if not any_end and name not in run.met
        )

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        with self.bench.tx() as tx:
            rows = tx.all(sa.select(runs.c.id, runs.c.state, runs.c.deps_left))
        assert {row["id"]: row["state"] for row in rows} == {
            name: run.state for name, run in self.model.items()
        }


def run_machine(databases: Databases, examples: int, steps: int) -> None:
    numbers = Numbers()
    own = {"databases": databases, "numbers": numbers}
    machine: type[Ledgers] = type("OneLedger", (Ledgers,), own)
    told = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(submitting, "secrets", numbers)
        run_state_machine_as_test(machine, settings=told)


@pytest.mark.parametrize(
    ("examples", "steps"), [(12, 25), pytest.param(150, 60, marks=pytest.mark.thorough)]
)
def test_any_sequence_leaves_what_the_model_says(examples: int, steps: int) -> None:
    folder = Path(mkdtemp(prefix="gristmill-model-"))
    try:
        run_machine(Databases("sqlite", folder), examples, steps)
    finally:
        shutil.rmtree(folder)


@pytest.mark.thorough
def test_any_sequence_leaves_the_same_on_postgresql(postgresql_databases: Databases) -> None:
    run_machine(postgresql_databases, 40, 50)
