"""`gristmill stats`, `metrics`, `messages`, `ledger`: what the ledger tells as a whole."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gristmill.cli.manager.context import moment, opened, span, when
from gristmill.cli.show import Block, Table, blocks, show
from gristmill.cli.voice import tell
from gristmill.errors import ExitCode, OutputError
from gristmill.manager.notify.outbox import unsent
from gristmill.manager.statistics.figures import Figures, Spread, figures


@dataclass(frozen=True)
class Counted:
    """How many of each were written, or taken out."""

    counts: dict[str, int]


@dataclass(frozen=True)
class MessageLine:
    """A message that has not gone out: `due` is when it is tried next, None where it is not."""

    id: str
    sink: str
    event: str
    created: datetime | None
    due: datetime | None
    tries: int
    error: str


@dataclass(frozen=True)
class MessageList:
    """Messages that have not gone out, the oldest first."""

    messages: tuple[MessageLine, ...]


def stats(arguments: argparse.Namespace) -> int:
    """Show figures; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = figures(tx, tx.now - arguments.since.total_seconds())
    show(found, as_json=arguments.json)
    return ExitCode.DONE


def metrics(arguments: argparse.Namespace) -> int:
    """Serve metrics until Ctrl-C; gives the exit code."""
    from gristmill.manager.statistics.metrics import serve  # noqa: PLC0415

    with opened(arguments) as ledger:
        try:
            server = serve(ledger, arguments.host, arguments.port)
        except OSError as error:
            raise OutputError(
                f"cannot listen at port {arguments.port}: {error.strerror}"
            ) from error
        with server:
            tell(f"http://{arguments.host}:{server.server_port}/metrics, until Ctrl-C")
            server.serve_forever()
    return ExitCode.DONE


def list_messages(arguments: argparse.Namespace) -> int:
    """List messages that have not gone out; gives the exit code."""
    with opened(arguments) as ledger, ledger.look() as tx:
        found = unsent(tx)
    lines = tuple(
        MessageLine(
            row["id"],
            row["sink"],
            row["event"],
            moment(row["created"]),
            None if row["dead"] else moment(row["due"]),
            row["tries"],
            row["error"],
        )
        for row in found
    )
    show(MessageList(lines), as_json=arguments.json)
    return ExitCode.DONE


def export_ledger(arguments: argparse.Namespace) -> int:
    """Write the ledger as Parquet; gives the exit code."""
    from gristmill.manager.statistics.export import export  # noqa: PLC0415

    with opened(arguments) as ledger:
        counts = export(ledger, arguments.output)
    show(Counted(counts), as_json=arguments.json)
    return ExitCode.DONE


def prune_ledger(arguments: argparse.Namespace) -> int:
    """Take out what is old; gives the exit code."""
    from gristmill.manager.statistics.export import prune  # noqa: PLC0415
    from gristmill.manager.statistics.rollups import roll_up  # noqa: PLC0415

    with opened(arguments) as ledger:
        # Their hours stay, so they have to be summed up before.
        roll_up(ledger)
        counts = prune(ledger, time.time() - arguments.older_than.total_seconds())
    show(Counted(counts), as_json=arguments.json)
    return ExitCode.DONE


def _spread(found: Spread) -> str:
    return " / ".join(span(one) for one in (found.p50, found.p95, found.p99))


@blocks.register
def _(found: Figures) -> Iterable[Block]:
    rate = "" if found.failure_rate is None else f", {found.failure_rate:.1%} of them failed"
    yield f"{found.runs_an_hour:.1f} runs an hour in the last {span(found.seconds)}{rate}"
    oldest = f", the oldest for {span(found.oldest_wait)}" if found.oldest_wait is not None else ""
    yield f"{found.waiting:,} wait{oldest}; {found.in_flight:,} go on"
    use = "no workers" if found.use is None else f"{found.slots:,} slots, {found.use:.0%} taken"
    use += "" if found.used is None else f" ({found.used:.0%} over the span)"
    yield f"{use}; {found.dead_letters:,} dead letters"
    rows = [
        (
            one.job,
            one.queue,
            f"{one.runs:,}",
            f"{one.failed:,}",
            _spread(one.wait),
            _spread(one.took),
            f"{one.rows:,}",
            f"{one.cost:.2f}" if one.cost else "-",
        )
        for one in found.jobs
    ]
    heading = ("job", "queue", "runs", "failed", "waited p50/95/99", "took p50/95/99", "rows", "$")
    if rows:
        yield Table(heading, rows)
    causes = [(one.job, cause, f"{count:,}") for one in found.jobs for cause, count in one.causes]
    if causes:
        yield Table(("job", "failed for", "runs"), causes)


@blocks.register
def _(found: Counted) -> Iterable[Block]:
    return (f"{name}: {count:,}" for name, count in found.counts.items())


@blocks.register
def _(found: MessageList) -> Iterable[Block]:
    rows = [
        (
            one.sink,
            one.event,
            when(one.created),
            when(one.due) if one.due else "given up",
            str(one.tries),
            one.error[:60],
        )
        for one in found.messages
    ]
    heading = ("to", "event", "since", "next try", "tries", "error")
    yield Table(heading, rows) if rows else "all messages have gone out"
