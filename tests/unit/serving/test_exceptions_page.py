from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import exception_cases as cases
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.serving.test_pages import Structure

from triage.advice.playbooks import load_playbooks
from triage.ledger.corrections import standing
from triage.serving.event_log import EventLog
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.live import Live
from triage.serving.pages import exceptions as pages
from triage.serving.pages.exception import doubts as doubts_of
from triage.training.exception_train import recorded_corrections

TITLES = {name: book.title for name, book in load_playbooks().items()}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(queued.app(tmp_path), raise_server_exceptions=False) as client:
        client.cookies.set("triage_you", "Ana")
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


def ids(text: str) -> list[str]:
    return re.findall(r'class="row" data-order="([^"]+)"', text)


def row(text: str, name: str) -> str:
    found = re.search(rf'data-order="{name}".*?</tr>', text, re.DOTALL)
    assert found is not None
    return html.unescape(found.group())


@pytest.mark.parametrize("path", ["/exceptions", "/exceptions/X00", "/exceptions/gone"])
def test_a_page_of_exceptions_is_sound(at: TestClient, path: str) -> None:
    page = Structure(at.get(path).text)
    assert len(page.ids) == len(set(page.ids))
    assert page.inline == []
    assert page.deepest <= 1


def test_open_exceptions_stand_in_the_order_in_which_they_are_due(at: TestClient) -> None:
    queue = ExceptionQueue(queued.desk())
    due = {
        name: queue.desk.directions(case, queue.desk.code_of(case.answer)).due_by or 0
        for name, case in queue.open.items()
    }
    first, second = at.get("/exceptions").text, at.get("/exceptions?page=2").text
    shown = ids(first) + ids(second)
    assert len(ids(first)) == pages.PAGE_SIZE
    assert sorted(shown) == sorted(due)
    assert [due[name] for name in shown] == sorted(due[name] for name in shown)


def test_by_stake_the_order_with_the_largest_expected_loss_stands_first(at: TestClient) -> None:
    loss = {i.assessment.order_id: i.assessment.expected_loss for i in fakes.worklist().items}
    shown = ids(at.get("/exceptions?sort=stake").text)
    losses = [loss[queued.orders()[int(name[1:])]] for name in shown]
    assert losses == sorted(losses, reverse=True)


def test_a_row_says_class_team_message_and_until_when(at: TestClient) -> None:
    shown = row(at.get("/exceptions?q=X00").text, "X00")
    book = load_playbooks()["pick_short"]
    assert book.title in shown
    assert "short pick bin 100, recount" in shown
    assert f'href="/orders/{queued.orders()[0]}"' in shown
    assert book.owner.capitalize() in shown
    left = book.sla_hours - 6
    expected = f"{left:.0f}\u00a0h left" if left > 0 else f"{-left:.0f}\u00a0h overdue"
    assert expected in shown


def test_one_that_the_model_is_not_sure_of_says_so_and_names_candidates(at: TestClient) -> None:
    shown = row(at.get("/exceptions?unsure=yes").text, "X04")
    assert "Not sure" in shown
    assert sum(TITLES[code] in shown for code in cases.fitted().model.numbers.classes) >= 2


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ("code=pick_short", lambda said: "short pick" in said),
        ("source=fax", lambda said: "Fax" in said),
        ("unsure=yes", lambda said: "Not sure" in said),
        ("q=credit+limit", lambda said: "credit limit" in said),
    ],
)
def test_a_filter_keeps_what_it_says(at: TestClient, query: str, keeps: object) -> None:
    text = at.get(f"/exceptions?{query}").text
    assert ids(text)
    assert len(ids(text)) < queued.COUNT
    assert all(keeps(row(text, name)) for name in ids(text))  # type: ignore[operator]


