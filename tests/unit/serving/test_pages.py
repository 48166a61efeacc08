from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.testclient import TestClient
from tests import fakes

from triage.advice.assessment import Assessment, Priority, Reason
from triage.advice.reasons import DelayDays
from triage.serving.advisor import WorkItem, Worklist
from triage.serving.app import create_app
from triage.serving.pages import waterfall
from triage.settings import Settings


class Structure(HTMLParser):
    """Collects what a page must not have."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.tables = 0
        self.deepest = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.ids.append(str(said["id"]))
        self.inline += [name for name in said if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in said):
            self.inline.append(tag)
        if tag == "table":
            self.tables += 1
            self.deepest = max(self.deepest, self.tables)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables -= 1


def over(*items: WorkItem) -> TestClient:
    advisor = fakes.FakeAdvisor(Worklist(fakes.NOW, items))
    return TestClient(create_app(lambda: advisor, Settings()))


FIRST = fakes.worklist(3, 3).items[0].assessment.order_id
PAGES = ["/", "/?view=already_late", "/?q=zzzz", "/?page=99", f"/orders/{FIRST}", "/orders/none"]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_sound(client: TestClient, address: str) -> None:
    page = Structure(client.get(address).text)
    assert len(page.ids) == len(set(page.ids))
    assert page.inline == []
    assert page.deepest <= 1


def test_the_list_shows_the_first_fifty_in_rank_order(client: TestClient) -> None:
    shown = re.findall(r'class="order" href="/orders/([^"]+)"', client.get("/").text)
    ranked = [item["order_id"] for item in client.get("/v1/worklist").json()["items"]]
    assert shown == ranked


def test_a_page_tells_what_helps_as_found_when_other_ways_were_looked_for() -> None:
    first = Priority(1.0, "tell_customer", 5.0, 0.25, fakes.NOW, "tell them", ())
    item = fakes.worklist(1, 0).items[0]

    class Looking(fakes.FakeAdvisor):
        def score_id(
            self, order_id: str, as_of: int | None = None, *, ways: bool = False
        ) -> Assessment:
            found = super().score_id(order_id, as_of)
            return replace(found, priority=first) if ways else found

    before = replace(item.assessment, priority=replace(first, why="book it"))
    advisor = Looking(Worklist(fakes.NOW, (replace(item, assessment=before),)))
    with TestClient(create_app(lambda: advisor, Settings())) as client:
        text = client.get(f"/orders/{before.order_id}").text
    assert "tell them." in text
    assert "book it" not in text


def test_a_list_sorted_by_promise_starts_with_the_nearest(client: TestClient) -> None:
    text = client.get("/?sort=promise").text
    shown = re.findall(r'class="order" href="/orders/([^"]+)"', text)
    orders = {i.assessment.order_id: i.assessment for i in fakes.worklist().items}
    promises = [orders[order_id].promised_by for order_id in shown]
    assert promises == sorted(promises)
    assert 'aria-sort="ascending"' in text


def test_paging_keeps_the_filters(client: TestClient) -> None:
    text = client.get("/?q=lane&sort=risk").text
    assert 'rel="next" href="/?q=lane&amp;sort=risk&amp;page=2"' in text


def test_nothing_at_risk_and_nothing_found_are_told_apart(client: TestClient) -> None:
    assert "No order matches" in client.get("/?q=zzzz").text
    assert "beyond the end" in client.get("/?page=99").text
    empty = over()
    assert "Nothing is at risk" in empty.get("/").text
    assert "Nothing is late" in empty.get("/?view=already_late").text


def test_free_text_is_shown_as_text() -> None:
    item = fakes.worklist(1, 0).items[0]
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    order = replace(item.assessment, customer=evil, site=evil, order_id=f"../{evil}/a b?c#d%")
    client = over(WorkItem(1, order))
    text = client.get("/", params={"q": evil}).text
    assert "<script>alert" not in text
    assert Structure(text).inline == []
    address = re.findall(r'class="order" href="([^"]+)"', client.get("/").text)[0]
    page = client.get(address)
    assert page.status_code == 200
    assert Structure(page.text).inline == []


def test_an_order_that_is_not_on_the_list_gets_a_page_that_says_so(client: TestClient) -> None:
    answer = client.get("/orders/<b>")
    assert answer.status_code == 404
    assert "not on the list" in answer.text
    assert "<b>" not in answer.text


def test_an_order_page_says_what_a_probability_means(client: TestClient) -> None:
    top = client.get("/v1/worklist").json()["items"][0]
    text = client.get(f"/orders/{top['order_id']}").text
    said = re.search(r"Of 100 orders that look like this one, about (\S+) are late; (.+?)\.", text)
    assert said is not None
    assert re.fullmatch(r"if late, by 2 to [3-6] days", said[2])
    assert "If nothing changes: expect delivery" in text
    assert fakes.INFO.digest[:12] in text


def test_an_order_page_says_to_which_causes_its_risk_is_put_down(client: TestClient) -> None:
    items = client.get("/v1/worklist", params={"page_size": 500}).json()["items"]
    raised = next(item for item in items if item["causes"])
    text = client.get(f"/orders/{raised['order_id']}").text
    assert "Mostly: Warehouse\u00a057%, Carrier\u00a030%<" in text
    usual = next(item for item in items if not item["causes"])
    assert "Mostly:" not in client.get(f"/orders/{usual['order_id']}").text


def test_an_order_that_is_late_has_no_probability(client: TestClient) -> None:
    late = client.get("/v1/worklist", params={"state": "already_late"}).json()["items"][0]
    text = client.get(f"/orders/{late['order_id']}").text
    assert "Of 100 orders" not in text
    assert "expect delivery" in text


@given(
    typical=st.floats(0, 1),
    p_late=st.floats(0, 1),
    effects=st.lists(st.tuples(st.floats(-90, 90), st.floats(-40, 40)), max_size=8),
    middle=st.floats(-60, 60),
)
def test_the_shown_numbers_of_a_waterfall_add_up(
    typical: float, p_late: float, effects: list[tuple[float, float]], middle: float
) -> None:
    one = fakes.assessment(100, "at_risk")
    reasons = tuple(
        replace(one.reasons[0], code=f"c{at}", effect_pp=effect)
        for at, (effect, _) in enumerate(effects)
    )
    days = {f"c{at}": each for at, (_, each) in enumerate(effects)} | {"no reason": 3.3}
    falls = waterfall.of(
        replace(one, typical=typical, p_late=p_late, reasons=reasons, delay_days=(0, middle, 0)),
        DelayDays(-2.25, days),
    )
    *steps, end = falls.bars
    assert sum(bar.tenths for bar in steps) == end.tenths == round(1000 * p_late)
    assert sum(bar.days for bar in steps) == end.days == round(10 * middle)
    assert all(bar.left >= 0 and bar.left + bar.width <= 101 for bar in falls.bars)
    assert all(0 <= bar.end <= 100.01 for bar in falls.bars)


def test_what_a_sentence_does_not_number_is_shown_in_words_beside_the_usual() -> None:
    reason = Reason(
        "promise", "It is promised for a Monday", "promise_weekday", 0.0, 2.0, "weekday", -2.1,
        "Order management", False,
    )  # fmt: skip
    assert waterfall.Bar("step", "", 0, 0, 0, 0, 0, reason).evidence == "Monday; typical Wednesday"


def test_an_order_that_the_model_knows_too_little_of_says_so_in_the_list_and_on_its_page() -> None:
    first, *more = fakes.worklist(3, 0).items
    doubted = replace(first.assessment, unsure=("Unlike past orders in: weight",))
    items = (replace(first, assessment=doubted), *more)
    app = create_app(lambda: fakes.FakeAdvisor(Worklist(fakes.NOW, items)), Settings())
    with TestClient(app) as client:
        listed, shown = client.get("/").text, client.get(f"/orders/{doubted.order_id}").text
    assert listed.count(">Needs a person<") == 1
    assert "Needs a person: the model knows too little" in shown
    assert "</b> Unlike past orders in: weight" in shown


def test_a_full_list_with_all_that_it_brings_weighs_less_than_200_kilobytes(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path), cookies={"triage_you": "Ana"}) as client:
        page = client.get("/")
        brought = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        sizes = [len(client.get(each).content) for each in dict.fromkeys(brought)]
    assert page.text.count('class="row"') == 50
    assert len(sizes) >= 5
    assert len(page.content) + sum(sizes) < 200_000
