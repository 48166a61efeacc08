"""The same with many orders at once: by mouse, and without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.moving import arrived, moving, sound, top
from tests.e2e.running import NEEDS_BROWSER

pytestmark = NEEDS_BROWSER
ORDERS = [item.assessment.order_id for item in top(50)]


@pytest.fixture
def address(tmp_path: object) -> Iterator[str]:
    with moving(tmp_path) as found:  # type: ignore[arg-type]
        yield found


def history(page: Page, order_id: str) -> list[str]:
    answer = page.request.get(f"/v1/worklist/{order_id}/history").json()
    return [f"{each['by']} {each['action']}" for each in answer["entries"]]


def test_all_shown_are_taken_but_what_somebody_has_and_one_undo_undoes_it(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana")
    page.request.post(f"/v1/worklist/{ORDERS[3]}/actions", data={"action": "assign", "by": "Ben"})
    page.get_by_label("Select all shown").check()
    expect(page.locator("[data-count]")).to_have_text("50 selected")
    page.get_by_label(f"Select {ORDERS[0]}", exact=True).uncheck()
    expect(page.locator("[data-count]")).to_have_text("49 selected")
    page.get_by_role("button", name="Assign to me").click()
    report = page.locator("#report")
    expect(report).to_contain_text("Yours now: 48 orders. Not done with 1 order:")
    expect(report).to_contain_text(f"{ORDERS[3]} (somebody has it)")
    expect(page.locator(".bulk-bar")).to_be_hidden()
    assert history(page, ORDERS[1]) == ["Ana assign"]
    assert history(page, ORDERS[3]) == ["Ben assign"]
    page.get_by_role("button", name="Undo").click()
    expect(report).to_have_text("Undone: 48 orders.")
    assert history(page, ORDERS[1]) == ["Ana assign", "Ana undo"]
    assert page.locator(".c-owner .line").all_inner_texts() == ["Ben"]
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    sound(page)
    page.context.close()


def test_it_works_without_a_script(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", java_script_enabled=False)
    for order_id in ORDERS[:3]:
        page.get_by_label(f"Select {order_id}", exact=True).check()
    page.get_by_role("button", name="Customer informed").click()
    expect(page.locator("#report")).to_have_text("Done: 3 orders.")
    assert ORDERS[0] not in page.locator("a.order").all_inner_texts()
    page.get_by_role("button", name="Undo").click()
    assert page.locator("a.order").first.inner_text() == ORDERS[0]
    page.context.close()