def test_a_correction_is_shown_recorded_and_undone(at: TestClient, tmp_path: Path) -> None:
    sent = {"do": "credit_hold", "order": "X00", "back": "q=short"}
    answer = at.post("/exceptions", data=sent, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/exceptions?q=short&did=1-corrected"
    told = at.get(answer.headers["location"]).text
    assert "Corrected: 1 exception." in told
    shown = row(told, "X00")
    assert TITLES["credit_hold"] in shown
    assert "Ana says so" in shown
    assert f"the model said: {TITLES['pick_short']}" in shown
    assert load_playbooks()["credit_hold"].owner.capitalize() in shown
    (said,) = recorded_corrections(tmp_path)
    assert (said.exception_id, said.code, said.said) == ("X00", "credit_hold", "pick_short")
    assert (said.order_id, said.by, said.as_of) == (queued.orders()[0], "Ana", queued.NOW)
    at.post("/exceptions", data={"do": "undo"})
    assert standing(recorded_corrections(tmp_path)) is None
    assert "says so" not in row(at.get("/exceptions?q=X00").text, "X00")


def test_several_are_corrected_together_and_undone_together(at: TestClient, tmp_path: Path) -> None:
    at.post("/exceptions", data={"do": "credit_hold", "order": ["X00", "X03", "X06"]})
    at.post("/exceptions", data={"do": "carrier_delay", "order": "X01"})
    at.post("/exceptions", data={"do": "undo"})
    held = {name: standing(c for c in recorded_corrections(tmp_path) if c.exception_id == name)
            for name in ("X00", "X01", "X03", "X06")}  # fmt: skip
    assert held["X01"] is None
    assert all(held[name] is not None for name in ("X00", "X03", "X06"))
    at.post("/exceptions", data={"do": "undo"})
    assert "says so" not in at.get("/exceptions").text


def test_the_page_of_one_corrects_it_and_shows_who_said_what(at: TestClient) -> None:
    at.post("/exceptions/X00", data={"do": "carrier_delay"})
    text = html.unescape(at.get("/exceptions/X00").text)
    assert f"Ana: it is “{TITLES['carrier_delay']}”" in text
    assert f"Playbook: {TITLES['carrier_delay']}" in text
    at.post("/exceptions/X00", data={"do": "take_back"})
    assert "Ana took the correction back" in at.get("/exceptions/X00").text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"do": "nonsense", "order": "X00"}, 422),
        ({"do": "credit_hold", "order": "gone"}, 422),
        ({"do": "credit_hold"}, 422),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    at: TestClient, sent: dict[str, str], status: int, tmp_path: Path
) -> None:
    answer = at.post("/exceptions", data=sent)
    assert answer.status_code == status
    assert "Not recorded: " in answer.text
    assert recorded_corrections(tmp_path) == []


def test_who_did_not_say_who_they_are_corrects_nothing(at: TestClient, tmp_path: Path) -> None:
    at.cookies.clear()
    assert "Say who you are to work on exceptions" in at.get("/exceptions").text
    sent = {"do": "credit_hold", "order": "X00"}
    assert at.post("/exceptions", data=sent).status_code == 422
    assert recorded_corrections(tmp_path) == []


def test_a_message_is_text_and_never_markup(tmp_path: Path) -> None:
    told = [
        each.model_copy(update={"text": "<b>short pick</b> bin 1"})
        if each.record_id == "X00|raised"
        else each
        for each in queued.records()
    ]
    with TestClient(queued.app(tmp_path, told)) as client:
        for path in ("/exceptions?q=X00", "/exceptions/X00", f"/orders/{queued.orders()[0]}"):
            shown = client.get(path).text
            assert "&lt;b&gt;short pick" in shown
            assert "<b>short" not in shown


def test_one_that_is_raised_appears_and_one_that_is_closed_goes() -> None:
    queue = ExceptionQueue(queued.desk())
    fresh = cases.event("NEW", cases.END + 1, queued.orders()[3], "wms", "short pick bin 9")
    queue.note(fresh)
    assert queue.desk.code_of(queue.open["NEW"].answer) == "pick_short"
    assert [c.event.exception_id for c in queue.of_order(queued.orders()[3])] == ["X03", "NEW"]
    queue.note(cases.closing(fresh, cases.END + 2, "pick_short"))
    queue.note(fresh)  # told twice: it stays closed
    assert "NEW" not in queue.open
    assert [c.event.exception_id for c in queue.of_order(queued.orders()[3])] == ["X03"]


