"""Working on exceptions as on orders: taken, snoozed, finished, undone, given out one by one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient
from tests import exception_cases as cases
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.serving.test_exceptions_page import ids, row
from tests.unit.serving.test_pages import Structure

from triage.domain.clock import MICROS_PER_HOUR
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling.desk import HandlingDesk
from triage.serving.handling.state import Act, Handled
from triage.serving.outcomes.outcome import Outcome
from triage.serving.outcomes.record import LiveRecord


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return queued.app(tmp_path)


@pytest.fixture
def at(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield named(client, "Ana")


def named(client: TestClient, name: str) -> TestClient:
    client.cookies.clear()
    client.cookies.set("triage_you", name)
    client.headers["sec-fetch-site"] = "same-origin"
    return client


def did(client: TestClient, do: str, *names: str, **fields: str) -> str:
    """Press a button of the queue; return the page that follows, as it reads."""
    answer = client.post("/exceptions", data={"do": do, "order": list(names), **fields})
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def pressed(client: TestClient, name: str, do: str, **fields: str) -> Response:
    """Press a button of an exception's page."""
    sent = {"do": do, **fields}
    return client.post(f"/exceptions/{name}", data=sent, follow_redirects=False)


def first(client: TestClient) -> str:
    return ids(client.get("/exceptions").text)[0]


def open_count(text: str) -> int:
    found = re.search(r"<dt>Open exceptions</dt><dd>(\d+)</dd>", text)
    assert found is not None
    return int(found.group(1))


def test_what_somebody_takes_is_theirs_in_the_row_until_they_release_it(at: TestClient) -> None:
    told = did(at, "assign", "X00", back="q=X00")
    assert "Yours now: 1 exception." in told
    assert 'title="Ana took this just now"><b class="person">Ana</b>' in row(told, "X00")
    assert ids(at.get("/exceptions?person=Ana").text) == ["X00"]
    assert "person" not in row(did(at, "unassign", "X00", back="q=X00"), "X00")


def test_one_that_is_done_leaves_the_queue_and_is_found_among_all(at: TestClient) -> None:
    name = first(at)
    before = open_count(at.get("/exceptions").text)
    told = did(at, "dispose:fixed", name)
    assert "Done: 1 exception." in told
    assert name not in ids(told)
    assert open_count(told) == before - 1
    assert f'<span class="count">{before - 1}</span>' in told
    assert '<span class="tag tag-place">Done</span>' in row(
        at.get(f"/exceptions?handled=all&q={name}").text, name
    )
    assert ids(at.get("/exceptions?handled=disposed").text) == [name]
    assert name in ids(did(at, "undo"))


def test_one_that_is_done_comes_back_when_its_source_raises_it_again(
    at: TestClient, app: FastAPI
) -> None:
    did(at, "dispose:fixed", "X00")
    app.state.queue.note(queued.raised(0))
    assert ids(at.get("/exceptions?q=X00").text) == []
    later = cases.event("X00", cases.END + 7, queued.orders()[0], "wms", "short pick bin 100")
    app.state.queue.note(later)
    shown = row(at.get("/exceptions?q=X00").text, "X00")
    assert '<span class="tag tag-again">Goes on</span>' in shown
    assert "It was done (fixed), but was raised again since." in at.get("/exceptions/X00").text
    assert "Done: 1 exception." in did(at, "dispose:other", "X00")


def test_a_snooze_takes_one_off_the_queue_until_its_end(tmp_path: Path) -> None:
    now = [fakes.NOW]
    app = fakes.app(
        folder=tmp_path, clock=lambda: now[0], advisor=queued.LaterAdvisor(),
        queue=ExceptionQueue(queued.desk()),
    )  # fmt: skip
    with TestClient(app) as client:
        assert ids(did(named(client, "Ana"), "snooze_hour", "X00", back="q=X00")) == []
        now[0] += MICROS_PER_HOUR - 1
        assert ids(client.get("/exceptions?q=X00").text) == []
        assert ids(client.get("/exceptions?handled=snoozed").text) == ["X00"]
        now[0] += 1
        assert ids(client.get("/exceptions?q=X00").text) == ["X00"]


def test_the_page_of_one_takes_notes_finishes_and_undoes_each(at: TestClient) -> None:
    for do, fields, says in (
        ("note", {"text": "asked @ben"}, "noted: asked @ben"),
        ("assign", {}, "Ana has it."),
        ("dispose", {"code": "false_alarm"}, "Done: false alarm."),
    ):
        assert pressed(at, "X00", do, **fields).headers["location"] == "/exceptions/X00#work"
        text = html.unescape(re.sub(r"</?b>", "", at.get("/exceptions/X00").text))
        assert says in text
        page = Structure(text)
        assert len(page.ids) == len(set(page.ids))
    for gone in ("Done: false alarm.", "Ana has it."):
        newest = re.findall(r'name="entry" value="([^"]+)"', at.get("/exceptions/X00").text)[0]
        pressed(at, "X00", "undo", entry=newest)
        assert gone not in at.get("/exceptions/X00").text


def test_what_was_done_stands_after_a_restart(tmp_path: Path) -> None:
    with TestClient(queued.app(tmp_path)) as client:
        did(named(client, "Ana"), "assign", "X00", "X01")
        did(client, "dispose:duplicate", "X01")
        did(client, "snooze_morning", "X02")
        pressed(client, "X00", "note", text="calls at 3")
        did(client, "carrier_delay", "X03")
        before = client.get("/exceptions/X00").text, client.get("/exceptions?handled=all").text
    with TestClient(queued.app(tmp_path)) as again:
        named(again, "Ana")
        after = again.get("/exceptions/X00").text, again.get("/exceptions?handled=all").text
        assert [re.findall(r"<main.*", text, re.DOTALL) for text in after] == [
            re.findall(r"<main.*", text, re.DOTALL) for text in before
        ]
        assert {"X01", "X02"}.isdisjoint(ids(again.get("/exceptions").text))


