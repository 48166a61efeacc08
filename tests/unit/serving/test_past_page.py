"""An order's page tells its past, links into the ERP and says when an order is held out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import beside
from tests.unit.serving.test_bulk import named
from tests.unit.serving.test_next import taken
from tests.unit.serving.test_pages import Structure
from tests.unit.serving.test_work_page import FIRST, LATE, press

from triage.advice.policy import HoldOutPolicy, LinksPolicy
from triage.history.log import Log
from triage.serving.main import create
from triage.settings import Settings

HELD = HoldOutPolicy(share=0.3, salt="t")


class Holding(fakes.FakeAdvisor):
    """Has a policy that holds some orders out and knows the ERP."""

    policy = fakes.POLICY.model_copy(
        update={"hold_out": HELD, "links": LinksPolicy(order="https://erp.example/{order_id}")}
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path), raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[TestClient]:
    app = fakes.app(folder=tmp_path / "holding", advisor=Holding())
    with TestClient(app, raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


def test_the_risk_is_drawn_with_words_and_what_people_did(client: TestClient) -> None:
    text = press(client, "assign")
    drawing = text[text.index('<svg class="path"') : text.index('<ol class="moves">')]
    assert 'role="img" aria-labelledby="moved-title moved-text"' in drawing
    assert f'<title id="moved-title">Risk of {FIRST} over time</title>' in drawing
    assert drawing.count("<circle") == 2
    assert drawing.count('class="path-act"') == 1
    words = text[text.index('<ol class="moves">') :].split("</ol>")[0]
    assert re.findall(r"<span>([^<]+)</span>", words) == ["Ordered", "Ana took it", "Now"]
    assert Structure(text).inline == []


def test_what_was_taken_back_is_not_drawn(client: TestClient) -> None:
    text = press(client, "assign")
    entry = re.findall(r'name="entry" value="([^"]+)"', text)[0]
    assert 'class="path-act"' not in press(client, "undo", entry=entry)


def test_a_late_order_ends_with_the_word_late(client: TestClient) -> None:
    text = client.get(f"/orders/{LATE}").text
    words = text[text.index('<ol class="moves">') :].split("</ol>")[0]
    assert "<b>Late</b>" in words


def test_the_timeline_is_folded_and_tells_both_times(client: TestClient) -> None:
    press(client, "assign")
    text = press(client, "note", text="<b>calls</b> at 3")
    known = text[text.index('<details class="known">') :].split("</details>")[0]
    assert "3 entries, newest first" in known
    assert "Ana noted: &lt;b&gt;calls&lt;/b&gt; at 3" in known
    assert "<b>Known late</b>" not in known
    assert (
        'class="known-late">Known late</b>: happened Tue 28 Aug, 11:00, known 23\u00a0h'
        not in known
    )
    assert "happened Tue 28 Aug, 11:00, known 23\u00a0h later" in known
    assert known.index("noted") < known.index("took it") < known.index("Ordered")


def test_without_a_template_there_is_no_link_and_with_one_it_tells_no_referrer(
    client: TestClient, holding: TestClient
) -> None:
    assert "Open in the ERP" not in client.get(f"/orders/{FIRST}").text
    link = f'href="https://erp.example/{FIRST}" rel="noreferrer"'
    assert link in holding.get(f"/orders/{FIRST}").text


def test_held_out_orders_are_told_on_list_and_page(client: TestClient, holding: TestClient) -> None:
    text = holding.get("/").text
    for row in re.findall(r'<tr role="row" class="row".*?</tr>', text, re.DOTALL):
        name = re.findall(r'data-order="([^"]+)"', row)[0]
        assert ("Leave alone" in row) == HELD.holds(name)
        page = holding.get(f"/orders/{name}").text
        assert ("please leave this order alone" in page) == HELD.holds(name)
    assert "Leave alone" in text
    assert "Leave alone" not in client.get("/").text


def test_guided_work_hands_out_no_held_out_order(holding: TestClient) -> None:
    given = [taken(holding) for _ in range(20)]
    ranked = [item.assessment.order_id for item in fakes.worklist().items]
    assert given == [name for name in ranked if not HELD.holds(name)][:20]
    assert any(HELD.holds(name) for name in ranked[:20])


def test_orders_like_it_and_stale_feeds_are_told_from_the_log(home: Path) -> None:
    settings = Settings(home=home, record=False)
    with beside(create(settings)) as client:
        listed = client.get("/v1/worklist").json()["items"]
        text = client.get(f"/orders/{listed[0]['order_id']}").text
    assert re.search(r"past orders? (like this one|went the same way)", text)
    past = re.findall(r'<th role="rowheader" scope="row">(\w+)</th>', text)
    known = Log(home).read().milestones
    delivered = set(known.loc[known["milestone"] == "delivered", "order_id"])
    assert past
    assert delivered.issuperset(past)
    page = Structure(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.deepest <= 1
    assert page.inline == []
    assert len(text.encode()) < 200_000
