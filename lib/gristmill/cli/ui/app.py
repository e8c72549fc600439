"""The web page: screens, actions, and the rules that a browser is told to keep."""

import functools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gristmill.cli.manager.context import span, when
from gristmill.cli.query import cell
from gristmill.cli.show import document, json_line
from gristmill.cli.ui import actions, live, screens
from gristmill.cli.ui.sessions import COOKIE, Sessions
from gristmill.errors import BusyError, GristmillError, InputError
from gristmill.manager.ledger import Ledger
from gristmill.pages import numbers
from gristmill.pages.templating import templates

_RULES = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# A report and a graph bring their style with them, and no script.
_DRAWN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
_LARGEST_FORM = 64 * 1024


class Rules:
    """Headers that keep a page from doing what it should not (OWASP's list)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them to each answer; take in no form that is large, or does not say how large."""
        path = str(scope.get("path", ""))
        rules = _DRAWN if path.endswith(("/graph.svg", "/report")) else _RULES

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [
                    (b"content-security-policy", rules.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cross-origin-opener-policy", b"same-origin"),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        if scope["type"] == "http" and scope["method"] == "POST" and not _is_small(scope):
            await PlainTextResponse("too much", status_code=413)(scope, receive, told)
            return
        await self._app(scope, receive, told)


def _is_small(scope: Scope) -> bool:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return length.isdigit() and int(length) <= _LARGEST_FORM


def app(
    ledger: Ledger,
    outputs: Sequence[str],
    token: str | None,
    hosts: Sequence[str],
    *,
    is_private: bool = False,
) -> Starlette:
    """The application. Without a `token` nothing can be changed; where it `is_private`, nothing can
    be seen either by who has not signed in. `hosts` are the names that it answers to, so that no
    other site's name can be pointed at it."""
    sessions = Sessions(token)
    guard = functools.partial(_guarded, sessions) if is_private else _open
    place = screens.Place(ledger, tuple(outputs), functools.partial(_draw, _templates(), sessions))
    shown = [
        ("/", screens.overview),
        ("/runs", screens.runs),
        ("/runs/{run}", screens.run),
        ("/dead-letters", screens.dead_letters),
        ("/queues", screens.queues),
        ("/schedules", screens.schedules),
        ("/workflows", screens.workflows),
        ("/workflows/{execution}/graph.svg", screens.graph),
        ("/workflows/{execution}", screens.workflow),
        ("/submit", screens.submitting),
        ("/statistics", screens.statistics),
        ("/outputs", screens.outputs),
        ("/outputs/{number:int}/report", screens.report),
        ("/outputs/{number:int}/{dataset}", screens.dataset),
    ]
    done: list[tuple[str, actions.Action]] = [
        ("/submit", actions.submit_run),
        ("/runs/{run}/retry", actions.retry_run),
        ("/runs/{run}/cancel", actions.cancel_run),
        ("/dead-letters/retry", actions.retry_dead),
        ("/dead-letters/dismiss", actions.dismiss_dead),
        ("/{kind}s/{name}/pause", actions.pause),
        ("/{kind}s/{name}/resume", actions.resume),
        ("/workflows/{execution}/redrive", actions.redrive_execution),
        ("/workflows/{execution}/stop", actions.stop_execution),
    ]
    routes = [
        Route("/sign-in", _signing_in(sessions, place), methods=["GET", "POST"]),
        Route("/sign-out", _signing_out(sessions), methods=["POST"]),
        Route("/live", guard(functools.partial(_live, ledger))),
        Route("/static/{name}", _static),
        Route("/favicon.ico", _static),
        *(Route(path, _acting(ledger, sessions, do), methods=["POST"]) for path, do in done),
        *(Route(path, guard(_showing(place, show))) for path, show in shown),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Rules), Middleware(TrustedHostMiddleware, allowed_hosts=[*hosts])],
        exception_handlers={GristmillError: functools.partial(_refused, place)},
    )


