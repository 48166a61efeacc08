"""The same with many orders: every order stands for itself, and one undo takes all of it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem
from tests.unit.serving.test_pages import Structure
from tests.unit.serving.test_work_page import FORM, OWN

ORDERS = [item.assessment.order_id for item in fakes.worklist().items]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path), raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


def named(client: TestClient, name: str) -> None:
    sent(client, "/you", [("name", name)])


def sent(
    client: TestClient, address: str, fields: list[tuple[str, str]], headers: dict[str, str] = OWN
) -> Response:
    return client.post(
        address, content=urlencode(fields), headers=FORM | headers, follow_redirects=False
    )


def bulk(client: TestClient, do: str, *orders: str, back: str = "") -> str:
    fields = [("do", do), ("back", back), *(("order", order) for order in orders)]
    answer = sent(client, "/bulk", fields)
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["location"]).text


def report(page: str) -> str:
    said = re.findall(r'<div id="report" role="status">(.*?)</div>', page, re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", "", said).split())


def entries(client: TestClient, order_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]]
    found = client.get(f"/v1/worklist/{order_id}/history").json()["entries"]
    return found


def test_each_order_has_its_own_entry_and_all_have_one_batch(client: TestClient) -> None:
    page = bulk(client, "assign", *ORDERS[:5])
    assert report(page) == "Yours now: 5 orders."
    told = [entries(client, order_id) for order_id in ORDERS[:5]]
    assert [[each["action"] for each in own] for own in told] == [["assign"]] * 5
    assert len({own[0]["batch"] for own in told}) == 1
    assert len({own[0]["seq"] for own in told}) == 5


def test_what_cannot_be_done_is_told_with_its_reason_and_the_rest_is_done(
    client: TestClient,
) -> None:
    client.post(f"/v1/worklist/{ORDERS[1]}/actions", json={"by": "Ben", "action": "assign"})
    page = bulk(client, "assign", *ORDERS[:3], "SO-none")
    assert report(page) == (
        f"Yours now: 2 orders. Not done with 2 orders: {ORDERS[1]} (somebody has it), "
        "SO-none (this order is not on the list)."
    )
    assert entries(client, ORDERS[1])[-1]["by"] == "Ben"


@pytest.mark.parametrize("do", ["assign", "snooze_hour", "dispose:split", "first", "snooze_worse"])
def test_one_undo_undoes_all_of_it_and_nothing_else(client: TestClient, do: str) -> None:
    client.post(f"/v1/worklist/{ORDERS[0]}/actions", json={"by": "Ana", "action": "useful"})
    before = [client.get(f"/v1/worklist/{o}/history").json()["handling"] for o in ORDERS[:4]]
    bulk(client, do, *ORDERS[:4])
    assert report(bulk(client, "undo")) == "Undone: 4 orders."
    after = [client.get(f"/v1/worklist/{o}/history").json()["handling"] for o in ORDERS[:4]]
    assert [each | {"last": None} for each in after] == [each | {"last": None} for each in before]


def test_undo_goes_back_batch_by_batch_also_after_a_restart(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        named(client, "Ana")
        bulk(client, "assign", *ORDERS[:3])
        bulk(client, "dispose:other", *ORDERS[1:3])
        named(client, "Ben")
        bulk(client, "assign", ORDERS[9])
    with TestClient(fakes.app(folder=tmp_path)) as client:
        named(client, "Ana")
        assert report(bulk(client, "undo")) == "Undone: 2 orders."
        assert report(bulk(client, "undo")) == "Undone: 3 orders."
        assert 'value="undo"' not in client.get("/").text
        assert [each["action"] for each in entries(client, ORDERS[9])] == ["assign"]


def test_an_order_that_is_sent_twice_is_acted_on_once(client: TestClient) -> None:
    bulk(client, "first", ORDERS[0], ORDERS[0])
    assert len(entries(client, ORDERS[0])) == 1


@pytest.mark.parametrize("back", ["band=high&page=2", "//evil.example", "q=%0d%0ax", "view=x"])
def test_the_way_back_is_the_list_and_nowhere_else(client: TestClient, back: str) -> None:
    fields = [("do", "first"), ("back", back), ("order", ORDERS[0])]
    location = sent(client, "/bulk", fields).headers["location"]
    assert location.startswith("/?")
    assert "evil" not in location
    assert ("band=high&page=2" in location) == (back == "band=high&page=2")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("do", "assign")], "choose at least one order"),
        ([("do", "dispose"), ("order", ORDERS[0])], "Not recorded: "),
        ([("do", "erase"), ("order", ORDERS[0])], "Not recorded: "),
    ],
)
def test_what_does_not_fit_gives_the_list_with_a_sentence(
    client: TestClient, fields: list[tuple[str, str]], says: str
) -> None:
    answer = sent(client, "/bulk", [*fields, ("back", "band=high")])
    assert answer.status_code == 422
    assert says in report(answer.text)
    assert 'value="high" selected' in answer.text
    assert entries(client, ORDERS[0]) == []


def test_who_gave_no_name_and_pages_of_others_can_do_nothing(client: TestClient) -> None:
    fields = [("do", "assign"), ("order", ORDERS[0])]
    for address in ("/bulk", "/next", "/views", "/columns"):
        assert_problem(sent(client, address, fields, {"sec-fetch-site": "cross-site"}), 403)
    client.cookies.clear()
    refused = sent(client, "/bulk", fields)
    assert refused.status_code == 422
    assert "say who you are first" in refused.text
    assert entries(client, ORDERS[0]) == []
    assert 'form="bulk"' not in client.get("/").text


def test_more_fields_than_a_page_has_are_refused(client: TestClient) -> None:
    many = [("order", str(number)) for number in range(1_000)]
    assert_problem(sent(client, "/bulk", [("do", "assign"), *many]), 422)


def test_the_list_is_sound_with_what_was_done(client: TestClient) -> None:
    page = Structure(bulk(client, "dispose:other", *ORDERS[:2], "SO-none"))
    assert len(page.ids) == len(set(page.ids))
    assert page.inline == []
    assert page.deepest <= 1


def test_columns_are_remembered_and_the_order_is_always_among_them(client: TestClient) -> None:
    fields = [("column", "stage"), ("column", "nonsense"), ("back", "")]
    kept = sent(client, "/columns", fields).headers["set-cookie"].lower()
    assert "httponly" in kept
    heads = re.findall(r'scope="col" class="c-(\w+)"', client.get("/").text)
    assert heads == ["pick", "order", "stage"]
    sent(client, "/columns", [("usual", "yes"), ("column", "stage")])
    heads = re.findall(r'scope="col" class="c-(\w+)"', client.get("/").text)
    assert heads == ["pick", "risk", "order", "loss", "promise", "why", "owner"]
