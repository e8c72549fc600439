"""What workers do besides: by one of them at a time, so often, and not at all where nothing is."""

import sqlalchemy as sa

from gristmill.errors import GristmillError
from gristmill.manager.duties import Duties, _claim
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import apply
from gristmill.manager.ledger.tables import duties, rollups
from gristmill.manager.settings import Settings
from gristmill.manager.states import RunState
from gristmill.manager.worker.calls import Inline
from tests.support.ledgers import Bench


def take(bench: Bench, name: str = "x", every: float = 60.0) -> bool:
    with bench.tx() as tx:
        return _claim(tx, name, every)


def test_one_does_it_until_it_is_due_again(bench: Bench) -> None:
    assert take(bench)
    assert not take(bench)
    assert take(bench, "y")
    bench.clock.forward(60)
    assert take(bench)
    assert not take(bench)


def test_a_clock_that_was_put_back_does_not_keep_it_from_being_done(bench: Bench) -> None:
    assert take(bench)
    bench.clock.forward(-7200)
    assert take(bench)
    assert not take(bench)


def test_all_duties_are_done_and_idle_ones_write_nothing(bench: Bench) -> None:
    settings = {"alarms": {"a": {"rule": "failures > 0 in 1h"}}}
    bench.settings = Settings.model_validate(settings)
    with bench.tx() as tx:
        apply(tx, bench.settings)
    run = bench.submit().run
    bench.do(run, state=RunState.FAILED)
    bench.clock.forward(1)
    told: list[str] = []
    one = Duties(told.append, Inline())
    one(bench.ledger)
    with bench.tx() as tx:
        (row,) = tx.all(sa.select(rollups))
        claimed = {found["name"] for found in tx.all(sa.select(duties))}
    assert (row["runs"], row["failures"]) == (1, 1)
    assert claimed == {"alarms", "rollups"}
    assert told == []


def test_what_goes_wrong_with_one_keeps_no_other_back(bench: Bench) -> None:
    told: list[str] = []
    one = Duties(told.append, Inline())

    def wrong(_ledger: Ledger) -> None:
        raise GristmillError("no such queue")

    one._begin(bench.ledger, "inbox main", 1.0, wrong)
    one._begin(bench.ledger, "inbox main", 1.0, wrong)
    bench.clock.forward(1)
    one._begin(bench.ledger, "inbox main", 1.0, wrong)
    assert told == ["inbox main: no such queue"] * 2
