"""Figures over a span, against sums by hand."""

import pytest

from gristmill.manager.ledger.workers import leave, register
from gristmill.manager.statistics.figures import used
from gristmill.manager.worker.identity import this_process
from tests.support.ledgers import Bench


def test_the_use_of_slots_is_of_those_that_were_there(bench: Bench) -> None:
    start = bench.clock.now
    me = this_process()
    with bench.tx() as tx:
        assert used(tx, start) is None
        register(tx, me, slots=4, cores=4, memory=10**12, queues=())
    bench.submit()
    (first,) = bench.claim(me.id)
    bench.clock.forward(10)
    bench.end(first)
    bench.submit()
    bench.submit("elsewhere", on="cluster:dev")
    claimed = {run.job: run for run in bench.claim(me.id)}
    bench.clock.forward(20)
    bench.end(claimed["word-count"])
    with bench.tx() as tx:
        # 10 s and 20 s on this machine; the run on EMR takes no slot.
        assert used(tx, start) == pytest.approx(30 / (4 * 30))
        # The first five seconds are before it.
        assert used(tx, start + 5) == pytest.approx(25 / (4 * 25))
        leave(tx, me.id)
    bench.clock.forward(1000)
    with bench.tx() as tx:
        # It was gone by then, and counts no more.
        assert used(tx, start) == pytest.approx(30 / (4 * 30))
        assert used(tx, start + 500) is None
