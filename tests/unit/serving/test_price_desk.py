"""Prices beside a score: for stored and whole orders, absent without a model, shown on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.histories import history_of
from tests.unit.models.test_prices import numbers

from triage.domain.clock import from_micros
from triage.domain.records import Order, OrderLine
from triage.models.bundle import write_bundle
from triage.models.champion import bundle_folder, point_to
from triage.models.prices import FILE, NAME, PriceModel, dumped
from triage.serving.app import create_app
from triage.serving.price_desk import PriceDesk, load_price_desk
from triage.serving.schemas import ScoreAnswer
from triage.settings import Settings

MOMENT = from_micros(fakes.NOW - 3_600_000_000)
LINES = (
    OrderLine(line_no=1, sku="A", quantity=5, unit_price=20.0, contract_price=20.0),
    OrderLine(line_no=2, sku="A", quantity=5, unit_price=240.0, contract_price=20.0,
              case_quantity=12, category="Tools"),
    OrderLine(line_no=3, sku="NEVER SEEN", unit_price=5.0),
    OrderLine(line_no=4, sku="A", contract_price=20.0),
)  # fmt: skip


def stored(order_id: str) -> Order:
    return Order(
        order_id=order_id, event_time=MOMENT, record_time=MOMENT, promised_by=MOMENT,
        customer_id="C", lines=LINES,
    )  # fmt: skip


OPEN_ID = fakes.FakeAdvisor().worklist().items[0].assessment.order_id
DESK = PriceDesk(PriceModel(numbers()), history_of([stored(OPEN_ID), stored("OTHER")]))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    advisor = fakes.FakeAdvisor()
    app = create_app(lambda: advisor, Settings(), clock=lambda: fakes.NOW, prices=DESK)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def test_stored_and_whole_orders_give_the_same_lines() -> None:
    assert DESK.of_id("OTHER") == DESK.of_order(stored("OTHER"))
    assert [price.line_no for price in DESK.of_id("OTHER")] == [1, 2]
    assert DESK.of_id("NO SUCH ORDER") == ()


def test_a_score_names_the_line_with_the_wrong_price(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"order_id": OPEN_ID}).json()
    ScoreAnswer.model_validate(answer)
    first, second = answer["lines"]
    assert (first["line_no"], first["price"]["anomalous"], first["price"]["reason"]) == (
        1, False, None,
    )  # fmt: skip
    assert (second["line_no"], second["price"]["kind"]) == (2, "unit")
    assert second["price"]["low"] < 20.0 < second["price"]["high"]
    assert "case of 12" in second["price"]["reason"]


def test_an_order_sent_whole_and_a_batch_carry_lines_too(client: TestClient) -> None:
    order = stored("NEW").model_dump(mode="json")
    whole = client.post("/v1/score", json={"order": order}).json()
    assert [line["price"]["anomalous"] for line in whole["lines"]] == [False, True]
    batch = client.post("/v1/score/batch", json={"orders": [{"order_id": OPEN_ID}]}).json()
    assert [line["line_no"] for line in batch["items"][0]["answer"]["lines"]] == [1, 2]


def test_without_a_model_of_prices_nothing_is_said_about_lines() -> None:
    with TestClient(fakes.app(Settings())) as client:
        answer = client.post("/v1/score", json={"order_id": OPEN_ID}).json()
        page = client.get(f"/orders/{OPEN_ID}").text
    assert "lines" not in answer
    assert "Prices to look at" not in page


def test_the_page_of_an_order_shows_only_the_lines_to_look_at(client: TestClient) -> None:
    page = client.get(f"/orders/{OPEN_ID}").text
    assert "Prices to look at" in page
    assert "<b>Line 2</b>: 240.00 is 12 times the contract price of 20.00" in page
    assert "<b>Line 1</b>" not in page


def test_the_champion_of_prices_is_loaded_and_a_damaged_one_only_leaves_prices_out(
    tmp_path: Path,
) -> None:
    settings, history = Settings(home=tmp_path), history_of([stored("OTHER")])
    assert load_price_desk(settings, history) is None
    digest = write_bundle(tmp_path / "bundle", NAME, {FILE: dumped(numbers())})
    folder = bundle_folder(tmp_path, NAME, digest)
    write_bundle(folder, NAME, {FILE: dumped(numbers())})
    point_to(tmp_path, NAME, {"digest": digest, "version": "1"})
    desk = load_price_desk(settings, history)
    assert desk is not None
    assert desk.of_id("OTHER") == DESK.of_id("OTHER")
    (folder / FILE).write_text("{}")
    assert load_price_desk(settings, history) is None
