"""The queue of exceptions in a real browser: found, corrected, taken back, kept up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests import exception_cases as cases
from tests import exception_queue_cases as queued
from tests.e2e.moving import arrived, sound
from tests.e2e.running import NEEDS_BROWSER, served

from triage.advice.playbooks import load_playbooks

pytestmark = NEEDS_BROWSER
TITLES = {name: book.title for name, book in load_playbooks().items()}
CLASSES = cases.fitted().model.numbers.classes


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    app = queued.app(tmp_path)

    async def raised(closes: bool) -> dict[str, str]:
        record = cases.event(
            "NEW", cases.END - 200, queued.orders()[0], "wms", "short pick bin 999, recount"
        )
        if closes:
            record = cases.closing(record, cases.END, "pick_short")
        app.state.queue.note(record)
        name = "exception.resolved" if closes else "exception.opened"
        app.state.kept.changes.tell(name, {"exception_id": "NEW", "order_id": record.order_id})
        return {}

    app.add_api_route("/test/raise", raised, methods=["POST"])
    with served(app) as found:
        yield found


def first(page: Page) -> str:
    return str(page.locator("#list .row").first.get_attribute("data-order"))


def test_a_class_is_corrected_and_taken_back_by_keys_alone(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", "/exceptions?code=pick_short")
    name = first(page)
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog", name="What is it?")).to_contain_text(name)
    page.keyboard.press(str(CLASSES.index("credit_hold") + 1))
    expect(page.locator("#report")).to_have_text("Corrected: 1 exception.")
    expect(page.locator(f"#list [data-order='{name}']")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.locator("#report")).to_have_text("Taken back: 1 exception.")
    expect(page.locator(f"#list [data-order='{name}']")).to_have_count(1)
    sound(page)
    page.context.close()


def test_exceptions_are_worked_by_keys_alone_as_the_list_is(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", "/exceptions")
    report, name = page.locator("#report"), first(page)
    row = page.locator(f"#list [data-order='{name}']")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(report).to_have_text("Yours now: 1 exception.")
    expect(row.locator(".person")).to_have_text("Ana")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Snooze")).to_contain_text(name)
    page.keyboard.press("1")
    expect(report).to_have_text("Snoozed for an hour: 1 exception.")
    expect(row).to_have_count(0)
    page.keyboard.press("u")
    expect(report).to_have_text("Undone: 1 exception.")
    expect(row).to_have_count(1)
    row.locator("a.order").focus()
    page.keyboard.press("e")
    page.keyboard.press("1")
    expect(report).to_have_text("Done: 1 exception.")
    expect(row).to_have_count(0)
    page.keyboard.press("n")
    expect(page.locator("#work")).to_contain_text("Ana has it.")
    given = page.locator("[data-open]").get_attribute("data-open")
    assert given != name
    page.keyboard.press("n")
    page.keyboard.type("asked the floor")
    page.keyboard.press("Enter")
    expect(page.locator("#work .acts")).to_contain_text("Ana noted: asked the floor")
    page.keyboard.press("p")
    page.keyboard.type("Not for me")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-open]")).not_to_have_attribute("data-open", str(given))
    expect(page.locator("#work")).to_contain_text("Ana has it.")
    page.keyboard.press("u")
    expect(page.locator("#work")).to_contain_text("Nobody has it yet.")
    sound(page)
    page.context.close()


def test_two_people_see_who_has_an_exception_in_its_row_and_on_its_page(
    browser: Browser, address: str
) -> None:
    ana = arrived(browser, address, "Ana", "/exceptions")
    ben = arrived(browser, address, "Ben", "/exceptions")
    name = first(ana)
    expect(ben.locator(".live")).to_have_text("Live")
    ana.keyboard.press("j")
    ana.keyboard.press("a")
    expect(ben.locator(f"[data-order='{name}'] .tag-changed")).to_have_text("→ Ana", timeout=3_000)
    for page in (ana, ben):
        page.locator(f"[data-order='{name}'] a.order").click()
        expect(page.locator(".live")).to_have_text("Live")
    expect(ben.locator("#here")).to_have_text("Ana has this open too.")
    ana.get_by_role("button", name="Release").click()
    expect(ben.locator("#work")).to_contain_text("Nobody has it yet.", timeout=3_000)
    for page in (ana, ben):
        sound(page)
        page.context.close()


def test_what_somebody_says_is_shown_to_others_at_once(browser: Browser, address: str) -> None:
    ana = arrived(browser, address, "Ana", "/exceptions")
    ben = arrived(browser, address, "Ben", "/exceptions")
    name = first(ana)
    expect(ben.locator(".live")).to_have_text("Live")
    ana.locator(f"[data-order='{name}'] [name=order]").check()
    ana.get_by_role("button", name="Correct").click()
    ana.get_by_role("button", name=TITLES["credit_hold"]).click()
    expect(ben.locator(f"[data-order='{name}']")).to_contain_text("Ana says so", timeout=3_000)
    for page in (ana, ben):
        sound(page)
        page.context.close()


def test_one_that_is_raised_appears_and_goes_when_it_is_closed(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana", "/exceptions")
    expect(page.locator(".live")).to_have_text("Live")
    before = page.locator(".totals dd").first.inner_text()
    page.request.post("/test/raise?closes=false")
    expect(page.locator("[data-order='NEW']")).to_contain_text(TITLES["pick_short"], timeout=2_000)
    assert page.locator(".totals dd").first.inner_text() == str(int(before) + 1)
    page.request.post("/test/raise?closes=true")
    expect(page.locator("[data-order='NEW']")).to_have_count(0, timeout=2_000)
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_the_page_of_one_corrects_it_with_or_without_script(
    browser: Browser, address: str, script: bool
) -> None:
    page = arrived(browser, address, "Ana", "/exceptions", java_script_enabled=script)
    page.locator("a.order").first.click()
    expect(page.get_by_role("heading", name="Playbook")).to_be_visible()
    page.get_by_role("button", name=TITLES["carrier_delay"]).click()
    expect(page.locator("h1")).to_have_text(TITLES["carrier_delay"])
    expect(page.locator("#class")).to_contain_text("Ana says so")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#class")).to_contain_text("Ana took the correction back")
    sound(page)
    page.context.close()


def test_without_script_a_filter_is_applied_and_several_are_corrected(
    browser: Browser, address: str
) -> None:
    page = arrived(browser, address, "Ana", "/exceptions", java_script_enabled=False)
    page.get_by_label("Kind").select_option("pick_short")
    page.get_by_role("button", name="Apply").click()
    boxes = page.locator("#list [name=order]")
    for at in (0, 1):
        boxes.nth(at).check()
    page.get_by_role("button", name=TITLES["credit_hold"], exact=True).click()
    expect(page.locator("#report")).to_have_text("Corrected: 2 exceptions.")
    sound(page)
    page.context.close()


@pytest.mark.parametrize("path", ["/exceptions", "/operations", "/models"])
@pytest.mark.parametrize("width", [1360, 390])
def test_a_page_fits_its_window(browser: Browser, address: str, path: str, width: int) -> None:
    page = arrived(browser, address, "Ana", path)
    page.set_viewport_size({"width": width, "height": 844})
    sound(page)
    heights = page.locator("#list .row").evaluate_all("rows => rows.map(r => r.offsetHeight)")
    assert width == 390 or len(set(heights)) <= 1
    page.context.close()


def test_the_keys_lead_to_the_queue(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana")
    page.keyboard.press("g")
    page.keyboard.press("x")
    expect(page).to_have_url(f"{address}/exceptions")
    page.context.close()
