"""Whatever the address asks for, the list shows exactly those orders, in the order asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.test_bulk import named, sent

from triage.advice.assessment import Assessment, CauseShare, Exposure, Priority
from triage.domain.clock import MICROS_PER_HOUR
from triage.features.declarations import Cause
from triage.serving.advisor import WorkItem, Worklist

_TIERS, _CARRIERS = ("Key", "Standard"), ("UPS", "DHL", None)
_CAUSES: tuple[Cause, ...] = ("carrier", "inventory")


def _varied(at: int, item: WorkItem) -> WorkItem:
    order = item.assessment
    hours = (7 * at) % 40
    until = None if at % 4 == 0 else fakes.NOW + hours * MICROS_PER_HOUR
    return replace(
        item,
        assessment=replace(
            order, carrier=_CARRIERS[at % 3], causes=(CauseShare(_CAUSES[at % 2], 1.0),),
            exposure=Exposure(1.0, 0.0, order.revenue, _TIERS[at % 5 // 4], regulated=False),
            priority=Priority(1.0, "inform", 5.0, 0.5, until, "first"),
        ),
    )  # fmt: skip


ITEMS = tuple(_varied(at, item) for at, item in enumerate(fakes.worklist(48, 0).items))
ORDERS = [item.assessment for item in ITEMS]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    advisor = fakes.FakeAdvisor(Worklist(fakes.NOW, ITEMS))
    with TestClient(fakes.app(folder=tmp_path, advisor=advisor)) as made:
        named(made, "Ana")
        yield made


def shown(client: TestClient, address: str) -> list[str]:
    return re.findall(r'class="row" data-order="([^"]+)"', client.get(address).text)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("band=high", lambda o: o.band == "high"),
        ("site=ONT-4", lambda o: o.site == "ONT-4"),
        ("carrier=DHL", lambda o: o.carrier == "DHL"),
        ("cause=inventory", lambda o: o.causes[0].cause == "inventory"),
        ("tier=Key", lambda o: o.exposure.tier == "Key"),
        ("channel=EDI", lambda o: o.channel == "EDI"),
        ("q=cobalt", lambda o: o.customer == "Cobalt Labs"),
        ("tier=Key&carrier=UPS", lambda o: o.exposure.tier == "Key" and o.carrier == "UPS"),
    ],
)
def test_a_filter_of_the_address_shows_those_that_fit_and_no_others(
    client: TestClient, address: str, fits: Callable[[Assessment], bool]
) -> None:
    wanted = [order.order_id for order in ORDERS if fits(order)]
    assert 0 < len(wanted) < len(ORDERS)
    assert shown(client, f"/?{address}") == wanted
    page = client.get(f"/?{address}").text
    assert f"of {len(wanted)}<" in page
    assert 'href="/export.csv?' in page


def test_the_owner_of_an_order_is_asked_for_by_the_address(client: TestClient) -> None:
    mine = [ORDERS[3].order_id, ORDERS[9].order_id]
    sent(client, "/bulk", [("do", "assign"), *(("order", name) for name in mine)])
    assert shown(client, "/?owner=Ana") == mine


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("expected_loss", lambda o: -o.expected_loss),
        ("decide_by", lambda o: o.priority.decide_by or 2**63),
        ("promise", lambda o: o.promised_by),
        ("risk", lambda o: -o.p_late),
    ],
)
def test_the_list_stands_in_the_order_that_is_asked_for(
    client: TestClient, sort: str, key: Callable[[Assessment], float]
) -> None:
    assert shown(client, f"/?sort={sort}") == [o.order_id for o in sorted(ORDERS, key=key)]


def test_the_column_of_the_last_moment_says_how_long_there_is_time(client: TestClient) -> None:
    page = client.get("/?sort=decide_by&columns=order.decide").text
    assert 'class="c-decide" aria-sort="ascending"' in page
    first = min(ORDERS, key=lambda o: o.priority.decide_by or 2**63 if o.priority else 0)
    assert first.priority is not None
    hours = ((first.priority.decide_by or 0) - fakes.NOW) // MICROS_PER_HOUR
    row = page.partition(f'data-order="{first.order_id}"')[2].partition("</tr>")[0]
    assert f"in {hours}\u00a0h" in row or f"in {60 * hours}\u00a0min" in row
