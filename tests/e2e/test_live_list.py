"""What happens elsewhere shows on the page, and disturbs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
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


def test_a_button_stays_focused_while_what_another_does_is_shown(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ben", f"/orders/{ORDERS[6]}")
    live(page)
    page.get_by_label("Note", exact=True).fill("read it twice")
    page.keyboard.press("Tab")
    ana = arrived(browser, address, "Ana", f"/orders/{ORDERS[6]}")
    ana.get_by_role("button", name="Assign to me").click()
    expect(page.locator(".news")).to_have_text("Ana took it just now")
    expect(page.get_by_role("button", name="Add note")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".acts li").first).to_contain_text("noted: read it twice")
    for each in (page, ana):
        each.context.close()


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


def test_what_happens_between_the_page_and_its_stream_is_shown(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")

    def late(route: Route) -> None:
        page.request.post(f"/test/move?order={ORDERS[11]}&p=0.976")
        route.continue_()

    page.route("**/v1/stream", late)
    page.goto("/")
    expect(page.locator(f"[data-order='{ORDERS[11]}'] .c-risk")).to_contain_text("98%")
    page.context.close()


def test_what_happens_while_nobody_looks_is_shown_to_who_comes_back(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    looks = """seen => {
      Object.defineProperty(document, "hidden", { value: !seen, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(looks, False)
    page.request.post(f"/test/move?order={ORDERS[13]}&p=0.971")
    page.evaluate(looks, True)
    expect(page.locator(f"[data-order='{ORDERS[13]}'] .c-risk")).to_contain_text("97%")
    page.context.close()


def test_a_change_that_the_list_does_not_show_yet_is_asked_for_until_it_does(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    for number, rests in ((15, 1.5), (16, 1.5)):
        page.request.post(f"/test/move?order={ORDERS[number]}&p=0.967&rests={rests}")
        page.wait_for_timeout(300)
        act = {"action": "assign", "by": "Ben", "to": "Ben"}
        page.request.post(f"/v1/worklist/{ORDERS[number + 5]}/actions", data=act)
        expect(page.locator(f"[data-order='{ORDERS[number]}'] .c-risk")).to_contain_text("97%")
    page.context.close()


def test_a_page_that_could_not_be_had_is_asked_for_again(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana")
    live(page)
    page.clock.install()
    page.route(f"{address}/", lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        page.request.post(f"/test/move?order={ORDERS[17]}&p=0.957")
        page.clock.fast_forward(700)
    page.clock.fast_forward(5_000)
    expect(page.locator(f"[data-order='{ORDERS[17]}'] .c-risk")).to_contain_text("96%")
    page.context.close()


def test_the_risk_of_an_open_order_moves_on_its_page(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", f"/orders/{ORDERS[19]}")
    live(page)
    page.get_by_label("Note", exact=True).fill("half a thought")
    page.request.post(f"/test/move?order={ORDERS[19]}&p=0.953")
    expect(page.locator(".verdict")).to_contain_text("95%")
    assert page.get_by_label("Note", exact=True).input_value() == "half a thought"
    sound(page)
    page.context.close()
