"""What the list can be narrowed by, and that the address says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.serving.test_bulk import named, sent

from triage.domain.clock import MICROS_PER_HOUR, from_micros
from triage.domain.records import ExceptionPhase


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(queued.app(tmp_path), raise_server_exceptions=False) as made:
        named(made, "Ana")
        yield made


def shown(client: TestClient, address: str) -> list[str]:
    return re.findall(r'class="row" data-order="([^"]+)"', client.get(address).text)


def count_offered(page: str, name: str) -> dict[str, int]:
    select = page.partition(f'<select id="{name}"')[2].partition("</select>")[0]
    return {
        value: int(count.replace(",", ""))
        for value, count in re.findall(r'value="([^"]+)"[^>]*>[^<]*\(([\d,]+)\)<', select)
    }


def test_the_list_is_narrowed_by_the_channel_of_the_order(client: TestClient) -> None:
    items = [i.assessment for i in fakes.worklist().items if i.assessment.state == "at_risk"]
    wanted = [o.order_id for o in items if o.channel == "web shop"]
    assert shown(client, "/?channel=web+shop") == wanted[:50]
    assert f"of {len(wanted)}<" in client.get("/?channel=web+shop").text


def test_the_list_is_narrowed_by_the_class_of_open_exceptions(client: TestClient) -> None:
    offered = count_offered(client.get("/").text, "exception")
    assert sum(offered.values()) == queued.COUNT
    for code, count in offered.items():
        found = shown(client, f"/?exception={code}&view=all")
        assert len(found) == count
        assert set(found) <= set(queued.orders())


def test_a_corrected_exception_is_found_by_what_people_say(client: TestClient) -> None:
    before = count_offered(client.get("/").text, "exception")
    code = min(before)
    other = next(each for each in before if each != code)
    order_id = shown(client, f"/?exception={code}&view=all")[0]
    name = f"X{queued.orders().index(order_id):02}"
    sent(client, "/exceptions", [("do", other), ("order", name)])
    assert order_id not in shown(client, f"/?exception={code}&view=all")
    assert order_id in shown(client, f"/?exception={other}&view=all")


def test_a_closed_exception_is_not_looked_for_any_more(tmp_path: Path) -> None:
    app = queued.app(tmp_path)
    with TestClient(app) as client:
        code, count = next(iter(count_offered(client.get("/").text, "exception").items()))
        found = shown(client, f"/?exception={code}&view=all")
        raised = queued.raised(queued.orders().index(found[0]))
        later = from_micros(queued.NOW + MICROS_PER_HOUR)
        app.state.queue.note(
            raised.model_copy(update={"phase": ExceptionPhase.RESOLVED, "record_time": later})
        )
        assert count_offered(client.get("/").text, "exception")[code] == count - 1
        assert found[0] not in shown(client, f"/?exception={code}&view=all")


def test_what_nobody_knows_narrows_nothing(client: TestClient) -> None:
    assert shown(client, "/?channel=fax&exception=none") == shown(client, "/")


def test_filters_stay_in_the_address_of_the_next_page_and_in_views(client: TestClient) -> None:
    page = client.get("/?channel=EDI&exception=pick_short&page=1").text
    assert re.search(r'href="/export\.csv\?channel=EDI&amp;exception=pick_short"', page)
    fields = [("name", "Short"), ("back", "channel=EDI&exception=pick_short&page=1")]
    answer = sent(client, "/views", fields)
    assert answer.headers["location"] == "/?channel=EDI&exception=pick_short"
    count = len(shown(client, answer.headers["location"]))
    assert f'<span>Short</span> <span class="count">{count}<' in client.get("/").text
