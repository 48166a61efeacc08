"""Working on an order as people do it: by clicking, with and without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests import fakes
from tests.e2e.running import NEEDS_BROWSER, served

pytestmark = NEEDS_BROWSER
FIRST, SECOND = (item.assessment.order_id for item in fakes.worklist().items[:2])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(fakes.app(folder=tmp_path_factory.mktemp("home"))) as found:
        yield found


def introduced(page: Page, order_id: str, name: str) -> None:
    page.goto(f"/orders/{order_id}")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="That is me").click()
    page.get_by_text(f"You are {name}").wait_for()


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("script", "order_id"), [(True, FIRST), (False, SECOND)])
def test_an_order_is_taken_noted_done_and_had_back_by_clicking(
    browser: Browser, address: str, script: bool, order_id: str
) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=script)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    introduced(page, order_id, "Żaneta Ö.")
    says = page.locator(".work-head p")

    press(page, "Assign to me")
    expect(says).to_have_text("Żaneta Ö. has it.")
    page.get_by_label("Note", exact=True).fill("carrier calls at 3")
    press(page, "Add note")
    expect(page.locator(".acts li").first).to_contain_text("noted: carrier calls at 3")
    page.goto("/")
    row = page.locator(".row").filter(has_text=order_id)
    expect(row.locator(".c-owner")).to_contain_text("Żaneta Ö.")

    page.goto(f"/orders/{order_id}")
    page.get_by_label("Done", exact=True).select_option("customer_informed")
    press(page, "Done")
    expect(says).to_have_text("Żaneta Ö. has it. Done: customer informed.")
    page.goto("/")
    assert order_id not in page.locator("a.order").all_inner_texts()
    page.goto("/?handled=disposed")
    expect(page.locator(".row").filter(has_text=order_id)).to_contain_text("Done")

    page.goto(f"/orders/{order_id}")
    press(page, "Undo")
    expect(says).to_have_text("Żaneta Ö. has it.")
    press(page, "Redo")
    expect(says).to_contain_text("Done: ")
    press(page, "Undo")
    page.goto("/")
    assert order_id in page.locator("a.order").all_inner_texts()
    context.close()
    assert complaints == []


def test_who_acts_on_what_somebody_changed_meanwhile_is_told(
    browser: Browser, address: str
) -> None:
    order_id = fakes.worklist().items[2].assessment.order_id
    contexts = [
        browser.new_context(base_url=address),
        browser.new_context(base_url=address, java_script_enabled=False),  # does not renew itself
    ]
    ana, ben = (context.new_page() for context in contexts)
    introduced(ana, order_id, "Ana")
    introduced(ben, order_id, "Ben")
    press(ana, "Assign to me")
    press(ben, "Assign to me")
    expect(ben.get_by_role("alert")).to_contain_text("Somebody acted on it meanwhile")
    press(ben, "Take over from Ana")
    expect(ben.locator(".work-head p")).to_have_text("Ben has it.")
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [320, 390, 800, 1440])
def test_nothing_is_wider_than_the_window(browser: Browser, address: str, width: int) -> None:
    order_id = fakes.worklist().items[3].assessment.order_id
    context = browser.new_context(base_url=address, viewport={"width": width, "height": 844})
    page = context.new_page()
    introduced(page, order_id, "Wolfeschlegelsteinhausenbergerdorff-Schwarzenegger " + "x" * 25)
    press(page, "Assign to me" if page.get_by_text("Nobody has it").count() else "Release")
    page.get_by_label("Note", exact=True).fill("n" * 400)
    press(page, "Add note")
    for path in (f"/orders/{order_id}", "/?handled=all"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ids = page.evaluate("Array.from(document.querySelectorAll('[id]'), (e) => e.id)")
        assert len(ids) == len(set(ids))
    context.close()
