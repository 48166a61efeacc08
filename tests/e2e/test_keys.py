"""The list by keyboard alone."""

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


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = arrived(browser, address, "Ana")
    yield opened
    sound(opened)
    opened.context.close()


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def current(page: Page) -> str | None:
    found: str | None = page.evaluate("document.activeElement.closest('.row')?.dataset.order")
    return found


def test_j_and_k_move_and_tab_stops_at_one_row_only(page: Page) -> None:
    keys(page, "j", "j", "j", "k")
    assert current(page) == ORDERS[1]
    assert page.locator("#list a.order[tabindex='0']").count() == 1
    keys(page, "ArrowDown", "ArrowDown", "ArrowUp")
    assert current(page) == ORDERS[2]
    keys(page, "Enter")
    page.wait_for_url(f"**/orders/{ORDERS[2]}")


def test_what_is_done_leaves_the_list_and_undo_brings_it_back_where_it_was(page: Page) -> None:
    keys(page, "j", "j", "e")
    expect(page.get_by_role("dialog", name="Done")).to_contain_text(ORDERS[1])
    keys(page, "2")
    expect(page.locator("#report")).to_have_text("Done: 1 order.")
    expect(page.locator(f"[data-order='{ORDERS[1]}']")).to_have_count(0)
    assert current(page) == ORDERS[2]
    keys(page, "u")
    expect(page.locator("#report")).to_have_text("Undone: 1 order.")
    expect(page.locator("a.order").nth(1)).to_have_text(ORDERS[1])
    assert "did=" not in page.url


def test_a_row_is_taken_and_snoozed_by_one_key_each(page: Page) -> None:
    keys(page, "j", "j", "j", "a")
    row = page.locator(f"[data-order='{ORDERS[2]}']")
    expect(row.locator(".c-owner")).to_contain_text("Ana")
    expect(row.locator(".c-owner")).to_contain_text("took this just now")
    assert current(page) == ORDERS[2]
    keys(page, "s", "1")
    expect(row).to_have_count(0)
    keys(page, "u")
    expect(page.locator("#report")).to_have_text("Undone: 1 order.")
    keys(page, "u")
    expect(row.locator(".c-owner")).to_contain_text("nobody")


def test_keys_never_act_while_somebody_types_or_holds_a_modifier(page: Page) -> None:
    keys(page, "j", "/")
    page.keyboard.type("aseux?jk")
    assert page.locator("#q").input_value() == "aseux?jk"
    assert page.locator("dialog[open]").count() == 0
    keys(page, "Escape", "Control+a", "Alt+e", "Meta+s")
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#report").inner_text() == ""


def test_single_keys_can_be_switched_off_and_stay_off(page: Page) -> None:
    keys(page, "?")
    dialog = page.get_by_role("dialog", name="Shortcuts")
    dialog.get_by_label("Single-key shortcuts are on").uncheck()
    keys(page, "Escape")
    page.reload()
    keys(page, "j", "?")
    assert current(page) is None
    assert page.locator("dialog[open]").count() == 0
    page.locator("a.order").first.focus()
    keys(page, "ArrowDown")
    assert current(page) == ORDERS[1]
    page.get_by_role("button", name="Shortcuts").click()
    dialog.get_by_label("Single-key shortcuts are on").check()
    keys(page, "Escape", "j")
    assert current(page) is not None


def test_g_leads_to_the_list_and_to_the_next_order(page: Page) -> None:
    keys(page, "g", "n")
    page.wait_for_url("**/next")
    keys(page, "g", "l")
    page.wait_for_url("**/")