def test_an_exception_that_is_not_open_says_so(at: TestClient) -> None:
    answer = at.get("/exceptions/gone")
    assert answer.status_code == 404
    assert "This exception is not open" in answer.text


def test_without_a_model_the_page_says_what_to_run(client: TestClient) -> None:
    answer = client.get("/exceptions")
    assert answer.status_code == 503
    assert "triage train exceptions" in answer.text


def test_the_order_shows_its_exceptions_by_what_people_said(at: TestClient) -> None:
    order_id = queued.orders()[0]
    assert TITLES["pick_short"] in at.get(f"/orders/{order_id}").text
    at.post("/exceptions", data={"do": "credit_hold", "order": "X00"})
    shown = at.get(f"/orders/{order_id}").text
    assert TITLES["credit_hold"] in shown
    assert 'href="/exceptions/X00"' in shown


def test_events_reach_the_queue_in_whatever_way_they_come(tmp_path: Path) -> None:
    queue = ExceptionQueue(queued.desk())
    live = Live(EventLog(tmp_path), [], queue=queue)
    said = "short pick bin 9"
    live.apply([cases.event("NEW", cases.END + 1, queued.orders()[3], "wms", said)])
    assert "NEW" in queue.open
    live.apply([cases.closing(queued.raised(3), cases.END + 1, "pick_short")])
    assert "X03" not in queue.open


def test_a_filter_that_says_nothing_filters_nothing(at: TestClient) -> None:
    text = at.get("/exceptions?q=&code=pick_short&owner=&source=&unsure=&sort=").text
    assert len(ids(text)) > 10


def test_why_the_model_is_not_sure_stands_on_the_page(at: TestClient) -> None:
    page = html.unescape(at.get("/exceptions/X04").text)
    said = re.search(r"so a person should say: (.*?)\.</p>", page)
    assert said is not None
    assert said[1].split("; ") == [
        "no message of this source has been seen before",
        "its words were read as other sources use them",
    ]


@pytest.mark.parametrize(
    ("source", "text", "doubts"),
    [
        ("erp", None, ["there is no message"]),
        ("fax", None, ["no message of this source has been seen before", "there is no message"]),
        ("erp", "zzzz qqqq", ["hardly a word of it has been seen before"]),
    ],
)
def test_what_the_model_has_never_seen_is_told(
    source: str, text: str | None, doubts: list[str]
) -> None:
    queue = ExceptionQueue(queued.desk())
    queue.note(cases.event("X99", cases.END, queued.orders()[0], source, text))
    told = doubts_of(queue, queue.open["X99"])
    assert len(told) == len(doubts)
    assert all(said.startswith(start) for said, start in zip(told, doubts, strict=True))


def test_a_class_that_is_not_likely_enough_is_told_with_what_is_asked_of_it() -> None:
    queue = ExceptionQueue(queued.desk())
    case = queue.open["X00"]
    low = replace(case, answer=replace(case.answer, doubts=("too_low",)))
    (told,) = doubts_of(queue, low)
    assert re.fullmatch(r"the likeliest class has .+%; from .+% on at most \d+% of the .*", told)


def test_the_page_of_an_order_holds_the_playbook_of_its_open_exception(at: TestClient) -> None:
    queue = ExceptionQueue(queued.desk())
    case = queue.open["X00"]
    book = TITLES[queue.desk.code_of(case.answer)]
    page = html.unescape(at.get(f"/orders/{case.event.order_id}").text)
    assert f"<summary>Playbook: {book}</summary>" in page
    assert "<h3>Escalation</h3>" in page
