"""Saved views: one's own and everybody's, in the ledger, counted as the list is now."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.test_bulk import bulk, named, sent

from triage.ledger.ledger import Ledger
from triage.serving.pages.saved_views import MOST_VIEWS, SavedViews


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path), raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


def save(client: TestClient, name: str, back: str, *, shared: bool = False) -> int:
    fields = [("name", name), ("back", back)] + [("shared", "yes")] * shared
    return sent(client, "/views", fields).status_code


def tabs(client: TestClient) -> dict[str, int]:
    found = re.findall(
        r'<span>([^<]+?)(?: <span class="sub">shared</span>)?</span> <span class="count">([\d,]+)<',
        client.get("/").text.partition("Saved views")[2].partition("</div>")[0],
    )
    return {name: int(count) for name, count in found}


def test_own_views_are_seen_by_their_owner_and_shared_ones_by_all(client: TestClient) -> None:
    assert save(client, "Mine", "band=critical") == 303
    assert save(client, "Ours", "band=high&page=3&nonsense=1", shared=True) == 303
    orders = [i.assessment for i in fakes.worklist().items if i.assessment.state == "at_risk"]
    critical, high = (sum(o.band == band for o in orders) for band in ("critical", "high"))
    assert tabs(client) == {"Mine": critical, "Ours": high}
    assert 'href="/?band=high"' in client.get("/").text
    named(client, "Ben")
    assert tabs(client) == {"Ours": high}


def test_counts_follow_what_is_done(client: TestClient) -> None:
    save(client, "Mine", "band=critical")
    before = tabs(client)["Mine"]
    orders = (i.assessment for i in fakes.worklist().items)
    gravest = next(o.order_id for o in orders if o.band == "critical" and o.state == "at_risk")
    bulk(client, "dispose:other", gravest)
    assert tabs(client)["Mine"] == before - 1
    bulk(client, "undo")
    assert tabs(client)["Mine"] == before


def test_views_are_there_after_a_restart_and_deleted_ones_are_not(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        named(client, "Ana")
        save(client, "One", "band=high")
        save(client, "Two", "sort=risk", shared=True)
        page = client.get("/?band=high").text
        view = re.findall(r'name="view" value="([^"]+)"', page)[0]
        sent(client, "/views", [("do", "delete"), ("view", view)])
        assert list(tabs(client)) == ["Two"]
    with TestClient(fakes.app(folder=tmp_path)) as client:
        named(client, "Ana")
        assert list(tabs(client)) == ["Two"]
        assert save(client, "one", "band=high") == 303


def test_nobody_deletes_what_only_another_sees(client: TestClient) -> None:
    save(client, "Mine", "band=high")
    view = re.findall(r'name="view" value="([^"]+)"', client.get("/?band=high").text)[0]
    named(client, "Ben")
    sent(client, "/views", [("do", "delete"), ("view", view)])
    named(client, "Ana")
    assert list(tabs(client)) == ["Mine"]


def test_a_view_shows_the_columns_that_it_was_saved_with(client: TestClient) -> None:
    sent(client, "/columns", [("column", "risk"), ("column", "stage"), ("back", "")])
    save(client, "Stages", "band=high", shared=True)
    sent(client, "/columns", [("usual", "yes"), ("back", "")])
    assert heads(client.get("/?band=high").text) == ["risk", "order", "loss", "promise", "why"]
    (address,) = re.findall(r'href="(/\?[^"]*columns=[^"]*)"', client.get("/").text)
    page = client.get(html.unescape(address)).text
    assert heads(page) == ["risk", "order", "stage"]
    assert f'href="{address}" aria-current="page"' in page


def test_other_columns_take_the_place_of_those_of_a_view(client: TestClient) -> None:
    fields = [("column", "loss"), ("back", "band=high&columns=risk.order.stage")]
    answer = sent(client, "/columns", fields)
    assert answer.headers["location"] == "/?band=high"
    assert heads(client.get("/?band=high").text) == ["order", "loss"]


def test_columns_that_nobody_knows_count_as_not_said(client: TestClient) -> None:
    assert heads(client.get("/?columns=x.%3Cb%3E").text) == heads(client.get("/").text)


def heads(page: str) -> list[str]:
    found = re.findall(r'<th role="columnheader" scope="col" class="c-(\w+)"', page)
    return [name for name in found if name not in ("pick", "owner")]


def test_a_name_is_there_once_and_there_is_an_end_of_views(client: TestClient) -> None:
    assert save(client, "Mine", "band=high") == 303
    assert save(client, "MINE", "band=low") == 409
    assert save(client, " \n", "band=low") == 422
    for number in range(MOST_VIEWS - 1):
        assert save(client, f"View {number}", "band=low") == 303
    assert save(client, "One more", "band=low") == 409
    client.cookies.clear()
    assert save(client, "Nobody's", "band=low") == 422


def test_a_view_holds_no_script_and_no_other_address(client: TestClient) -> None:
    save(client, "<script>x</script>", "//evil.example?q=<b>")
    text = client.get("/").text
    assert "<script>x" not in text
    assert "evil" not in text


def test_an_erased_view_is_gone_and_the_rest_stays(tmp_path: Path) -> None:
    with TestClient(fakes.app(folder=tmp_path)) as client:
        named(client, "Ana")
        save(client, "Mr Osprey", "q=osprey")
        save(client, "High", "band=high")
    ledger = Ledger.open(tmp_path)
    saved = [entry for entry in ledger.entries(kind="setting") if entry.personal is not None]
    assert all(b"sprey" not in entry.body and b"Ana" not in entry.body for entry in saved)
    ledger.erase(saved[0].seq, reason="asked for")
    assert [view.name for view in SavedViews(ledger).seen_by("Ana")] == ["High"]
    ledger.close()
