"""The screens: what each shows is a value of the commands, so that both tell the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gristmill.catalogue import known_jobs
from gristmill.cli.manager.detail import RunDetail
from gristmill.cli.manager.queues import QueueList
from gristmill.cli.manager.runs import RunLine
from gristmill.cli.manager.schedules import ScheduleList
from gristmill.cli.manager.worker import WorkerList
from gristmill.cli.output import datasets as datasets_of
from gristmill.cli.output import history
from gristmill.cli.peeking import bars, looked_at
from gristmill.cli.ui.overview import Overview
from gristmill.cli.ui.sharing import Shared
from gristmill.cli.ui.timeline import timeline
from gristmill.cli.workflow.looking import ExecutionDetail, ExecutionList
from gristmill.errors import InputError
from gristmill.manager.ledger import Ledger
from gristmill.manager.ledger.definitions import load_settings
from gristmill.manager.ledger.looking import Filter, dead_causes, last_event, listed
from gristmill.manager.ledger.looking import dead_letters as dead_letters_of
from gristmill.manager.ledger.tables import runs as run_table
from gristmill.manager.settings.running import LOCAL
from gristmill.manager.states import RunState
from gristmill.manager.statistics.figures import figures
from gristmill.outputs.asking import consistently
from gristmill.outputs.output import Output
from gristmill.outputs.output import open as open_datasets
from gristmill.pages.parts import Sheet
from gristmill.pages.report.page import page, sections
from gristmill.pages.report.quality import READS as QUALITY
from gristmill.pages.report.quality import quality
from gristmill.pages.report.reads import readable
from gristmill.workflow.drawing.status import status_of
from gristmill.workflow.drawing.svg import svg
from gristmill.workflow.engine import service
from gristmill.workflow.lint import machine_of

_PAGE = 50
_EVENTS = 500
_PUBLISHES = 200
_DAY, _FRESH = 86_400.0, 5.0
_SPANS = (1, 7, 30, 365)


@dataclass(frozen=True)
class Place:
    """What pages are made of: the ledger, outputs by number, how a page is drawn, and what takes
    long to make."""

    ledger: Ledger
    outputs: tuple[str, ...]
    draw: Callable[[Request, str, Mapping[str, Any]], Response]
    shared: Shared = field(default_factory=Shared)

    def output(self, request: Request) -> str:
        """The output that a request is about. Raises `InputError`."""
        number = int(request.path_params["number"])
        if number >= len(self.outputs):
            raise InputError(f"there is no output {number}")
        return self.outputs[number]


def overview(place: Place, request: Request) -> Response:
    """How it stands."""
    with place.ledger.look() as tx:
        found = Overview.of(tx)
    return place.draw(request, "overview.html", {"found": found})


def runs(place: Place, request: Request) -> Response:
    """Runs, by what they are, the newest first."""
    asked = request.query_params
    state = asked.get("state") or None
    if state is not None and state not in set(RunState):
        raise InputError(f"there is no state {state}")
    which = Filter(
        (RunState(state),) if state else (),
        asked.get("job") or None,
        asked.get("queue") or None,
        asked.get("parent") or None,
    )
    with place.ledger.look() as tx:
        found = listed(tx, which, _PAGE + 1)
        jobs = tx.all(sa.select(run_table.c.job).distinct().order_by(run_table.c.job).limit(200))
    shown = {
        "runs": tuple(map(RunLine.of, found[:_PAGE])),
        "more": len(found) > _PAGE,
        "states": [str(one) for one in RunState],
        "jobs": [row["job"] for row in jobs],
        "asked": {name: asked.get(name, "") for name in ("state", "job", "queue", "parent")},
    }
    return place.draw(request, "runs.html", shown)


def run(place: Place, request: Request) -> Response:
    """All of a run."""
    found = RunDetail.of(place.ledger, request.path_params["run"], lines=200)
    return place.draw(request, "run.html", {"run": found, "bars": timeline(found)})


def dead_letters(place: Place, request: Request) -> Response:
    """What has failed and waits to be looked at, by cause."""
    with place.ledger.look() as tx:
        causes = [
            (cause, count, tuple(map(RunLine.of, dead_letters_of(tx, cause, most=_PAGE))))
            for cause, count in dead_causes(tx).items()
        ]
    return place.draw(request, "dead.html", {"causes": causes})


def queues(place: Place, request: Request) -> Response:
    """Queues, the places that their runs go to, and workers."""
    with place.ledger.look() as tx:
        settings = load_settings(tx)
        named = [(name, settings.place(name)) for name in sorted({LOCAL, *settings.places})]
        found = {
            "queues": QueueList.of(tx).queues,
            "places": named,
            "workers": WorkerList.of(tx).workers,
        }
    return place.draw(request, "queues.html", found)


def schedules(place: Place, request: Request) -> Response:
    """Schedules, with their next times."""
    with place.ledger.look() as tx:
        found = ScheduleList.of(tx)
    return place.draw(request, "schedules.html", {"schedules": found.schedules})


def workflows(place: Place, request: Request) -> Response:
    """Executions of workflows."""
    status = request.query_params.get("status") or None
    with place.ledger.look() as tx:
        rows = service.listed(tx, None, status, _PAGE)
    return place.draw(
        request,
        "workflows.html",
        {"executions": ExecutionList.of(rows).executions, "status": status or ""},
    )


def workflow(place: Place, request: Request) -> Response:
    """All of an execution."""
    with place.ledger.look() as tx:
        found = ExecutionDetail.of(tx, request.path_params["execution"], with_events=True)
    left = max(0, len(found.events) - _EVENTS)
    shown = {"execution": found, "events": found.events[-_EVENTS:], "left": left}
    return place.draw(request, "workflow.html", shown)


def graph(place: Place, request: Request) -> Response:
    """An execution as a graph: a picture of its own, which no page's rules are loosened for."""
    with place.ledger.look() as tx:
        row = service.find(tx, request.path_params["execution"])
        machine = machine_of(service.machine_of(tx, row["machine"], row["revision"]).text)
        drawn = svg(machine, status_of(tx, row["arn"], machine), f"{row['name']} {row['status']}")
    return Response(drawn, media_type="image/svg+xml")


