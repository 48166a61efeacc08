"""Notes that ask somebody, orders that go up, customers that are told, and who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem
from tests.unit.serving.test_bulk import named, sent

from triage.advice.assessment import CauseShare
from triage.advice.work_policy import EscalationPolicy, WorkPolicy
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_MINUTE
from triage.ledger.ledger import Ledger
from triage.serving import texts
from triage.serving.changes import Changes
from triage.serving.handling.desk import HandlingDesk
from triage.serving.handling.mentions import names_of, words_in
from triage.serving.handling.state import Act, fold
from triage.serving.pages import message
from triage.serving.pages.presence import Presence

FIRST = fakes.worklist().items[0].assessment.order_id
INSIDE = ("warehouse ONT", "%", "points", "model", "credit", "WMS", "ERP", "risk")


class Escalating(fakes.FakeAdvisor):
    policy = fakes.POLICY.model_copy(
        update={"work": WorkPolicy(escalations=(EscalationPolicy(to="shift lead", because="x"),))}
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = fakes.app(folder=tmp_path, advisor=Escalating())
    with TestClient(app, raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("@ben look", {"ben"}),
        ("@Ben, @ana.", {"ben", "ana"}),
        ("mail to ben@example.com", set()),
        ("@ŻanetaÖ?", {"żanetaö"}),
        ("@@ben @ ben", set()),
        ("(@j.smith)", {"j.smith"}),
    ],
)
def test_an_at_before_a_name_asks_somebody(text: str, asked: set[str]) -> None:
    assert words_in(text) == asked


@given(name=st.from_regex(r"[A-Za-zŻżÖö]{1,9}( [A-Za-z]{1,9}){0,2}", fullmatch=True))
def test_everybody_can_be_called_by_the_first_name_and_by_the_whole(name: str) -> None:
    first, whole = name.split(maxsplit=1)[0], name.replace(" ", "")
    assert words_in(f"please @{first}") <= names_of(name)
    assert words_in(f"please @{whole}") <= names_of(name)


def test_who_is_asked_has_answered_once_they_act() -> None:
    asked = Act("note", "Ana", text="@ben and @cem?", id="1", seq=1)
    answered = Act("useful", "Ben Öz", id="2", seq=2)
    assert fold([asked]).mentions == {"ben", "cem"}
    assert fold([asked, answered]).mentions == {"cem"}
    undo = Act("undo", "Ana", entry="1", id="3", seq=3)
    assert fold([asked, answered, undo]).mentions == frozenset()
    assert fold([answered, asked]).mentions == {"ben", "cem"}


def test_an_order_goes_up_to_whom_the_policy_names_and_to_nobody_else(client: TestClient) -> None:
    body = {"by": "Ana", "action": "escalate", "to": "shift lead", "text": "gate closes at 4"}
    done = client.post(f"/v1/worklist/{FIRST}/actions", json=body).json()
    assert done["handling"]["escalated"] == "shift lead"
    refused = client.post(f"/v1/worklist/{FIRST}/actions", json=body | {"to": "the pope"})
    assert assert_problem(refused, 422)["errors"][0]["pointer"] == "/to"
    page = client.get(f"/orders/{FIRST}").text
    assert "The shift lead was told." in page
    assert "gate closes at 4" in page
    listed = client.get("/v1/worklist", params={"handled": "escalated"}).json()["items"]
    assert [item["order_id"] for item in listed] == [FIRST]


def test_a_message_that_was_sent_is_on_record_as_it_was_sent(client: TestClient) -> None:
    form = [("do", "inform"), ("text", "Dear all,\r\nit is late."), ("after", "")]
    assert sent(client, f"/orders/{FIRST}", form).status_code == 303
    told = client.get(f"/v1/worklist/{FIRST}/history").json()
    assert told["entries"][0]["text"] == "Dear all,\r\nit is late."
    assert told["handling"]["informed_at"] is not None
    assert "Customer told" in client.get("/").text


@given(
    cause=st.sampled_from(sorted(texts.order.CUSTOMER_CAUSES)),
    days=st.tuples(st.floats(-5, 5), st.floats(0, 9), st.floats(0, 9)),
    number=st.integers(0, 60),
)
def test_a_draft_tells_order_and_dates_and_nothing_of_the_inside(
    cause: str, days: tuple[float, float, float], number: int
) -> None:
    low, more, most = days
    order = replace(
        fakes.assessment(number, "at_risk"),
        delay_days=(low, low + more, low + more + most),
        causes=(CauseShare(cause, 1.0),),  # type: ignore[arg-type]
    )
    said = message.draft(order, fakes.NOW, "Europe/Berlin")
    assert order.order_id in said.subject
    assert order.order_id in said.body
    assert texts.order.CUSTOMER_CAUSES[cause] in said.body  # type: ignore[index]
    assert not any(word in said.body for word in INSIDE)
    assert "None" not in said.body


def test_a_draft_promises_no_day_that_has_passed() -> None:
    order = replace(fakes.assessment(5, "already_late"), promised_by=fakes.NOW - MICROS_PER_DAY)
    said = message.draft(replace(order, delay_days=(-9.0, -3.0, -2.0)), fakes.NOW, "UTC")
    assert "was promised for" in said.body
    assert "deliver it on Wed 29 Aug" in said.body


def test_who_looks_at_an_order_is_seen_by_others_until_a_minute_after() -> None:
    presence = Presence()
    assert presence.look("A", "Ana", 0) == []
    assert presence.look("A", "Ben", 10) == ["Ana"]
    assert presence.look("A", "", 20) == ["Ana", "Ben"]
    assert presence.look("B", "Ana", 30) == []
    assert presence.look("A", "Ana", MICROS_PER_MINUTE + 40) == []


def test_who_listens_hears_what_people_do(tmp_path: Path) -> None:
    ledger, changes = Ledger.open(tmp_path), Changes()
    desk = HandlingDesk(ledger, changes)

    async def hear() -> list[tuple[str, dict[str, object]]]:
        with changes.listening() as queue:
            await desk.act("A", Act("assign", "Ana", "Ben", at=1))
            await desk.act("A", Act("note", "Ben", text="secret", at=2))
            return [(each[1], each[2]) for each in (queue.get_nowait(), queue.get_nowait())]

    heard = asyncio.run(hear())
    ledger.close()
    assert [told for told, _ in heard] == ["work.changed"] * 2
    assert [(f["order_id"], f["action"], f["by"], f["to"]) for _, f in heard] == [
        ("A", "assign", "Ana", "Ben"),
        ("A", "note", "Ben", None),
    ]
    assert "secret" not in str(heard)
