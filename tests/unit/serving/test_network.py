"""Where goods could ship from and how, as the log shows, and what the table gives that road."""

from __future__ import annotations

import pytest
from tests.histories import history_of, order

from triage.domain.records import Order, OrderLine
from triage.serving.stored import Network


def placed(name: str, site: str, service: str, days: float | None, region: str = "CA") -> Order:
    line = OrderLine(line_no=1, sku="S", quantity=1, site=site)
    return order(
        name, 0, service=service, carrier="C", destination_region=region, transit_days=days,
        lines=(line,),
    )  # fmt: skip


NEAR, FAR, FAST = (
    [placed(f"{name}{n}", site, service, days + n % 2) for n in range(4)]
    for name, site, service, days in (
        ("N", "W1", "Ground", 2), ("F", "W2", "Ground", 5), ("X", "W1", "Express", 0.5),
    )
)  # fmt: skip
NETWORK = Network(history_of([*NEAR, *FAR, *FAST]))


def test_the_table_of_another_way_differs_by_what_lanes_differ_in_the_mean() -> None:
    own = NEAR[0]
    assert own.transit_days == 2
    assert NETWORK.moved(own, "W2", frozenset([1])).transit_days == pytest.approx(5)
    assert NETWORK.booked(own, "Express").transit_days == pytest.approx(0.5)
    both = NETWORK.moved(NETWORK.booked(own, "Express"), "W2", frozenset([1]))
    assert both.transit_days == pytest.approx(0.5)  # nobody has booked that lane: as it was


def test_the_table_never_gives_less_than_no_time() -> None:
    quick = placed("Q", "W1", "Ground", 0.2)
    assert NETWORK.booked(quick, "Express").transit_days == 0


def test_where_no_table_is_told_none_is_made_up() -> None:
    silent = placed("S", "W1", "Ground", None)
    assert NETWORK.moved(silent, "W2", frozenset([1])).transit_days is None
    bare = Network(
        history_of([placed("A", "W1", "Ground", None), placed("B", "W2", "Ground", None)])
    )
    assert bare.moved(NEAR[0], "W2", frozenset([1])).transit_days == 2


def test_orders_that_come_later_are_taken_in() -> None:
    network = Network(history_of([*NEAR]))
    assert network.moved(NEAR[0], "W1", frozenset([1])).transit_days == 2
    network.add(placed("L", "W3", "Ground", 9))
    assert network.moved(NEAR[0], "W3", frozenset([1])).transit_days == pytest.approx(2 + 9 - 2.5)