def _templates() -> jinja2.Environment:
    environment = templates("gristmill.cli.ui")
    filters: dict[str, Callable[..., Any]] = {
        "when": lambda time: when(time) if isinstance(time, datetime) else "–",
        "span": span,
        "plain": numbers.plain,
        "line": json_line,
        "pretty": _pretty,
        "count": numbers.count,
        "size": numbers.size,
        "share": numbers.share,
        "cell": cell,
    }
    environment.filters |= filters
    return environment


def _pretty(value: Any) -> str:
    """A value as JSON over lines, each without what cannot be seen."""
    text = json.dumps(document(value), indent=2, ensure_ascii=False)
    return "\n".join(map(numbers.plain, text.split("\n")))


def _draw(
    pages: jinja2.Environment,
    sessions: Sessions,
    request: Request,
    name: str,
    shown: Mapping[str, Any],
) -> Response:
    session = sessions.find(request.cookies.get(COOKIE))
    text = pages.get_template(name).render(
        **shown,
        path=request.url.path,
        form=session.form if session is not None else None,
        can_sign_in=sessions.is_possible,
    )
    return HTMLResponse(text)


Endpoint = Callable[[Request], Awaitable[Response]]


def _open(show: Endpoint) -> Endpoint:
    return show


def _guarded(sessions: Sessions, show: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        if sessions.find(request.cookies.get(COOKIE)) is None:
            return RedirectResponse("/sign-in", status_code=303)
        return await show(request)

    return guarded


def _showing(place: screens.Place, show: Callable[[screens.Place, Request], Response]) -> Endpoint:
    async def shown(request: Request) -> Response:
        return await run_in_threadpool(show, place, request)

    return shown


def _acting(
    ledger: Ledger, sessions: Sessions, do: actions.Action
) -> Callable[[Request], Awaitable[Response]]:
    async def acted(request: Request) -> Response:
        async with request.form(max_fields=20, max_files=0) as form:
            if not sessions.may(request.cookies.get(COOKIE), str(form.get("form", ""))):
                return PlainTextResponse("sign in, and send the page's own form", status_code=403)
            where = await run_in_threadpool(do, ledger, request, form)
        return RedirectResponse(where, status_code=303)

    return acted


def _signing_in(
    sessions: Sessions, place: screens.Place
) -> Callable[[Request], Awaitable[Response]]:
    async def signed_in(request: Request) -> Response:
        if request.method == "GET" or not sessions.is_possible:
            return place.draw(request, "sign-in.html", {"is_wrong": False})
        async with request.form(max_fields=5, max_files=0) as form:
            session = sessions.sign_in(str(form.get("token", "")))
        if session is None:
            answer = place.draw(request, "sign-in.html", {"is_wrong": True})
            answer.status_code = 403
            return answer
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(COOKIE, session.id, httponly=True, samesite="strict", path="/")
        return answer

    return signed_in


def _signing_out(sessions: Sessions) -> Callable[[Request], Awaitable[Response]]:
    async def signed_out(request: Request) -> Response:
        async with request.form(max_fields=5, max_files=0) as form:
            if sessions.may(request.cookies.get(COOKIE), str(form.get("form", ""))):
                sessions.sign_out(request.cookies.get(COOKIE))
        return RedirectResponse("/", status_code=303)

    return signed_out


async def _live(ledger: Ledger, _request: Request) -> Response:
    return StreamingResponse(live.changes(ledger), media_type="text/event-stream")


_STATIC = {"ui.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}


def _static(request: Request) -> Response:
    name = request.path_params.get("name", "icon.svg")
    if name not in _STATIC:
        return PlainTextResponse("there is no such file", status_code=404)
    text = (files("gristmill.cli.ui") / "static" / name).read_text(encoding="utf-8")
    return Response(text, media_type=_STATIC[name])


def _refused(place: screens.Place, request: Request, error: Exception) -> Response:
    answer = place.draw(request, "refused.html", {"said": str(error)})
    answer.status_code = (
        404 if isinstance(error, InputError) else 503 if isinstance(error, BusyError) else 400
    )
    return answer
