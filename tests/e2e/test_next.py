"""Guided work: one order after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.moving import LEADS, arrived, moving, sound, top
from tests.e2e.running import NEEDS_BROWSER

pytestmark = NEEDS_BROWSER
ORDERS = [item.assessment.order_id for item in top(50)]


@pytest.fixture
def address(tmp_path: object) -> Iterator[str]:
    with moving(tmp_path) as found:  # type: ignore[arg-type]
        yield found


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("script", [True, False])
def test_the_next_comes_when_one_is_done_snoozed_or_passed_on_with_a_reason(
    browser: Browser, address: str, script: bool
) -> None:
    page = arrived(browser, address, "Ana", "/next", java_script_enabled=script)
    page.get_by_role("button", name="Take the next order").click()
    assert heading(page) == ORDERS[0]
    expect(page.locator(".work-head")).to_contain_text("Ana has it.")
    page.get_by_label("Done", exact=True).select_option("expedited")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator("h1")).to_have_text(ORDERS[1])
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("h1")).to_have_text(ORDERS[2])
    page.get_by_label("Pass on").select_option("needs_information")
    page.get_by_role("button", name="Pass on, next").click()
    expect(page.locator("h1")).to_have_text(ORDERS[3])
    told = page.request.get(f"/v1/worklist/{ORDERS[2]}/history").json()
    assert [each["action"] for each in told["entries"]] == ["assign", "skip"]
    assert told["entries"][1]["why"] == "needs_information"
    assert told["handling"]["owner"] is None
    ben = arrived(browser, address, "Ben", "/next")
    ben.get_by_role("button", name="Take the next order").click()
    expect(ben.locator("h1")).to_have_text(ORDERS[2])
    sound(page)
    page.context.close()
    ben.context.close()


def test_an_order_is_escalated_to_whom_the_policy_names(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", f"/orders/{ORDERS[0]}")
    offered = page.get_by_label("Escalate").locator("option").all_inner_texts()
    assert offered[1:] == [to.capitalize() for to in LEADS]
    page.get_by_label("Escalate").select_option("shift lead")
    page.get_by_role("button", name="Tell them").click()
    expect(page.locator(".work-head")).to_contain_text("The shift lead was told.")
    page.goto("/")
    expect(page.locator(f"[data-order='{ORDERS[0]}']")).to_contain_text("Escalated")
    page.context.close()


def test_who_is_mentioned_in_a_note_finds_the_order_until_they_act(
    browser: Browser, address: str
) -> None:
    ana = arrived(browser, address, "Ana", f"/orders/{ORDERS[4]}")
    ana.get_by_label("Note", exact=True).fill("@ben do you know the consignee?")
    ana.get_by_role("button", name="Add note").click()
    ben = arrived(browser, address, "Ben Öz")
    ben.get_by_role("link", name="Mentions 1").click()
    expect(ben.locator("a.order")).to_have_text([ORDERS[4]])
    ben.locator("a.order").click()
    ben.get_by_role("button", name="Assign to me").click()
    ben.get_by_role("link", name="Mentions 0").click()
    expect(ben.get_by_role("heading", name="Nobody asks for you")).to_be_visible()
    for page in (ana, ben):
        sound(page)
        page.context.close()
