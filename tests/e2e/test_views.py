"""Saved views, shared causes, columns and the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests import fakes
from tests.e2e.moving import arrived, moving, sound, top
from tests.e2e.running import NEEDS_BROWSER

pytestmark = NEEDS_BROWSER
ORDERS = [item.assessment.order_id for item in top(50)]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with moving(tmp_path) as found:
        yield found


def test_a_view_is_saved_for_all_counted_live_and_deleted(browser: Browser, address: str) -> None:
    ana = arrived(browser, address, "Ana", "/?band=critical&site=ONT-4")
    shown = ana.locator("a.order").count()
    ana.get_by_text("Save view").click()
    ana.get_by_label("Name of the view").fill("Ontario, now")
    ana.get_by_label("For everybody").check()
    ana.get_by_role("button", name="Save", exact=True).click()
    tab = ana.get_by_role("link", name="Ontario, now")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab.locator(".count")).to_have_text(str(shown))
    ben = arrived(browser, address, "Ben")
    ben.get_by_role("link", name="Ontario, now").click()
    expect(ben.locator(".live")).to_have_text("Live")
    ben.locator("a.order").first.focus()
    ben.keyboard.press("e")
    ben.keyboard.press("9")
    expect(tab.locator(".count")).to_have_text(str(shown - 1))
    ben.get_by_role("button", name="Delete view").click()
    expect(ben.get_by_role("link", name="Ontario, now")).to_have_count(0)
    for page in (ana, ben):
        sound(page)
        page.context.close()


def test_orders_that_share_a_cause_stand_together(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", "/?by=cause")
    group = page.locator(".group").first
    expect(group.locator("summary")).to_contain_text("wait for the warehouse")
    count = int(group.locator("summary b").inner_text().split()[0])
    assert count >= 5
    group.locator("summary").click()
    expect(group.locator("table")).to_be_hidden()
    group.locator("summary").click()
    sound(page)
    group.get_by_role("link", name=f"All {count} orders").click()
    expect(page.locator(".row")).to_have_count(min(count, 50))
    sound(page)
    page.context.close()


def test_columns_are_chosen_and_remembered(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Stage").check()
    page.get_by_label("Expected loss").uncheck()
    page.get_by_role("button", name="Show these").click()
    heads = page.get_by_role("columnheader")
    expect(heads.filter(has_text="Stage")).to_have_count(1)
    expect(heads.filter(has_text="Expected loss")).to_have_count(0)
    page.goto("/?band=high")
    expect(heads.filter(has_text="Stage")).to_have_count(1)
    sound(page)
    page.context.close()


def test_the_file_holds_what_is_filtered(browser: Browser, address: str) -> None:
    page = arrived(browser, address, "Ana", "/?band=critical")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename == "triage-2018-08-29.csv"
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    told = [row["order"] for row in csv.DictReader(io.StringIO(text))]
    items = [i.assessment for i in fakes.worklist().items]
    at_risk = [o.order_id for o in items if o.band == "critical" and o.state == "at_risk"]
    assert told == at_risk
    page.context.close()
