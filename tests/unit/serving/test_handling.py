"""What people do with an order: laws of the fold, manners of the API."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem, beside

from triage.domain.clock import MICROS_PER_HOUR, from_micros
from triage.ledger.ledger import Ledger
from triage.serving.handling.desk import HandlingDesk
from triage.serving.handling.schemas import ActionAnswer, HistoryAnswer
from triage.serving.handling.state import Act, Action, Code, Handled, Level, fold, undone
from triage.serving.main import create
from triage.settings import Settings

ITEMS = fakes.worklist().items
FIRST = ITEMS[0].assessment.order_id
_SOME: list[Action] = ["assign", "note", "useful", "priority", "undo"]
NAMES = st.sampled_from(["Ana", "Ben", "Żaneta"])


@st.composite
def histories(draw: st.DrawFn, most: int = 12) -> list[Act]:
    """Acts of one order as a ledger could hold them, undos of undos too."""
    acts: list[Act] = []
    for number in range(draw(st.integers(0, most))):
        action = draw(st.sampled_from(get_args(Action)))
        if action == "undo" and not acts:
            action = "note"
        acts.append(
            Act(
                action, draw(NAMES), to=draw(NAMES),
                until=draw(st.none() | st.integers(0, 9)), risk=draw(st.none() | st.floats(0, 1)),
                code=draw(st.sampled_from(get_args(Code))),
                level=draw(st.none() | st.sampled_from(get_args(Level))),
                entry=draw(st.sampled_from([a.id for a in acts])) if action == "undo" else None,
                id=f"e{number}", seq=number + 1, at=number,
            )
        )  # fmt: skip
    return acts


def one_more(acts: list[Act], **said: Any) -> list[Act]:
    number = len(acts)
    return [*acts, Act(id=f"e{number}", seq=number + 1, at=number, **said)]


@given(acts=histories().filter(bool))
def test_undoing_the_last_act_brings_the_former_state_back(acts: list[Act]) -> None:
    after = one_more(acts, action="undo", entry=acts[-1].id)
    assert fold(after) == fold(acts[:-1])


@given(acts=histories().filter(bool))
def test_undoing_an_undo_is_as_if_neither_had_been(acts: list[Act]) -> None:
    gone = one_more(acts, action="undo", entry=acts[-1].id)
    back = one_more(gone, action="undo", entry=gone[-1].id)
    assert fold(back) == fold(acts)


@given(acts=histories())
def test_an_act_that_is_undone_might_as_well_be_missing(acts: list[Act]) -> None:
    gone = undone(acts)
    assert fold(acts) == fold([a for a in acts if a.id not in gone and a.action != "undo"])


@given(acts=histories(), order=st.randoms(use_true_random=False))
def test_the_order_in_which_entries_become_known_does_not_matter(
    acts: list[Act], order: Any
) -> None:
    shuffled = list(acts)
    order.shuffle(shuffled)
    handled = Handled()
    for act in shuffled:
        handled = handled.and_then(act)
    assert handled == Handled(tuple(acts))


@given(acts=histories(), p_late=st.floats(0, 1), now=st.integers(0, 9))
def test_what_is_done_with_never_comes_back_by_itself(
    acts: list[Act], p_late: float, now: int
) -> None:
    state = fold(acts)
    assert (state.place(p_late, now) == "disposed") == (state.disposed is not None)


@settings(max_examples=15, deadline=None)
@given(told=st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 999)), max_size=25))
def test_what_is_rebuilt_from_the_ledger_is_what_was_in_memory(
    told: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("ledger")

    async def work(desk: HandlingDesk) -> None:
        for number, (order_id, dice) in enumerate(told):
            handled = desk.of_order(order_id)
            open_acts = [a.id for a in handled.acts if a.id not in handled.undone]
            action: Action = _SOME[dice % len(_SOME)]
            if action == "undo" and not open_acts:
                action = "note"
            entry = open_acts[dice % len(open_acts)] if action == "undo" else None
            act = Act(
                action, "Ana", to=f"P{number}", text=f"ü{dice}", entry=entry, at=dice, level="first"
            )
            await desk.act(order_id, act, after=handled.last)

    with_ledger = Ledger.open(folder)
    desk = HandlingDesk(with_ledger)
    asyncio.run(work(desk))
    again = HandlingDesk(with_ledger)
    assert again.orders == desk.orders
    assert sum(len(handled.acts) for handled in desk.orders.values()) == len(told)
    for order_id in desk.orders:
        alone = list(desk.of_order(order_id).acts)
        assert desk.of_order(order_id).state == fold(alone)
    with_ledger.close()


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
        yield made


def do(client: TestClient, order_id: str = FIRST, **asked: object) -> ActionAnswer:
    body = {"by": "Ana"} | asked
    answer = client.post(f"/v1/worklist/{order_id}/actions", json=body)
    assert answer.status_code == 200, answer.text
    return ActionAnswer.model_validate_json(answer.content)


def refused(client: TestClient, status: int, order_id: str = FIRST, **asked: Any) -> Any:
    body = {"by": "Ana"} | asked
    return assert_problem(client.post(f"/v1/worklist/{order_id}/actions", json=body), status)


def listed(client: TestClient, **params: str) -> list[str]:
    items = client.get("/v1/worklist", params=params).json()["items"]
    return [item["order_id"] for item in items]


def test_a_disposed_order_leaves_the_list_and_undo_brings_it_back(client: TestClient) -> None:
    done = do(client, action="dispose", code="customer_informed", text="called Mr Osprey")
    assert done.handling.place == "disposed"
    assert FIRST not in listed(client)
    assert listed(client, handled="disposed") == [FIRST]
    assert listed(client, handled="all")[0] == FIRST
    do(client, action="undo", entry=done.entry_id, by="Ben")
    assert listed(client)[0] == FIRST


def test_a_snooze_ends_at_its_moment(client: TestClient, clock: Clock) -> None:
    until = from_micros(clock.now + MICROS_PER_HOUR).isoformat()
    asleep = do(client, action="snooze", until=until).handling
    assert asleep.place == "snoozed"
    assert listed(client, handled="snoozed") == [FIRST]
    clock.now += MICROS_PER_HOUR - 1
    assert FIRST not in listed(client)
    clock.now += 1
    assert listed(client)[0] == FIRST


def test_a_snooze_ends_when_the_risk_worsens() -> None:
    state = fold([Act("snooze", risk=0.5)])
    assert state.place(0.4999, 0) == "snoozed"
    assert state.place(0.5, 0) == "open"
    assert fold([Act("snooze", until=9, risk=0.5)]).place(0.1, 9) == "open"


def test_a_snooze_until_it_worsens_counts_from_the_risk_of_now(client: TestClient) -> None:
    p_late = ITEMS[0].assessment.p_late
    below = do(client, action="snooze", worse_by=5).handling.snoozed_below
    assert below == pytest.approx(min(1, p_late + 0.05), abs=1e-6)
    late = next(i for i in ITEMS if i.assessment.state == "already_late").assessment.order_id
    problem = refused(client, 422, late, action="snooze", worse_by=5)
    assert problem["errors"][0]["pointer"] == "/worse_by"


def test_an_owner_can_be_filtered_for(client: TestClient) -> None:
    second = ITEMS[1].assessment.order_id
    do(client, second, action="assign")
    do(client, action="assign", to="Ben")
    assert listed(client, owner="Ana") == [second]
    assert listed(client, owner="Ben") == [FIRST]
    assert listed(client, owner="Nobody") == []
    do(client, action="unassign")
    assert listed(client, owner="Ben") == []


def test_a_manual_priority_stays_and_is_visible(client: TestClient) -> None:
    put = ITEMS[200].assessment.order_id
    done = do(client, put, action="priority", level="first")
    do(client, FIRST, action="priority", level="last")
    assert done.handling.priority == "first"
    items = client.get("/v1/worklist", params={"page_size": "500"}).json()["items"]
    assert [items[0]["order_id"], items[-1]["order_id"]] == [put, FIRST]
    assert items[0]["rank"] == 201
    assert items[0]["handling"]["priority"] == "first"
    do(client, put, action="priority", level=None)
    assert listed(client)[0] == ITEMS[1].assessment.order_id


def test_the_history_tells_all_oldest_first(client: TestClient) -> None:
    do(client, action="assign")
    note = do(client, action="note", text="carrier will call at 3")
    do(client, action="undo", entry=note.entry_id)
    said = client.get(f"/v1/worklist/{FIRST}/history")
    history = HistoryAnswer.model_validate_json(said.content)
    assert [e.action for e in history.entries] == ["assign", "note", "undo"]
    assert [e.undone for e in history.entries] == [False, True, False]
    assert history.entries[1].text == "carrier will call at 3"
    assert history.handling.notes == 0
    assert history.handling.last == history.entries[-1].entry_id


def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        do(client, action="assign")
        do(client, action="dispose", code="expedited")
        before = client.get(f"/v1/worklist/{FIRST}/history").json()
    with TestClient(fakes.app(folder=tmp_path)) as client:
        assert client.get(f"/v1/worklist/{FIRST}/history").json() == before
        assert FIRST not in listed(client)


def test_names_and_text_can_be_erased_and_the_rest_stays(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        seqs = [do(client, action="assign").seq]
        seqs.append(do(client, action="dispose", code="other", text="Mr Osprey is ill").seq)
    ledger = Ledger.open(tmp_path)
    assert all(b"Ana" not in e.body and b"Osprey" not in e.body for e in ledger.entries())
    ledger.erase(*seqs, reason="asked for")
    desk = HandlingDesk(ledger)
    ledger.close()
    handled = desk.of_order(FIRST)
    assert [(a.by, a.text, a.erased) for a in handled.acts] == [("somebody", None, True)] * 2
    assert handled.state.owner == "somebody"
    assert handled.state.disposed is not None
    assert handled.state.disposed.code == "other"


def test_who_did_not_see_what_happened_meanwhile_is_told(client: TestClient) -> None:
    seen = do(client, action="assign", by="Ben").handling.last
    do(client, action="note", text="spoke to the carrier", by="Ben")
    problem = refused(client, 409, action="dispose", code="other", after=seen)
    assert "meanwhile" in problem["detail"]
    refused(client, 409, action="assign")
    last = client.get(f"/v1/worklist/{FIRST}/history").json()["handling"]["last"]
    assert do(client, action="assign", after=last).handling.owner == "Ana"


@pytest.mark.parametrize(
    "asked", [{"action": "unassign"}, {"action": "wake"}, {"action": "reopen"}]
)
def test_what_the_order_is_not_ready_for_conflicts(
    client: TestClient, asked: dict[str, Any]
) -> None:
    assert refused(client, 409, **asked)["type"] == "urn:triage:problem:conflict"
    assert client.get(f"/v1/worklist/{FIRST}/history").json()["entries"] == []


def test_an_act_can_be_undone_once(client: TestClient) -> None:
    done = do(client, action="useful")
    undo = do(client, action="undo", entry=done.entry_id)
    assert undo.handling.useful is None
    refused(client, 409, action="undo", entry=done.entry_id)
    assert do(client, action="undo", entry=undo.entry_id).handling.useful is True
    elsewhere = do(client, ITEMS[1].assessment.order_id, action="useful").entry_id
    assert refused(client, 422, action="undo", entry=elsewhere)["errors"][0]["pointer"] == "/entry"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"action": "note"}, "/text"),
        ({"action": "note", "text": " \n"}, "/text"),
        ({"action": "note", "text": "x", "by": ""}, "/by"),
        ({"action": "dispose", "code": "secret"}, "/code"),
        ({"action": "snooze"}, ""),
        ({"action": "snooze", "until": "2018-08-29T13:59:59+00:00"}, "/until"),
        ({"action": "snooze", "until": "2018-09-01"}, "/until"),
        ({"action": "snooze", "worse_by": 0}, "/worse_by"),
        ({"action": "secret"}, ""),
        ({"action": "assign", "secret": 1}, ""),
        ({"action": "priority"}, "/level"),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    client: TestClient, asked: dict[str, Any], pointer: str
) -> None:
    problem = refused(client, 422, **asked)
    assert problem["errors"][0]["pointer"] == pointer
    assert "secret" not in str(problem)


def test_an_order_that_is_not_on_the_list_is_not_found(client: TestClient) -> None:
    refused(client, 404, "SO-1", action="useful")
    assert_problem(client.get("/v1/worklist/SO-1/history"), 404)


def test_where_nothing_is_recorded_nothing_can_be_done() -> None:
    with TestClient(fakes.app(), raise_server_exceptions=False) as client:
        refused(client, 503, action="useful")
        assert_problem(client.get(f"/v1/worklist/{FIRST}/history"), 503)
        assert client.get("/v1/worklist").json()["items"][0]["handling"] is None
        assert listed(client, handled="snoozed") == []


def test_two_who_take_an_order_at_once_do_not_both_get_it(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    desk = HandlingDesk(ledger)
    act = Act("assign", "Ana", "Ana", at=1)

    async def both() -> list[object]:
        two = (desk.act("A", act), desk.act("A", replace(act, by="Ben", to="Ben")))
        return list(await asyncio.gather(*two, return_exceptions=True))

    said = asyncio.run(both())
    ledger.close()
    assert sum(isinstance(each, Act) for each in said) == 1
    assert len(desk.of_order("A").acts) == 1


def test_the_service_over_a_log_keeps_work_through_a_restart(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    for folder in ("history", "models"):
        shutil.copytree(home / folder, own / folder)
    with beside(create(Settings(home=own))) as client:
        first, second = listed(client)[:2]
        do(client, first, action="dispose", code="expedited")
        do(client, second, action="snooze", worse_by=10)
        assert not {first, second} & set(listed(client, page_size="500"))
    with beside(create(Settings(home=own))) as client:
        assert listed(client, handled="disposed") == [first]
        assert listed(client, handled="snoozed") == [second]
        assert client.get(f"/orders/{first}").text.count("Done: expedited.") == 1