def statistics(place: Place, request: Request) -> Response:
    """What ended lately, by job, and what it cost."""
    asked = request.query_params.get("days", "1")
    if asked not in map(str, _SPANS):
        raise InputError(f"days: one of {', '.join(map(str, _SPANS))}, not {asked}")
    with place.ledger.look() as tx:
        version = (last_event(tx), tx.now // _FRESH)
        found = place.shared.of(
            ("statistics", asked), version, lambda: figures(tx, tx.now - int(asked) * _DAY)
        )
    shown = {"found": found, "spans": _SPANS, "days": int(asked)}
    return place.draw(request, "statistics.html", shown)


def submitting(place: Place, request: Request) -> Response:
    """A form for a run: of job definitions and of the jobs that are known here."""
    with place.ledger.look() as tx:
        settings = load_settings(tx)
    shown = {"jobs": sorted({*settings.jobs, *known_jobs()}), "queues": sorted(settings.all_queues)}
    return place.draw(request, "submit.html", shown)


def outputs(place: Place, request: Request) -> Response:
    """The outputs that were named when it was started."""
    found = []
    for number, name in enumerate(place.outputs):
        try:
            found.append((number, name, datasets_of(name).datasets, ""))
        except InputError as error:
            found.append((number, name, (), str(error)))
    return place.draw(request, "outputs.html", {"outputs": found})


def dataset(place: Place, request: Request) -> Response:
    """What a dataset is like, and what was published into it."""
    name = place.output(request)
    datasets = open_datasets(name)
    found = looked_at(datasets[request.path_params["dataset"]], 5)
    log = history(name, found.name, 20).publishes
    shown = {
        "output": name,
        "number": request.path_params["number"],
        "dataset": found,
        "log": log[::-1],
        "bars": bars,
        "rejected": _rejected(datasets) if found.name == "rejects" else (),
    }
    return place.draw(request, "dataset.html", shown)


def _rejected(found: Output) -> tuple[Sheet, ...]:
    """Rejects by reason, and examples of them."""
    names = readable(found, QUALITY)
    section = consistently(found, lambda ask: quality(ask, names, found, ()))
    if section is None:
        return ()
    return (*(replace(one.table, caption="Reasons") for one in section.charts), *section.sheets)


def report(place: Place, request: Request) -> Response:
    """The report of an output, which has its own rules."""
    name = place.output(request)
    found = history(name, None, _PUBLISHES)
    title = name.rstrip("/").rpartition("/")[2]

    def made() -> str:
        parts = sections(open_datasets(name), found.publishes)
        return page(title, parts, datetime.now(UTC))

    newest = found.entries[-1].number if found.entries else 0
    return HTMLResponse(place.shared.of(("report", name), newest, made))