def test_undo_takes_back_what_was_done_last_be_it_a_correction_or_an_act(at: TestClient) -> None:
    did(at, "credit_hold", "X00")
    did(at, "assign", "X00", "X03")
    assert "Undone: 2 exceptions." in did(at, "undo")
    assert "person" not in row(at.get("/exceptions?q=X03").text, "X03")
    assert "Ana says so" in row(at.get("/exceptions?q=X00").text, "X00")
    assert "Taken back: 1 exception." in did(at, "undo")


def test_an_act_on_an_exception_is_none_on_its_order(at: TestClient, app: FastAPI) -> None:
    order_id = queued.orders()[0]
    did(at, "dispose:fixed", "X00")
    assert at.get(f"/v1/worklist/{order_id}/history").json()["entries"] == []
    ledger = app.state.kept.decisions.ledger
    assert HandlingDesk(ledger).orders == {}
    (entry,) = ledger.entries(kind="disposition")
    assert entry.order_id == order_id
    assert Act.of(entry) is None
    act = Act.of(entry, "exception")
    assert act is not None
    assert (act.exception_id, act.code, act.as_of) == ("X00", "fixed", queued.NOW)
    record = LiveRecord()
    record.take(entry)
    record.settle(Outcome(order_id, False, queued.NOW, None, False, "1"))
    assert not record.judged[order_id].acted


def test_two_people_are_given_different_exceptions_in_the_order_in_which_they_are_due(
    at: TestClient,
) -> None:
    due = ids(at.get("/exceptions").text)
    taken = []
    for name in ("Ana", "Ben", "Ana"):
        sent = {"do": "next"}
        answer = named(at, name).post("/exceptions", data=sent, follow_redirects=False)
        taken.append(answer.headers["location"])
    assert taken == [f"/exceptions/{name}?guided=1" for name in due[:3]]


def test_guided_work_asks_why_one_is_passed_on_and_gives_the_next(at: TestClient) -> None:
    one, two = ids(at.get("/exceptions").text)[:2]
    at.post("/exceptions", data={"do": "next"})
    assert pressed(at, one, "skip", guided="1").status_code == 422
    answer = pressed(at, one, "skip", why="not_mine", guided="1")
    assert answer.headers["location"] == f"/exceptions/{two}?guided=1"
    assert "passed it on: not for me" in at.get(f"/exceptions/{one}").text
    assert "Nobody has it yet." in at.get(f"/exceptions/{one}").text
    answer = pressed(at, two, "dispose", code="fixed", guided="1")
    assert answer.headers["location"] != f"/exceptions/{one}?guided=1"


def test_when_nothing_waits_the_queue_says_so(at: TestClient) -> None:
    names = ids(at.get("/exceptions").text) + ids(at.get("/exceptions?page=2").text)
    did(at, "assign", *names)
    assert "Nothing waits" in did(at, "next")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"do": "escalate", "to": "shift lead"}, 422),
        ({"do": "dispose", "code": "expedited"}, 422),
        ({"do": "dispose"}, 422),
        ({"do": "snooze_worse"}, 422),
        ({"do": "wake"}, 409),
        ({"do": "undo", "entry": "none"}, 422),
    ],
)
def test_what_makes_no_sense_of_an_exception_is_refused(
    at: TestClient, app: FastAPI, sent: dict[str, Any], status: int
) -> None:
    assert pressed(at, "X00", **sent).status_code == status
    assert list(app.state.kept.decisions.ledger.entries(kind="disposition")) == []


def test_two_people_on_one_exception_see_each_other(at: TestClient) -> None:
    at.get("/exceptions/X00")
    assert "Ana has this open too." in named(at, "Ben").get("/exceptions/X00").text
    assert named(at, "Ana").get("/here?exception=X00").text == "Ben has this open too."
    pressed(at, "X00", "assign", after="")
    answer = pressed(named(at, "Ben"), "X00", "assign", after="")
    assert answer.status_code == 409
    assert "Somebody acted on it meanwhile" in answer.text


def test_who_says_who_they_are_on_a_page_comes_back_to_it(at: TestClient) -> None:
    sent = {"exception": "X00", "name": "Ben"}
    answer = at.post("/you", data=sent, follow_redirects=False)
    assert answer.headers["location"] == "/exceptions/X00#work"


def test_only_a_later_record_brings_one_back_that_is_done() -> None:
    done = Act("dispose", "Ana", code="fixed", exception_id="X", as_of=100, id="e", seq=1, at=1)
    for raised_at, goes_on in ((99, False), (100, False), (101, True)):
        state = Handled((done,), raised_at).state
        assert (state.disposed is None, state.ended is not None) == (goes_on, goes_on)
    order = replace(done, exception_id=None, as_of=None)
    assert Handled((order,), 101).state.disposed is order


def test_who_is_mentioned_in_a_note_finds_it_until_they_have_answered(at: TestClient) -> None:
    first = ids(at.get("/exceptions").text)[0]
    assert pressed(at, first, "note", text="@Ben, is this the old code?").status_code == 303
    assert "Mentions in exceptions" not in at.get("/exceptions").text
    named(at, "Ben")
    page = at.get("/").text
    assert 'href="/exceptions?handled=all&amp;mentions=Ben"' in page
    assert ids(at.get("/exceptions?handled=all&mentions=Ben").text) == [first]
    assert pressed(at, first, "note", text="yes").status_code == 303
    assert "Mentions in exceptions" not in at.get("/").text
    assert "data-order" not in at.get("/exceptions?handled=all&mentions=Ben").text
