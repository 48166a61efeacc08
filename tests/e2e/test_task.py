"""A morning with the keyboard only: twenty handled, one customer told, one class corrected."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests import exception_cases as cases
from tests import exception_queue_cases as queued
from tests.e2e.moving import arrived, moving, sound, top
from tests.e2e.running import NEEDS_BROWSER

from triage.serving.exceptions.queue import ExceptionQueue

pytestmark = NEEDS_BROWSER
CLASSES = cases.fitted().model.numbers.classes


def test_twenty_are_handled_one_customer_is_told_and_one_class_corrected_without_a_mouse(
    browser: Browser, tmp_path: Path
) -> None:
    orders = [item.assessment.order_id for item in top(20)]
    with moving(tmp_path, ExceptionQueue(queued.desk())) as address:
        page = arrived(browser, address, "Ana")
        page.mouse.move(0, 0)
        keys = page.keyboard

        # the first one: look, tell the customer, done
        keys.press("j")
        keys.press("Enter")
        page.wait_for_url(f"**/orders/{orders[0]}")
        keys.press("m")
        expect(page.locator("#message-text")).to_be_focused()
        text = page.locator("#message-text").input_value()
        assert orders[0] in text
        assert re.search(r"expect to deliver it (on|between) ", text)
        keys.press("Escape")
        keys.press("i")
        expect(page.locator(".work-head")).to_contain_text("The customer was told")
        keys.press("e")
        keys.type("Customer")
        keys.press("Tab")
        keys.press("Enter")
        expect(page.locator(".work-head")).to_contain_text("Done: customer informed.")

        # nine more, each looked at in the list
        keys.press("g")
        keys.press("l")
        page.wait_for_url("**/")
        expect(page.locator(".live")).to_have_text("Live")
        keys.press("j")
        for order_id in orders[1:10]:
            expect(page.locator(f"[data-order='{order_id}']:focus-within")).to_have_count(1)
            keys.press("e")
            keys.press("2")
            expect(page.locator(f"[data-order='{order_id}']")).to_have_count(0)

        # ten together
        for _ in range(10):
            keys.press("x")
            keys.press("j")
        expect(page.locator("[data-count]")).to_have_text("10 selected")
        keys.press("e")
        keys.press("8")
        expect(page.locator("#report")).to_have_text("Done: 10 orders.")

        correct_one(page)

        done = page.request.get("/v1/worklist?handled=disposed").json()
        assert sorted(item["order_id"] for item in done["items"]) == sorted(orders)
        informed = [i["order_id"] for i in done["items"] if i["handling"]["informed_at"]]
        assert informed == orders[:1]
        painted = "performance.getEntriesByName('act-to-paint').map((e) => Math.round(e.duration))"
        sys.stdout.write(f"milliseconds from an act to its paint: {page.evaluate(painted)}\n")
        sound(page)
        page.context.close()


def correct_one(page: Page) -> None:
    """Say by keys of the first open exception that it is something else."""
    keys = page.keyboard
    keys.press("g")
    keys.press("x")
    page.wait_for_url("**/exceptions")
    expect(page.locator(".live")).to_have_text("Live")
    keys.press("j")
    wrong = page.locator("#list .row").first.get_attribute("data-order")
    keys.press("c")
    expect(page.get_by_role("dialog", name="What is it?")).to_contain_text(str(wrong))
    keys.press(str(CLASSES.index("credit_hold") + 1))
    expect(page.locator("#report")).to_have_text("Corrected: 1 exception.")
    expect(page.locator(f"[data-order='{wrong}']")).to_contain_text("Ana says so")
