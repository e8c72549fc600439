"""`/metrics` for Prometheus: read out of the ledger at each scrape, and so right with any number of
workers."""

from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.claiming import LEASE
from gristmill.manager.ledger.looking import counts
from gristmill.manager.ledger.tables import rollups, workers
from gristmill.manager.statistics.figures import backlog, dead


class LedgerCollector(Collector):
    """The figures of a ledger, as Prometheus reads them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        with self._ledger.look() as tx:
            states = counts(tx)
            waiting, oldest = backlog(tx)
            dead_letters = dead(tx)
            living = tx.all(sa.select(workers).where(workers.c.state != "gone"))
            totals = tx.all(
                sa.select(
                    rollups.c.queue,
                    rollups.c.job,
                    rollups.c.cause,
                    sa.func.sum(rollups.c.runs).label("runs"),
                    sa.func.sum(rollups.c.rows).label("rows"),
                    sa.func.sum(rollups.c.cost).label("cost"),
                ).group_by(rollups.c.queue, rollups.c.job, rollups.c.cause)
            )
            now = tx.now
        found = GaugeMetricFamily(
            "gristmill_runs", "Runs by queue and state.", labels=["queue", "state"]
        )
        for (queue, state), count in sorted(states.items()):
            found.add_metric([queue, state], count)
        yield found
        yield GaugeMetricFamily("gristmill_backlog", "Runs that are ready and due.", waiting)
        text = "How long the oldest of them has waited."
        yield GaugeMetricFamily("gristmill_oldest_wait_seconds", text, oldest or 0.0)
        text = "Failed runs that nobody has looked at."
        yield GaugeMetricFamily("gristmill_dead_letters", text, dead_letters)
        alive = [row for row in living if now - row["beat"] < LEASE]
        yield GaugeMetricFamily("gristmill_workers", "Workers that are alive.", len(alive))
        slots = sum(row["slots"] for row in alive)
        yield GaugeMetricFamily("gristmill_worker_slots", "Slots of living workers.", slots)
        yield from _totals(totals)


def _totals(rows: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["queue", "job", "cause"]
    ended = CounterMetricFamily("gristmill_runs_ended", "Runs that ended, by hour.", labels=labels)
    made = CounterMetricFamily("gristmill_rows", "Rows that were published.", labels=labels)
    cost = CounterMetricFamily("gristmill_cost_dollars", "What runs cost.", labels=labels)
    for row in rows:
        of = [row["queue"], row["job"], row["cause"]]
        ended.add_metric(of, float(row["runs"]))
        made.add_metric(of, float(row["rows"]))
        cost.add_metric(of, float(row["cost"]))
    yield from (ended, made, cost)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Say nothing: it is asked every few seconds."""


def serve(ledger: Ledger, host: str, port: int) -> WSGIServer:
    """A server of `/metrics`, which is not started yet. Raises `OSError`."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector(ledger))
    return make_server(host, port, make_wsgi_app(registry), handler_class=_Quiet)
