"""The list as people use it: in a real browser, by mouse, keyboard and thumb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests import fakes
from tests.e2e.running import NEEDS_BROWSER, served

from triage.serving.advisor import Worklist

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(fakes.app()) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Open the list; fails the test on any console message of weight or violation of the policy."""
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto("/")
    yield opened
    context.close()
    assert complaints == []


def orders(page: Page) -> list[str]:
    return page.locator("a.order").all_inner_texts()


def ids_of(page: Page) -> list[str]:
    script = "Array.from(document.querySelectorAll('[id]'), (e) => e.id)"
    found: list[str] = page.evaluate(script)
    return found


def test_the_list_is_in_rank_order(page: Page) -> None:
    ranked = [i.assessment.order_id for i in fakes.worklist().items[:50]]
    assert orders(page) == ranked


def test_search_narrows_and_the_address_keeps_it(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("cobalt")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=cobalt")
    customers = page.locator(".row .c-order .sub").all_inner_texts()
    assert set(customers) == {"Cobalt Labs"}
    page.reload()
    assert page.locator("#q").input_value() == "cobalt"


def test_a_changed_filter_applies_at_once(page: Page) -> None:
    page.get_by_label("Risk", exact=True).select_option("critical")
    page.wait_for_url("**/?band=critical")
    words = page.locator(".row .level").all_inner_texts()
    assert words
    assert all(word.endswith("Critical") for word in words)


def test_paging_leads_through_all_orders(page: Page) -> None:
    seen = orders(page)
    for number in range(2, 6):
        page.get_by_role("link", name="Next").click()
        page.wait_for_url(f"**/?page={number}")
        seen += orders(page)
    assert len(seen) == len(set(seen)) == 240
    assert page.get_by_role("link", name="Next").count() == 0


def test_a_row_opens_the_order_and_its_numbers_add_up(page: Page) -> None:
    page.locator(".row").nth(2).click()
    page.wait_for_url("**/orders/*")
    for column, end in ((".fall-points", "%"), (".fall-days", "\u00a0d")):
        values = page.locator(f".falls {column} data").evaluate_all("a => a.map(e => e.value)")
        shown = [float(value) for value in values]
        assert len(shown) == 7
        assert round(sum(shown[:-1]), 1) == shown[-1]
        printed = page.locator(f".falls {column}").all_inner_texts()[-1]
        assert printed.lstrip("+").replace("\u2212", "-") == f"{shown[-1]:.1f}{end}"
    page.get_by_role("link", name="At risk").first.click()
    page.wait_for_url("**/")


def test_the_bars_of_an_order_end_where_the_next_begins(page: Page) -> None:
    page.goto(f"/orders/{orders(page)[1]}")
    boxes = [b.bounding_box() for b in page.locator(".falls .fall-bar").all()]
    drawing = page.locator(".fall-draw").first.bounding_box()
    assert drawing is not None
    for box in boxes:
        assert box is not None
        assert box["x"] >= drawing["x"] - 1
        assert box["x"] + box["width"] <= drawing["x"] + drawing["width"] + 2
    assert boxes[1] is not None
    assert boxes[0] is not None
    assert boxes[1]["x"] == pytest.approx(boxes[0]["x"] + boxes[0]["width"], abs=2)


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    second = orders(page)[1]
    assert page.evaluate("document.activeElement.textContent") == second
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/{second}")


@pytest.mark.parametrize("path", ["/", "/?view=already_late", "/?q=zzzz", "order"])
@pytest.mark.parametrize("width", [320, 390, 800, 1440])
def test_nothing_is_wider_than_the_window(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"/orders/{orders(page)[0]}" if path == "order" else path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ids = ids_of(page)
    assert len(ids) == len(set(ids))
    assert page.locator("table table").count() == 0


def test_a_phone_shows_cards_with_targets_for_thumbs(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    row = page.locator(".row").first.bounding_box()
    assert row is not None
    assert row["height"] > 100
    page.get_by_role("button", name="Filters").click()
    for name in ("#q", "select[name=band]"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert box["height"] >= 44
    assert page.get_by_role("row").count() == 51


def test_it_works_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Site", exact=True).select_option("ONT-4")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**site=ONT-4**")
    assert page.locator(".row").count() > 10
    page.locator("a.order").first.click()
    assert page.locator(".falls").count() == 1
    context.close()


def test_an_empty_search_offers_the_way_back(page: Page) -> None:
    page.goto("/?q=zzzz&view=already_late")
    assert page.get_by_role("heading", name="No order matches").is_visible()
    page.get_by_role("link", name="Clear search and filters").click()
    page.wait_for_url("**/?view=already_late")
    assert page.locator(".row").count() == 50


def _labelled() -> Worklist:
    """The first orders of the list need a person; the first has the longest name that fits."""
    items = [
        replace(item, assessment=replace(item.assessment, unsure=("too little is known",)))
        for item in fakes.worklist().items[:12]
    ]
    named = replace(items[0].assessment, order_id="e481f51cbdc54678b7cc49136f2d6af7")
    return Worklist(fakes.NOW, (replace(items[0], assessment=named), *items[1:]))


@pytest.mark.parametrize("width", [1280, 1440])
def test_a_row_has_two_lines_however_many_labels_it_has(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    app = fakes.app(folder=tmp_path, advisor=fakes.FakeAdvisor(_labelled()))
    with served(app) as address:
        context = browser.new_context(base_url=address, viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "triage_you", "value": "Ana", "url": address}])
        opened = context.new_page()
        opened.goto("/")
        many = orders(opened)[1]
        for do in ("first", "inform"):
            form: dict[str, str | float | bool] = {"do": do, "text": "told"}
            told = context.request.post(f"/orders/{many}", form=form, headers={"origin": address})
            assert told.ok
        opened.reload()
        row = opened.locator(f"[data-order='{many}']")
        labels = row.locator(".tag").all_inner_texts()
        assert labels == ["Needs a person", "Put first", "Customer told"]
        heights = opened.locator(".row").evaluate_all("rows => rows.map(row => row.offsetHeight)")
        assert max(heights) < 62  # two lines of 20 pixels and what is around them
        first = row.locator(".tag").first
        assert first.evaluate("tag => tag.scrollWidth <= tag.clientWidth")
        context.close()
