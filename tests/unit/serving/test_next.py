"""Claiming the next order: one person each, by rank, and never again what was passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.test_bulk import named, sent

from triage.domain.clock import MICROS_PER_HOUR
from triage.ledger.ledger import Ledger
from triage.serving.advisor import WorkItem, Worklist
from triage.serving.handling.desk import HandlingDesk
from triage.serving.pages.frame import Looking
from triage.serving.pages.guided import PASSED_HOURS, claim
from triage.serving.worklist_index import WorklistIndex

ORDERS = [item.assessment.order_id for item in fakes.worklist().items]


class Clock:
    now = fakes.NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path, clock=clock), raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


def taken(client: TestClient) -> str:
    location: str = sent(client, "/next", []).headers["location"]
    return location.removeprefix("/orders/").removesuffix("?guided=1")


def looking(you: str, items: tuple[WorkItem, ...]) -> Looking:
    index = WorklistIndex(Worklist(fakes.NOW, items))
    return Looking(cast("Any", None), you, fakes.FakeAdvisor(), index, fakes.NOW, "UTC", {}, 0)


def test_many_who_claim_at_once_never_get_the_same(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    desk = HandlingDesk(ledger)
    items = fakes.worklist(30, 0).items
    people = [f"P{number}" for number in range(40)]

    async def all_at_once() -> list[str | None]:
        return list(await asyncio.gather(*(claim(desk, looking(who, items)) for who in people)))

    got = asyncio.run(all_at_once())
    ledger.close()
    given = [order_id for order_id in got if order_id is not None]
    assert sorted(given) == sorted(item.assessment.order_id for item in items)
    assert got.count(None) == 10
    for who, order_id in zip(people, got, strict=True):
        if order_id is not None:
            assert desk.of_order(order_id).state.owner == who
            assert len(desk.of_order(order_id).acts) == 1


def test_what_fits_into_peoples_time_comes_before_what_does_not(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    first, second, *rest = fakes.worklist(5, 0).items
    seen = looking("Ana", (replace(first, fits=False), second, *rest))
    assert asyncio.run(claim(HandlingDesk(ledger), seen)) == second.assessment.order_id
    ledger.close()


def test_the_next_is_the_first_that_is_open_and_nobodys(client: TestClient) -> None:
    for order_id, asked in (
        (ORDERS[0], {"action": "assign"}),
        (ORDERS[1], {"action": "dispose", "code": "other"}),
        (ORDERS[2], {"action": "snooze", "worse_by": 50}),
    ):
        client.post(f"/v1/worklist/{order_id}/actions", json={"by": "Ben"} | asked)
    assert taken(client) == ORDERS[3]
    assert taken(client) == ORDERS[4]


def test_what_is_passed_on_needs_a_reason_and_goes_to_others(
    client: TestClient, clock: Clock
) -> None:
    assert taken(client) == ORDERS[0]
    form = [("guided", "1"), ("do", "skip"), ("why", "")]
    assert sent(client, f"/orders/{ORDERS[0]}", form).status_code == 422
    form[-1] = ("why", "not_mine")
    answer = sent(client, f"/orders/{ORDERS[0]}", form)
    assert answer.headers["location"] == f"/orders/{ORDERS[1]}?guided=1"
    told = client.get(f"/v1/worklist/{ORDERS[0]}/history").json()
    assert told["handling"]["owner"] is None
    assert told["entries"][-1]["why"] == "not_mine"
    named(client, "Ben")
    assert taken(client) == ORDERS[0]
    sent(client, f"/orders/{ORDERS[0]}", [("do", "unassign")])
    named(client, "Ana")
    assert taken(client) == ORDERS[2]
    clock.now += PASSED_HOURS * MICROS_PER_HOUR
    assert taken(client) == ORDERS[0]


def test_when_nothing_waits_it_says_so(tmp_path: Path) -> None:
    advisor = fakes.FakeAdvisor(fakes.worklist(1, 3))
    with TestClient(fakes.app(folder=tmp_path, advisor=advisor)) as client:
        named(client, "Ana")
        order_id = advisor.worklist().items[0].assessment.order_id
        assert taken(client) == order_id
        answer = sent(client, f"/orders/{order_id}", [("do", "dispose:other"), ("guided", "1")])
        assert answer.headers["location"] == "/next?done=1"
        assert "Nothing waits" in client.get("/next").text


def test_who_gave_no_name_is_asked_for_it(client: TestClient) -> None:
    client.cookies.clear()
    assert "Say who you are" in client.get("/next").text
    assert sent(client, "/next", []).status_code == 422
    assert "say who you are first" in sent(client, "/next", []).text
