"""What an order's page tells of the past, as people see it: with keyboard, phone, paper, dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests import fakes
from tests.e2e.running import NEEDS_BROWSER, served
from tests.e2e.test_work import introduced, press

pytestmark = NEEDS_BROWSER
ORDERS = [item.assessment.order_id for item in fakes.worklist().items]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(fakes.app(folder=tmp_path_factory.mktemp("home"))) as found:
        yield found


def test_what_is_known_unfolds_with_the_keyboard(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    introduced(page, ORDERS[0], "Ana")
    press(page, "Assign to me")
    entries = page.locator(".known-list li")
    expect(entries.first).to_be_hidden()
    page.locator(".known summary").focus()
    page.keyboard.press("Enter")
    expect(entries.first).to_be_visible()
    expect(entries.first).to_contain_text("Ana took it")
    expect(entries.last).to_contain_text("Ordered")
    expect(page.locator(".moves li")).to_have_count(3)
    drawing = page.get_by_role("img", name=f"Risk of {ORDERS[0]} over time")
    expect(drawing).to_be_visible()
    context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1360])
def test_the_drawing_stays_in_the_window_and_its_percents_do_not_overlap(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"/orders/{ORDERS[1]}")
    page.locator(".known summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [each.bounding_box() for each in page.locator(".path-percent").all()]
    found = [box for box in boxes if box is not None]
    assert len(found) == 2
    assert found[0]["x"] + found[0]["width"] < found[1]["x"]
    assert found[-1]["x"] + found[-1]["width"] <= width
    context.close()


def test_on_paper_there_are_no_buttons_and_what_was_folded_is_there(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    introduced(page, ORDERS[2], "Ana")
    page.emulate_media(media="print")
    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.locator("input:visible, select:visible, textarea:visible")).to_have_count(0)
    expect(page.locator(".known-list li").first).to_be_visible()
    expect(page.locator(".path")).to_be_visible()
    page.goto("/")
    page.emulate_media(media="print")
    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.locator(".row").first).to_be_visible()
    context.close()


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    page = context.new_page()
    for path in ("/", f"/orders/{ORDERS[3]}"):
        page.goto(path)
        moving = page.evaluate(
            "Array.from(document.querySelectorAll('*')).filter((e) => {"
            " const s = getComputedStyle(e);"
            " return s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0;"
            "}).length"
        )
        assert moving == 0
    context.close()
