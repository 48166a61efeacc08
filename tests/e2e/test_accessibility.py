"""Every page by axe-core (WCAG 2.2 A and AA, and its best practices): nothing to complain of."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from tests import exception_queue_cases as queued
from tests.e2e.moving import sound
from tests.e2e.running import NEEDS_BROWSER, served

pytestmark = NEEDS_BROWSER
_AXE = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
AXE = files(_AXE.__name__).joinpath("axe.min.js").read_text(encoding="utf-8")
FIRST = queued.orders()[0]
PAGES = [
    "/", "/?view=already_late", "/?by=cause", "/?q=zzzz", "/next",
    f"/orders/{FIRST}", "/orders/none", "/exceptions", "/exceptions?q=zzzz", "/exceptions/X00",
    "/exceptions/X04", "/exceptions/gone", "/operations", "/models",
]  # fmt: skip
WINDOWS = {"desktop": (1360, 900), "phone": (390, 844)}
DIALOGS = [("/exceptions", "correct"), ("/", "snooze"), ("/", "done"), ("/", "keys")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(queued.app(Path(tmp_path_factory.mktemp("home")))) as found:
        yield found


@pytest.fixture(params=list(WINDOWS))
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    width, height = WINDOWS[request.param]
    context = browser.new_context(
        base_url=address, bypass_csp=True, viewport={"width": width, "height": height}
    )
    context.add_cookies([{"name": "triage_you", "value": "Ana", "url": address}])
    made = context.new_page()
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.complaints = complaints  # type: ignore[attr-defined]
    yield made
    context.close()


def violations(page: Page) -> list[str]:
    """Return what axe finds in light and, as only colours differ, of colours in dark."""
    page.evaluate(AXE)
    found = []
    schemes: tuple[tuple[Literal["light", "dark"], list[str] | None], ...] = (
        ("light", None),
        ("dark", ["color-contrast", "link-in-text-block"]),
    )
    for scheme, only in schemes:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(150)  # rows change their colour in 120 ms
        told = page.evaluate(
            "only => axe.run(document, only ? {runOnly: only} : {resultTypes: ['violations']})",
            only,
        )
        found += [
            f"{scheme}: {each['id']}: {node['target']} {node['failureSummary']}"
            for each in told["violations"]
            for node in each["nodes"]
        ]
    return found


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(page: Page, path: str) -> None:
    page.goto(path)
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible() and not details.locator("xpath=ancestor::*[@id='tools']").count():
            details.click()
    assert violations(page) == []
    sound(page)


@pytest.mark.parametrize(("path", "dialog"), DIALOGS)
def test_axe_finds_nothing_in_a_dialog(page: Page, path: str, dialog: str) -> None:
    page.goto(path)
    page.locator(f"#{dialog}").evaluate("dialog => dialog.showModal()")
    assert violations(page) == []


def test_axe_is_what_looks(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.querySelector('#q').labels.forEach((label) => label.remove())")
    page.evaluate("document.querySelector('#q').removeAttribute('placeholder')")
    assert any("label:" in found for found in violations(page))
