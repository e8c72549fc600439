"""Any sequence of runs, crashes, recoveries and expiries, against a model of plain lists.

Runs take turns in one process, so that every order of their steps can come up. A crash is an
exception that nothing catches; the run's lease stays, as that of a run elsewhere would.
"""

import dataclasses
import itertools
import json
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from gristmill import failpoints as faults
from gristmill.errors import BusyError, InputError, LeaseLostError
from gristmill.publish import layout, lease
from gristmill.publish.lease import Heartbeat
from gristmill.publish.publication import Publication
from gristmill.publish.settle import recover
from gristmill.storage.local import LocalStorage
from tests.crash.matrix import State, expected
from tests.support.publishing import (
    REFUSED,
    SALES,
    STOCK,
    Time,
    Work,
    begin,
    commit,
    publication,
    stage,
    stored,
    wrong,
)


class CrashError(BaseException):
    """The end of a run's process."""


@dataclasses.dataclass(eq=False)
class Attempt:
    """A run, as the model sees it."""

    id: str
    work: Work
    publishing: Publication
    expires: object
    dataset: str
    staged: bool = False
    doomed: bool = False


shops = st.sampled_from(["x", "y"])
counter = itertools.count()


@st.composite
def works(draw: st.DrawFn) -> Work:
    schema = draw(st.sampled_from([STOCK, SALES]))
    rows = [(f"i{next(counter)}", draw(shops)) for _ in range(draw(st.integers(0, 3)))]
    refused = [(f"r{next(counter)}", draw(shops)) for _ in range(draw(st.integers(0, 1)))]
    scope = tuple(draw(st.sets(shops, max_size=1))) if schema is STOCK else ()
    number = draw(st.integers(0, 2))
    batch = f"{schema.name}{number}"
    files = tuple(draw(st.sets(st.sampled_from("fgh"), max_size=3)))
    name = None if number else batch
    job = f"{schema.name}-keeping"
    return Work({schema: rows, REFUSED: refused}, batch, scope, files, name, job)


