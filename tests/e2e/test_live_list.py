"""What happens elsewhere shows on the page, and disturbs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.moving import arrived, moving, sound, top
from tests.e2e.running import NEEDS_BROWSER

pytestmark = NEEDS_BROWSER
ORDERS = [item.assessment.order_id for item in top(50)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moving(tmp_path_factory.mktemp("home")) as found:
        yield found


def live(page: Page) -> None:
    expect(page.locator(".live")).to_have_text("Live")


def test_a_change_of_risk_shows_with_a_word_and_keeps_focus_selection_and_scroll(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    page.get_by_label(f"Select {ORDERS[30]}", exact=True).check()
    for _ in range(31):
        page.keyboard.press("j")
    before = page.evaluate("[scrollY, document.activeElement.closest('.row').dataset.order]")
    page.evaluate("document.querySelectorAll('.row').forEach((row, i) => { row.mark = i })")
    page.request.post(f"/test/move?order={ORDERS[29]}&p=0.991")
    row = page.locator(f"[data-order='{ORDERS[29]}']")
    expect(row.locator(".tag-changed")).to_have_text("Risk up")
    expect(row).to_contain_text("99%")
    after = page.evaluate("[scrollY, document.activeElement.closest('.row').dataset.order]")
    assert after == before
    assert page.get_by_label(f"Select {ORDERS[30]}", exact=True).is_checked()
    marked = page.evaluate(
        "Array.from(document.querySelectorAll('.row')).filter((row) => 'mark' in row).length"
    )
    assert marked == 49  # only the row that changed was put anew
    sound(page)
    page.context.close()


def test_a_focused_row_that_changes_stays_focused_and_selected(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.request.post(f"/test/move?order={ORDERS[0]}&p=0.002")
    row = page.locator(f"[data-order='{ORDERS[0]}']")
    expect(row.locator(".tag-changed")).to_have_text("Risk down")
    expect(row.locator("a.order")).to_be_focused()
    expect(row.get_by_role("checkbox")).to_be_checked()
    page.context.close()


def test_what_another_takes_shows_in_the_row_and_on_the_open_order(
    browser: Browser, address: str
) -> None:
    on_list = arrived(browser, address, "Cem")
    on_order = arrived(browser, address, "Ben", f"/orders/{ORDERS[5]}")
    live(on_list)
    live(on_order)
    on_order.get_by_label("Note", exact=True).fill("half a thought")
    ana = arrived(browser, address, "Ana", f"/orders/{ORDERS[5]}")
    ana.get_by_role("button", name="Assign to me").click()
    owner = on_list.locator(f"[data-order='{ORDERS[5]}'] .c-owner")
    expect(owner).to_contain_text("Ana")
    expect(owner).to_contain_text("took this just now")
    expect(on_order.locator(".news")).to_have_text("Ana took it just now")
    assert on_order.get_by_label("Note", exact=True).input_value() == "half a thought"
    on_order.get_by_role("button", name="Add note").click()
    expect(on_order.locator(".acts li").first).to_contain_text("noted: half a thought")
    expect(ana.locator(".news")).to_contain_text("Ben noted just now")
    for page in (on_list, on_order, ana):
        sound(page)
        page.context.close()


def test_two_who_have_an_order_open_see_each_other(browser: Browser, address: str) -> None:
    ana = arrived(browser, address, "Ana")
    ana.clock.install()
    ana.goto(f"/orders/{ORDERS[9]}")
    expect(ana.locator("#here")).to_be_empty()
    ben = arrived(browser, address, "Ben", f"/orders/{ORDERS[9]}")
    expect(ben.locator("#here")).to_have_text("Ana has this open too.")
    ana.clock.fast_forward(16_000)
    expect(ana.locator("#here")).to_have_text("Ben has this open too.")
    for page in (ana, ben):
        sound(page)
        page.context.close()


def test_the_state_of_the_connection_is_said_in_words(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    page.context.set_offline(True)
    expect(page.locator(".live")).to_have_text("Offline")
    page.context.set_offline(False)
    live(page)
    page.request.post(f"/test/move?order={ORDERS[7]}&p=0.985")
    expect(page.locator(f"[data-order='{ORDERS[7]}'] .c-risk")).to_contain_text("98%")
    page.context.close()
