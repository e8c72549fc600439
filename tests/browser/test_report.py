"""The report in a browser: wide and narrow, light and dark, by eye, by keyboard, by reader."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from gristmill.pages.report.page import page as page_of
from tests.unit.pages.test_report import (
    NOW,
    REJECTS,
    SERVICES,
    TRAFFIC,
    WORDS,
    found,
    hour,
    put,
    service,
    word,
)

Look = Callable[..., Page]
SCREENS = [(1100, "light"), (1100, "dark"), (390, "light"), (390, "dark")]


def write(folder: Path, *, days: int = 3, services: int = 30) -> str:
    start = datetime(2026, 10, 5, tzinfo=UTC)
    rows = [
        hour(start + timedelta(hours=at), status, requests=at % 24 * 7 + len(status))
        for at in range(24 * days)
        for status in ("2xx", "4xx", "5xx")
    ]
    put(folder, "traffic_hourly", TRAFFIC, rows, "aa")
    costs = [service(f"Service number {number}", str(number + 1)) for number in range(services)]
    put(folder, "cost_by_service", SERVICES, costs, "bb")
    put(folder, "word_counts", WORDS, [{**word("x" * 80), "corpus": "c"}], "cc")
    reject = {"job": "j", "reason": "bad", "source_file": "f", "block_start": 0, "line_number": 1}
    put(folder, "rejects", REJECTS, [{**reject, "raw": "<b>" + "y" * 300}], "dd")
    file = folder / "report.html"
    file.write_text(page_of("A mill's October", found(folder), NOW), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_it_fits_and_can_be_read_by_everybody(
    look: Look, tmp_path: Path, width: int, scheme: str
) -> None:
    page = look(write(tmp_path), width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.locator("figure")
    shown, hidden = (".wide", ".narrow") if width > 576 else (".narrow", ".wide")
    for number in range(charts.count()):
        assert charts.nth(number).locator(shown).is_visible()
        assert not charts.nth(number).locator(hidden).is_visible()
        drawn = charts.nth(number).locator(f"{shown} svg").bounding_box()
        assert drawn is not None
        assert drawn["width"] > width * 0.7
    found_by_axe = Axe().run(page)
    assert found_by_axe.violations_count == 0, found_by_axe.generate_report()


def test_a_table_is_opened_by_the_keyboard(look: Look, tmp_path: Path) -> None:
    page = look(write(tmp_path))
    summary = page.locator("summary").first
    summary.focus()
    assert not page.locator("figure table").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator("figure table").first.is_visible()
    assert page.locator("figure table tbody tr").first.inner_text().startswith("2026-10-05 00:00")


def test_the_first_key_skips_to_the_content(look: Look, tmp_path: Path) -> None:
    page = look(write(tmp_path))
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "To the content"


def colours(page: Page) -> Any:
    return page.evaluate(
        "() => { const bar = document.querySelector('figure svg path[fill^=\"var\"]');"
        " return [getComputedStyle(document.body).backgroundColor,"
        " bar && getComputedStyle(bar).fill]; }"
    )


def test_light_and_dark_have_their_own_colours(look: Look, tmp_path: Path) -> None:
    url = write(tmp_path)
    light, dark = (colours(look(url, 1100, scheme)) for scheme in ("light", "dark"))
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert "var" not in str(light[1])


@pytest.mark.parametrize(("days", "services"), [(1, 1), (365, 10_000)])
def test_little_and_much_fit(look: Look, tmp_path: Path, days: int, services: int) -> None:
    page = look(write(tmp_path, days=days, services=services), 390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("section").count() == 6