class Mill(RuleBasedStateMachine):
    """An output root, the runs on it, and what it ought to hold."""

    attempts = Bundle("attempts")
    table_format = "parquet"

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.storage = LocalStorage(str(self.folder))
        self.clock = Time()
        self.names = (f"{number:04d}" for number in itertools.count())
        # By dataset and batch; those of a dataset that is replaced by partition have one batch.
        self.rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
        # What was loaded of the datasets that are replaced by batch; and the same of those names
        # whose files have come with another batch since.
        self.loaded: dict[tuple[str, str], Work] = {}
        self.superseded: dict[tuple[str, str], Work] = {}
        self.holds: dict[str, Attempt] = {}
        self.crashed: dict[str, Attempt] = {}
        self.late: set[str] = set()

    def teardown(self) -> None:
        faults.at = None
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # The model

    def state(self) -> State:
        found: State = {schema.name: [] for schema in (STOCK, SALES, REFUSED)}
        for (name, _), rows in self.rows.items():
            found[name] = sorted(found[name] + rows)
        return found

    def others(self, dataset: str, work: Work) -> list[Work]:
        """What the same job has loaded as other batches."""
        found = [other for (name, _), other in self.loaded.items() if name == dataset]
        return [other for other in found if other.job == work.job and other.batch != work.batch]

    def covered(self, dataset: str, work: Work) -> list[str]:
        """The other batches all of whose files are those of `work`, now or before."""
        files = self.files(dataset, work)
        return [it.batch for it in self.others(dataset, work) if it.files and files >= {*it.files}]

    def files(self, dataset: str, work: Work) -> set[str]:
        key = dataset, work.batch
        before = self.loaded.get(key, self.superseded.get(key))
        return {*work.files, *(before.files if before else ())}

    def overlaps(self, work: Work) -> bool:
        """Whether `work` shares files, now or before, with a batch that it does not cover."""
        if SALES not in work.rows:
            return False
        files = self.files(SALES.name, work)
        left = [it for it in self.others(SALES.name, work) if files & set(it.files)]
        return any(it.batch not in self.covered(SALES.name, work) for it in left)

    def mine(self, work: Work) -> State:
        found: State = {}
        for name in (SALES.name, REFUSED.name):
            batches = [work.batch, *self.covered(name, work)]
            found[name] = [row for batch in batches for row in self.rows.get((name, batch), [])]
        return found

    def take_up(self, attempt: Attempt) -> None:
        after = expected(self.state(), self.mine(attempt.work), attempt.work)
        for schema, rows in attempt.work.rows.items():
            if schema.write_mode == "batch":
                for batch in self.covered(schema.name, attempt.work):
                    key = schema.name, batch
                    self.rows.pop(key)
                    other = self.loaded.pop(key)
                    if other.name is not None:
                        self.superseded[key] = other
                key = schema.name, attempt.work.batch
                self.rows[key] = list(rows)
                self.loaded[key] = attempt.work
                self.superseded.pop(key, None)
            else:
                self.rows[schema.name, ""] = after[schema.name]
        self.holds.pop(attempt.dataset, None)

    def has_committed(self, attempt: Attempt) -> bool:
        entries = [json.loads(path.read_text()) for path in (self.folder / layout.LOG).glob("0*")]
        return any(e["kind"] == "publish" and e["origin"]["run"] == attempt.id for e in entries)

    def expired(self, attempt: Attempt) -> bool:
        return self.clock.now >= attempt.expires  # type: ignore[operator]

    def bury(self, *, dead_only: bool = True) -> None:
        """What a recovery does: all whose lease ran out are finished, one way or the other."""
        for attempt in [*self.holds.values(), *self.crashed.values()]:
            if dead_only and not self.expired(attempt):
                continue
            attempt.doomed = True
            self.holds.pop(attempt.dataset, None)
        for name, attempt in list(self.crashed.items()):
            if self.expired(attempt):
                if self.has_committed(attempt):
                    self.take_up(attempt)
                del self.crashed[name]

    # What may happen

    @rule(target=attempts, work=works())
    def begins(self, work: Work) -> object:
        name = next(self.names)
        (dataset,) = [schema.name for schema in work.rows if schema is not REFUSED]
        kind = self.table_format
        publishing = publication(self.storage, name, work, self.clock, kind)
        self.bury()
        held = dataset in self.holds or dataset in self.crashed
        try:
            begin(publishing)
        except BusyError:
            assert held
            publishing.finish()
            return multiple()
        assert not held
        try:
            publishing.reads(work.files)
        except InputError:
            assert self.overlaps(work)
            assert not publishing.finish()
            return multiple()
        assert not self.overlaps(work)
        run = publishing._origin.run
        expires = self.clock.now + lease.EXPIRY
        attempt = Attempt(run, work, publishing, expires, dataset)
        self.holds[dataset] = attempt
        return attempt

    @rule(attempt=attempts)
    def stages(self, attempt: Attempt) -> None:
        if not attempt.staged:
            stage(self.storage, attempt.publishing, attempt.work)
            attempt.staged = True
            if attempt.doomed:
                # Nobody but itself looks there again for a day.
                self.late.add(f"left behind {attempt.id}")
                self.late |= {
                    f"stray {folder}/{file.path}"
                    for schema in attempt.work.rows
                    for folder in [attempt.publishing.folder(schema.name)]
                    for file in attempt.publishing.staged(schema.name)
                }

    @rule(attempt=attempts)
    def shows_life(self, attempt: Attempt) -> None:
        keeper = attempt.publishing._heartbeat
        assert keeper is not None
        assert keeper.renew() == (not attempt.doomed)
        if not attempt.doomed:
            attempt.expires = self.clock.now + lease.EXPIRY

    @rule(work=works())
    def runs(self, work: Work) -> None:
        attempt = self.begins(work)
        if isinstance(attempt, Attempt):
            self.commits(attempt)

    @rule(work=works(), at=st.integers(0, 40))
    def runs_and_crashes(self, work: Work, at: int) -> None:
        attempt = self.begins(work)
        if isinstance(attempt, Attempt):
            self.crashes(attempt, at)

    @rule(attempt=consumes(attempts))
    def commits(self, attempt: Attempt) -> None:
        self.stages(attempt)
        try:
            commit(attempt.publishing, attempt.work)
        except LeaseLostError:
            assert attempt.doomed
            assert not attempt.publishing.finish()
        else:
            assert not attempt.doomed
            self.take_up(attempt)

    @rule(attempt=consumes(attempts), at=st.integers(0, 40))
    def crashes(self, attempt: Attempt, at: int) -> None:
        self.stages(attempt)
        left = at

        def count(_name: str) -> None:
            nonlocal left
            if left == 0:
                raise CrashError
            left -= 1

        faults.at = count
        try:
            commit(attempt.publishing, attempt.work)
        except CrashError:
            if not attempt.doomed and not self.storage.is_file(layout.lease(attempt.id)):
                # It came to its end, but for an empty folder and what tends the log.
                self.take_up(attempt)
            elif not attempt.doomed:
                self.holds.pop(attempt.dataset, None)
                self.crashed[attempt.dataset] = attempt
        except LeaseLostError:
            assert attempt.doomed
        else:
            self.take_up(attempt)
        finally:
            faults.at = None

    @rule(attempt=consumes(attempts))
    def gives_up(self, attempt: Attempt) -> None:
        assert not attempt.publishing.finish()
        if self.holds.get(attempt.dataset) is attempt:
            del self.holds[attempt.dataset]

    @rule(seconds=st.sampled_from([1, 60, 119, 120, 300]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def recovers(self) -> None:
        recover(self.storage, "somebody", self.clock())
        self.bury()

    @rule(at=st.integers(0, 20))
    def recovers_and_crashes(self, at: int) -> None:
        left = at

        def count(_name: str) -> None:
            nonlocal left
            if left == 0:
                raise CrashError
            left -= 1

        faults.at = count
        try:
            recover(self.storage, "somebody", self.clock())
        except CrashError:
            # How far it came, the next recovery makes certain.
            faults.at = None
            recover(self.storage, "somebody", self.clock())
        finally:
            faults.at = None
        self.bury()

    # What must hold

    @invariant()
    def readers_find_what_they_should(self) -> None:
        if not hasattr(self, "folder"):
            return
        state = self.state()
        for schema in (STOCK, SALES, REFUSED):
            found = Counter(stored(self.storage, schema))
            pending = [a for a in self.crashed.values() if self.has_committed(a)]
            if not pending:
                assert found == Counter(state[schema.name])
                continue
            # A publish that was cut off: all that was there is, or all that will be, or both.
            old, new = state, state
            for attempt in pending:
                new = expected(new, self.mine(attempt.work), attempt.work)
            mixes = [Counter(old[schema.name]), Counter(new[schema.name])]
            if self.table_format == "iceberg":
                if len(pending) == 1:
                    assert found in mixes
            elif len(pending) == 1:
                assert any(mix <= found for mix in mixes)
            assert found <= mixes[0] | mixes[1]
        if not self.crashed and not self.holds:
            assert not set(wrong(self.storage)) - self.late


class IcebergMill(Mill):
    """The same of tables of Iceberg, whose readers never meet old and new together."""

    table_format = "iceberg"


@pytest.mark.parametrize(
    ("machine", "examples"),
    [
        (Mill, 80),
        (IcebergMill, 4),
        *(pytest.param(one, 150, marks=pytest.mark.thorough) for one in (Mill, IcebergMill)),
    ],
)
def test_any_sequence_leaves_what_the_model_says(
    monkeypatch: pytest.MonkeyPatch, machine: type[Mill], examples: int
) -> None:
    # Leases are renewed by the model alone.
    monkeypatch.setattr(
        Heartbeat,
        "start",
        lambda self: self._storage.create(layout.lease(self._lease.run), self._lease.encode()),
    )
    monkeypatch.setattr("os.fsync", lambda _file: None)
    machine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase("runTest").runTest()
