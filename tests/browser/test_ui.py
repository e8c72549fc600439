"""The web page in a browser: every screen, live, by everybody."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gristmill.cli.ui.app import app
from gristmill.manager.ledger import Ledger
from gristmill.workflow.engine import service
from tests.support.ledgers import Bench
from tests.support.workflows import machine
from tests.ui.conftest import TOKEN, bench, clock, ledger, out  # noqa: F401  fixtures
from tests.ui.test_screens import SCREENS, failed


@pytest.fixture
def address(ledger: Ledger, out: Path) -> Iterator[str]:  # noqa: F811
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    page = app(ledger, [str(out)], TOKEN, ["127.0.0.1"])
    config = uvicorn.Config(page, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens a screen; what it says on its console, or loads from elsewhere, fails the test."""
    said: list[str] = []
    opened: list[Page] = []

    def visited(path: str, width: int = 1200, scheme: str = "light") -> Page:
        seen: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        page = browser.new_page(**seen)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(address) else said.append(asked.url),
        )
        page.goto(address + path)
        opened.append(page)
        return page

    yield visited
    for page in opened:
        page.close()
    assert said == []


def fill(bench: Bench, ledger: Ledger) -> str:  # noqa: F811
    run = failed(bench)
    bench.submit("access-logs")
    with ledger.begin() as tx:
        found = service.register(tx, "flow", json.dumps(machine(("A", {"Type": "Succeed"}))))
        service.start(tx, found, {"a": 1}, "one")
    return run


@pytest.mark.parametrize(
    ("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")]
)
def test_every_screen_can_be_read_by_everybody(
    visit: Callable[..., Page],
    bench: Bench,  # noqa: F811
    ledger: Ledger,  # noqa: F811
    width: int,
    scheme: str,
) -> None:
    run = fill(bench, ledger)
    for path in (*SCREENS, f"/runs/{run}", "/workflows/one", "/outputs/0/word_counts", "/sign-in"):
        page = visit(path, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())


def test_the_graph_is_drawn(
    visit: Callable[..., Page],
    bench: Bench,  # noqa: F811
    ledger: Ledger,  # noqa: F811
) -> None:
    fill(bench, ledger)
    page = visit("/workflows/one")
    size = page.evaluate(
        "() => { const one = document.querySelector('.graph img');"
        " return [one.complete, one.naturalWidth]; }"
    )
    assert size[0]
    assert size[1] > 50


def test_a_page_shows_what_changes_meanwhile(
    visit: Callable[..., Page],
    bench: Bench,  # noqa: F811
) -> None:
    page = visit("/runs")
    expect(page.locator("tbody")).to_contain_text("None.")
    page.wait_for_selector("html[data-live]", state="attached")
    run = bench.submit("word-count").run
    expect(page.locator("tbody")).to_contain_text(run, timeout=15_000)


def test_a_failed_run_is_tried_again_by_a_button(
    visit: Callable[..., Page],
    bench: Bench,  # noqa: F811
) -> None:
    run = failed(bench)
    page = visit("/sign-in")
    page.get_by_label("token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.goto(re.sub(r"(//[^/]+).*", rf"\1/runs/{run}", page.url))
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_contain_text("ready")
    assert bench.state(run) == "ready"
