"""The block "Work" of an order's page: plain forms that only our own pages may send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem
from tests.unit.serving.test_pages import Structure

from triage.domain.clock import MICROS_PER_DAY
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.serving.handling.forms import morning
from triage.serving.handling.state import Act, Handled
from triage.serving.handling.view import work

ITEMS = fakes.worklist().items
FIRST = ITEMS[0].assessment.order_id
LATE = next(i.assessment.order_id for i in ITEMS if i.assessment.state == "already_late")
OWN = {"sec-fetch-site": "same-origin"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path), raise_server_exceptions=False) as made:
        sent(made, "/you", name="Ana", order=FIRST)
        yield made


def sent(
    client: TestClient, address: str, headers: dict[str, str] = OWN, **fields: str
) -> Response:
    return client.post(
        address, content=urlencode(fields), headers=FORM | headers, follow_redirects=False
    )


def press(client: TestClient, do: str, order_id: str = FIRST, **fields: Any) -> str:
    """Press a button of the page as it is now; return the page that follows."""
    page = client.get(f"/orders/{order_id}").text
    after = re.findall(r'name="after" value="([^"]*)"', page)[0]
    answer = sent(client, f"/orders/{order_id}", do=do, after=after, **fields)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"/orders/{order_id}#work"
    return client.get(f"/orders/{order_id}").text


def shown(client: TestClient, address: str = "/") -> list[str]:
    return re.findall(r'class="order" href="/orders/([^"]+)"', client.get(address).text)


def acts(client: TestClient) -> list[str]:
    entries = client.get(f"/v1/worklist/{FIRST}/history").json()["entries"]
    return [f"{entry['by']} {entry['action']}" for entry in entries]


def test_every_button_does_what_it_says(client: TestClient) -> None:
    assert "Ana has it." in press(client, "assign")
    assert ">Ana</span>" in client.get("/").text
    assert "Nobody has it yet." in press(client, "unassign")
    assert "noted: calls at 3" in press(client, "note", text="  calls at 3 ")
    assert "The advice was useful." in press(client, "useful")
    assert "The advice was not useful." in press(client, "not_useful")
    assert "Put first by hand." in press(client, "first")
    assert ">Put first</span>" in client.get("/").text
    assert "by hand" not in press(client, "computed")
    assert "Snoozed until Wed 29 Aug, 12:00." in press(client, "snooze_hour")
    assert "Snoozed until" not in press(client, "wake")
    assert "Snoozed until Thu 30 Aug, 08:00." in press(client, "snooze_morning")
    press(client, "wake")
    assert "Snoozed until its risk reaches 58%." in press(client, "snooze_worse")
    assert "Done: split into deliveries." in press(client, "dispose", code="split")
    assert "Done: " not in press(client, "reopen")
    assert len(acts(client)) == 14
    assert all(act.startswith("Ana ") for act in acts(client))


def test_undo_brings_the_order_back_to_the_list_and_redo_takes_it_off(client: TestClient) -> None:
    press(client, "dispose", code="expedited")
    assert FIRST not in shown(client)
    assert shown(client, "/?handled=disposed") == [FIRST]
    page = client.get(f"/orders/{FIRST}").text
    entry = re.findall(r'name="entry" value="([^"]+)"', page)[0]
    page = press(client, "undo", entry=entry)
    assert shown(client)[0] == FIRST
    assert "Undo <kbd" not in page
    redo = re.findall(r'name="entry" value="([^"]+)"', page)[0]
    page = press(client, "undo", entry=redo)
    assert FIRST not in shown(client)
    assert ">Redo<" not in page
    assert "Undo <kbd" in page


def test_views_count_what_is_open(client: TestClient) -> None:
    press(client, "dispose", code="expedited")
    press(client, "snooze_hour", LATE)
    assert '<span class="count">239</span>' in client.get("/").text
    assert '<span class="count">60</span>' in client.get("/").text


def test_filters_by_owner_and_work_are_in_the_address(client: TestClient) -> None:
    press(client, "assign")
    assert shown(client, "/?owner=Ana") == [FIRST]
    text = client.get("/?handled=all&sort=risk").text
    assert 'href="/?sort=risk&amp;handled=all&amp;page=2"' in text
    assert 'value="Ana">You (1)</option>' in text
    assert "No order matches" in client.get("/?owner=Nobody").text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    ],
)
def test_a_form_from_elsewhere_does_nothing(client: TestClient, headers: dict[str, str]) -> None:
    for address in (f"/orders/{FIRST}", "/you"):
        refused = sent(client, address, headers, do="assign", after="", name="Eve")
        assert_problem(refused, 403)
        assert "set-cookie" not in refused.headers
    assert acts(client) == []


def test_a_browser_that_sends_only_an_origin_is_served(client: TestClient) -> None:
    own = {"origin": "http://testserver"}
    assert sent(client, f"/orders/{FIRST}", own, do="assign", after="").status_code == 303
    assert acts(client) == ["Ana assign"]


def test_the_name_is_kept_where_scripts_cannot_read_it(client: TestClient) -> None:
    answer = sent(client, "/you", name=" Żaneta; Ö ", order="a/../b c")
    assert answer.headers["location"] == "/orders/a%2F..%2Fb%20c#work"
    kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=lax" in kept
    assert "You are <b>Żaneta; Ö</b>" in client.get(f"/orders/{FIRST}").text
    assert_problem(sent(client, "/you", name=" \n "), 422)


def test_who_has_no_name_is_asked_for_it_and_can_do_nothing(client: TestClient) -> None:
    client.cookies.clear()
    page = client.get(f"/orders/{FIRST}").text
    assert "Say who you are" in page
    assert 'name="do"' not in page
    refused = sent(client, f"/orders/{FIRST}", do="assign", after="")
    assert refused.status_code == 422
    assert "say who you are first" in refused.text
    assert acts(client) == []


def test_a_form_that_is_sent_twice_acts_once(client: TestClient) -> None:
    for status in (303, 409):
        answer = sent(client, f"/orders/{FIRST}", do="note", text="x", after="")
        assert answer.status_code == status
    assert "Somebody acted on it meanwhile" in answer.text
    assert acts(client) == ["Ana note"]


@pytest.mark.parametrize(
    "fields", [{"do": "note", "text": " "}, {"do": "dispose", "code": "x"}, {"do": "x"}, {}]
)
def test_a_form_that_does_not_fit_gives_the_page_with_a_sentence(
    client: TestClient, fields: dict[str, Any]
) -> None:
    answer = sent(client, f"/orders/{FIRST}", after="", **fields)
    assert answer.status_code == 422
    assert 'role="alert">Not recorded: ' in answer.text
    assert acts(client) == []


def test_what_cannot_be_recorded_is_not_done(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record_async", down)
        answer = sent(client, f"/orders/{FIRST}", do="assign", after="")
        assert answer.status_code == 503
        assert "could not be recorded" in answer.text
    assert acts(client) == []
    assert "Ana has it." in press(client, "assign")


def test_free_text_is_shown_as_text(client: TestClient) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    sent(client, "/you", name=evil, order=FIRST)
    press(client, "assign")
    for text in (press(client, "note", text=evil), client.get("/").text):
        assert "<script>alert" not in text
        assert Structure(text).inline == []


def test_a_page_with_work_is_sound(client: TestClient) -> None:
    for do in ("assign", "useful", "snooze_hour"):
        page = Structure(press(client, do))
        assert len(page.ids) == len(set(page.ids))
        assert page.inline == []
    late = client.get(f"/orders/{LATE}").text
    assert "points worse" not in late
    assert "Assign to me" in late


def test_an_order_that_is_not_on_the_list_gets_its_page(client: TestClient) -> None:
    answer = sent(client, "/orders/none", do="assign", after="")
    assert answer.status_code == 404
    assert "not on the list" in answer.text


def test_without_a_ledger_there_is_no_work() -> None:
    with TestClient(fakes.app()) as client:
        assert 'id="work"' not in client.get(f"/orders/{FIRST}").text
        assert 'name="handled"' not in client.get("/").text
        sent(client, "/you", name="Ana")
        assert sent(client, f"/orders/{FIRST}", do="assign", after="").status_code == 503


def test_everything_handled_is_said(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        for item in ITEMS:
            if item.assessment.state == "already_late":
                address = f"/v1/worklist/{item.assessment.order_id}/actions"
                client.post(address, json={"by": "A", "action": "dispose", "code": "other"})
        assert "All of it is handled" in client.get("/?view=already_late").text


def test_tomorrow_morning_is_eight_by_the_local_clock_also_when_clocks_change() -> None:
    before = 1_540_645_200_000_000  # 2018-10-27 13:00 UTC; clocks in Berlin go back that night
    assert morning(before, "Europe/Berlin") == "2018-10-28T08:00:00+01:00"
    assert morning(before + MICROS_PER_DAY, "Europe/Berlin") == "2018-10-29T08:00:00+01:00"


def test_a_code_of_another_version_is_shown_as_it_is() -> None:
    handled = Handled((Act("dispose", "Ana", code=cast("Any", "sent by drone"), id="e", seq=1),))
    assert work(handled, 0.5, 0, "UTC", "").says == "Done: sent by drone."
