"""Every page in every state by axe-core (WCAG 2.2 A and AA, best practices): no complaint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from tests import exception_queue_cases as queued
from tests import fakes
from tests.e2e.moving import sound
from tests.e2e.others import OTHERS, others
from tests.e2e.running import NEEDS_BROWSER, served
from tests.e2e.states import STATES, State

from triage.serving.exceptions.queue import ExceptionQueue

pytestmark = NEEDS_BROWSER
_AXE = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
AXE = files(_AXE.__name__).joinpath("axe.min.js").read_text(encoding="utf-8")
WINDOWS = ((1360, 900), (390, 844))
_RULES: dict[str, object] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
_COLOURS: dict[str, object] = {
    "runOnly": ["color-contrast", "link-in-text-block"],
    "resultTypes": ["violations"],
}
"""All that can differ in the dark, where nothing but colours changes (see test_style_sheet)."""
SCHEMES: tuple[tuple[Literal["light", "dark"], dict[str, object]], ...] = (
    ("light", _RULES),
    ("dark", _COLOURS),
)
_ALIKE = [["#list tbody tr:nth-child(n + 5)"]]
"""Rows are made alike: all of them are looked at in one state only."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    queue, home = ExceptionQueue(queued.desk()), tmp_path_factory.mktemp("home")
    with served(fakes.app(folder=home, queue=queue, advisor=queued.LaterAdvisor())) as found:
        yield found


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with others(tmp_path_factory.mktemp("nothing")) as found:
        yield found


@contextmanager
def looked_at(browser: Browser, address: str) -> Iterator[Page]:
    width, height = WINDOWS[0]
    context = browser.new_context(
        base_url=address,
        bypass_csp=True,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": "triage_you", "value": "Ana", "url": address}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints  # type: ignore[attr-defined]
    yield page
    context.close()


def violations(page: Page, *, every_row: bool = False) -> list[str]:
    """Return what axe finds on a desktop and on a phone, in light and, of colours, in dark."""
    page.evaluate(AXE)
    found = []
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        for scheme, rules in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            told = page.evaluate(
                "([exclude, rules]) => axe.run({ exclude }, rules)",
                [[] if every_row else _ALIKE, rules],
            )
            found += [
                f"{width}, {scheme}: {each['id']}: {node['target']} {node['failureSummary']}"
                for each in told["violations"]
                for node in each["nodes"]
            ]
        sound(page)
    return found


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_axe_finds_nothing(browser: Browser, address: str, state: State) -> None:
    with looked_at(browser, address) as page:
        state.reach(page)
        if state.whole:
            page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert violations(page, every_row=state.name == "list") == []


@pytest.mark.parametrize("name", OTHERS)
def test_axe_finds_nothing_on_a_bad_day(
    browser: Browser, addresses: dict[str, str], name: str
) -> None:
    with looked_at(browser, addresses[name]) as page:
        page.goto(addresses[name])
        assert violations(page) == []


def test_axe_is_what_looks(browser: Browser, address: str) -> None:
    with looked_at(browser, address) as page:
        page.goto("/?band=critical")
        page.evaluate("document.querySelector('#q').labels.forEach((label) => label.remove())")
        page.evaluate("document.querySelector('#q').removeAttribute('placeholder')")
        assert any("label:" in found for found in violations(page))
