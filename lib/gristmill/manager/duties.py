"""What has to be done besides runs, by any worker: one of them at a time, each so often."""

from collections.abc import Callable, Iterable, Iterator

import sqlalchemy as sa

from gristmill.errors import GristmillError
from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.database import UnreachableError
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.tables import duties
from gristmill.manager.notify.following import late
from gristmill.manager.notify.sending import send_all
from gristmill.manager.settings import Arrival, Settings
from gristmill.manager.start.arrivals import SeenFile, note, take_arrivals
from gristmill.manager.start.inboxes import take_events, take_requests
from gristmill.manager.start.places import look, write_list
from gristmill.manager.start.schedules import fire_due
from gristmill.manager.start.workflows import Workflows
from gristmill.manager.statistics.alarms import watch_alarms
from gristmill.manager.statistics.rollups import roll_up
from gristmill.manager.worker.calls import Calls

Tell = Callable[[str], None]


class Duties:
    """All duties. `calls` makes those that take long, so that a worker goes on meanwhile;
    `workflows` starts those that are due."""

    def __init__(
        self, tell: Tell, calls: Calls | None = None, workflows: Workflows | None = None
    ) -> None:
        self._tell = tell
        self._calls = calls or Calls()
        self._workflows = workflows
        self._busy: set[str] = set()

    def __call__(self, ledger: Ledger) -> None:
        """Begin what is due and nobody else does."""
        with ledger.look() as tx:
            settings = load_settings(tx)
            due = {row["name"]: row["due"] for row in tx.all(sa.select(duties))}
            now = tx.now
        for name, every, do in self._all(settings):
            waits = every and now < due.get(name, 0.0) <= now + every + 60.0
            if not waits and name not in self._busy:
                self._begin(ledger, name, every, do)

    def _begin(
        self, ledger: Ledger, name: str, every: float, do: Callable[[Ledger], object]
    ) -> None:
        if every:
            with ledger.begin() as tx:
                if not _claim(tx, name, every):
                    return
        self._busy.add(name)

        def call() -> None:
            try:
                do(ledger)
            except UnreachableError:
                pass  # it is due again
            except GristmillError as error:
                self._tell(f"{name}: {error}")
            finally:
                self._busy.discard(name)

        self._calls.make(call)

    def _all(self, settings: Settings) -> Iterator[tuple[str, float, Callable[[Ledger], object]]]:
        # Several may do these at once; they look first, and mostly find nothing to write.
        if settings.schedules:
            yield "schedules", 0.0, lambda ledger: fire_due(ledger, self._workflows)
        yield "outbox", 0.0, send_all
        if settings.notices:
            yield "late runs", 30.0, _tell_late
        if settings.arrivals:
            every = min(one.every for one in settings.arrivals.values())
            yield "arrivals", every, self._arrivals
        for name, inbox in settings.inboxes.items():
            yield f"inbox {name}", 1.0, self._inbox(name, inbox.sqs)
        for name, arrival in settings.arrivals.items():
            if arrival.sqs is not None:
                yield f"events {name}", 1.0, self._events(name)
                # An event may get lost: what is there shows it.
                yield f"listing {name}", 3600.0, self._listing(name)
        if settings.alarms:
            yield "alarms", 15.0, watch_alarms
        yield "rollups", 300.0, roll_up

    def _arrivals(self, ledger: Ledger) -> None:
        for batch in take_arrivals(ledger, _look_often, write_list, self._tell, self._workflows):
            went = f"to {batch.run}" if batch.run else f"to no run: {batch.reason}"
            self._tell(f"arrival {batch.arrival}: {len(batch.files):,} files, {batch.why}: {went}")

    def _listing(self, name: str) -> Callable[[Ledger], object]:
        def take(ledger: Ledger) -> None:
            with ledger.look() as tx:
                arrival = load_settings(tx).arrivals[name]
            seen = list(look(name, arrival))
            with ledger.begin() as tx:
                note(tx, name, seen)

        return take

    def _inbox(self, name: str, url: str) -> Callable[[Ledger], object]:
        def take(ledger: Ledger) -> None:
            from gristmill.emr.messages import Inbox  # noqa: PLC0415  it needs boto3

            take_requests(ledger, name, Inbox(url), self._tell)

        return take

    def _events(self, name: str) -> Callable[[Ledger], object]:
        def take(ledger: Ledger) -> None:
            from gristmill.emr.messages import Inbox  # noqa: PLC0415  it needs boto3

            with ledger.look() as tx:
                arrival = load_settings(tx).arrivals[name]
            take_events(ledger, name, arrival, Inbox(str(arrival.sqs)), self._tell)

        return take


def _claim(tx: Transaction, name: str, every: float) -> bool:
    """Whether this one is to do it now: nobody else does until it is due again."""
    added = tx.insert(duties).values(name=name, due=tx.now + every)
    # A clock that was put back must not keep it from being done.
    far = tx.now + every + 60.0
    mine = added.on_conflict_do_update(
        index_elements=["name"],
        set_={"due": tx.now + every},
        where=sa.or_(duties.c.due <= tx.now, duties.c.due > far),
    )
    return tx.one(mine.returning(duties.c.name)) is not None


def _look_often(name: str, arrival: Arrival) -> Iterable[SeenFile]:
    """What is there now; of what S3 tells of, nothing: that is listed once an hour."""
    return () if arrival.sqs is not None else look(name, arrival)


def _tell_late(ledger: Ledger) -> None:
    with ledger.begin() as tx:
        late(tx, load_settings(tx))
