from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from triage.domain.clock import from_micros, to_micros
from triage.domain.records import Milestone, MilestoneKind, Order, OrderLine
from triage.features.book import OrderBook
from triage.features.engine import FeatureEngine
from triage.serving.shown import ShownOrder, ShownOrders
from triage.serving.similar import MOST, NEAREST, Alike, PastOrders

START = datetime(2026, 1, 5, tzinfo=UTC)
Told = tuple[Order, Sequence[Milestone]]


@dataclass
class Engine:
    book: OrderBook


class Known:
    """Orders and milestones as a scorer holds them."""

    tolerance = 0

    def __init__(self, told: Sequence[Told] = ()) -> None:
        self.engine = cast("FeatureEngine", Engine(OrderBook(())))
        self.shown = ShownOrders([], [], [], [], [], [], [], [], [])
        for order, milestones in told:
            self.add(order, milestones)

    def add(self, order: Order, milestones: Sequence[Milestone] = ()) -> None:
        self.engine.book.add_order(order)
        self.shown.add(ShownOrder.of_order(order, frozenset()))
        for milestone in milestones:
            self.engine.book.add_milestone(milestone)


def order(
    name: str, day: float = 0, promise: float = 5, *, quantity: float = 1, site: str = "S",
    destination: str = "D", service: str | None = "Ground",
) -> Order:  # fmt: skip
    placed = START + timedelta(days=day)
    return Order(
        order_id=name, event_time=placed, record_time=placed + timedelta(minutes=5),
        promised_by=placed + timedelta(days=promise), customer_id="C", currency="USD",
        destination_region=destination, service=service, carrier="K",
        lines=(OrderLine(line_no=1, sku="A", quantity=quantity, site=site),),
    )  # fmt: skip


def done(
    of: Order, days: float, lag: float = 0, kind: MilestoneKind = MilestoneKind.DELIVERED
) -> Milestone:
    at = of.event_time + timedelta(days=days)
    return Milestone(
        order_id=of.order_id, milestone=kind, event_time=at, record_time=at + timedelta(days=lag)
    )


def after(days: float) -> int:
    return to_micros(START + timedelta(days=days))


def asked(told: Sequence[Told], as_of: int, new: Order | None = None) -> Alike:
    known = Known([*told, (new or order("NEW", 30), ())])
    found = PastOrders(known).like("NEW", as_of)
    assert found is not None
    return found


def test_it_tells_how_many_orders_that_went_the_same_way_were_late() -> None:
    told = [(each := order(f"P{n}"), [done(each, 4 if n else 7)]) for n in range(4)]
    elsewhere = [
        (each, [done(each, 7)])
        for each in (
            order("X1", site="T"),
            order("X2", destination="E"),
            order("X3", service="Air"),
        )
    ]
    found = asked([*told, *elsewhere], after(40))
    assert (found.count, found.late, found.by) == (4, 1, ("site", "destination", "service"))
    late = next(past for past in found.nearest if past.order_id == "P0")
    assert late.late
    assert late.delivered == after(7)
    assert late.promised_by == after(5)


def test_the_likest_in_promise_and_size_come_first() -> None:
    shapes = {"same": (5, 10), "longer": (9, 10), "far": (20, 400), "bigger": (5, 14)}
    told = [
        (each := order(name, 0, promise, quantity=quantity), [done(each, 3)])
        for name, (promise, quantity) in shapes.items()
    ]
    found = asked(told, after(60), order("NEW", 30, 5, quantity=10))
    assert [past.order_id for past in found.nearest] == ["same", "bigger", "longer", "far"]


def test_of_equally_like_orders_the_newest_come_first_and_only_the_first_are_told() -> None:
    told = [(each := order(f"P{n}", n / 10), [done(each, 3)]) for n in range(MOST + 20)]
    found = asked(told, after(60))
    assert found.count == MOST
    assert len(found.nearest) == NEAREST
    assert found.nearest[0].order_id == f"P{MOST + 19}"


def test_a_fast_order_counts_no_sooner_than_a_slow_one_that_was_promised_the_same_day() -> None:
    fast, slow = order("FAST"), order("SLOW")
    told = [(fast, [done(fast, 1)]), (slow, [done(slow, 9)])]
    assert asked(told, after(3)).count == 0
    found = asked(told, after(6))
    assert (found.count, found.late) == (2, 1)
    still = next(past for past in found.nearest if past.order_id == "SLOW")
    assert still.delivered is None


def test_a_cancelled_order_does_not_count() -> None:
    gone = order("GONE")
    told = [(gone, [done(gone, 2, kind=MilestoneKind.ORDER_CANCELLED)])]
    assert asked(told, after(40)).count == 0


def test_an_order_is_not_like_itself() -> None:
    known = Known([(order("NEW"), ())])
    found = PastOrders(known).like("NEW", after(40))
    assert found is not None
    assert found.count == 0


def test_without_a_service_the_carrier_tells_orders_apart() -> None:
    told = [(each := order("P", service=None), [done(each, 3)])]
    found = asked(told, after(40), order("NEW", 30, service=None))
    assert found.by == ("site", "destination", "carrier")
    assert found.count == 1


def test_what_is_not_known_is_like_nothing() -> None:
    assert PastOrders(Known()).like("NONE", after(1)) is None


def test_orders_that_come_in_later_are_found() -> None:
    known = Known([(order("NEW", 30), ())])
    past = PastOrders(known)
    first = past.like("NEW", after(60))
    later = order("LATER", 31)
    known.add(later, [done(later, 3)])
    second = past.like("NEW", after(60))
    assert first is not None
    assert second is not None
    assert (first.count, second.count) == (0, 1)


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    told: list[Told] = []
    for number in range(draw(st.integers(1, 12))):
        made = order(
            f"P{number}", draw(st.integers(0, 20)), draw(st.integers(1, 9)),
            quantity=draw(st.integers(1, 9)),
        )  # fmt: skip
        milestones = []
        if draw(st.booleans()):
            milestones.append(done(made, draw(st.integers(0, 12)), draw(st.integers(0, 6))))
        if draw(st.integers(0, 4)) == 0:
            kind = MilestoneKind.ORDER_CANCELLED
            milestones.append(done(made, draw(st.integers(0, 12)), draw(st.integers(0, 6)), kind))
        told.append((made, milestones))
    return told


def before(told: Sequence[Told], moment: int) -> list[Told]:
    """Return what was known before a moment."""
    limit = from_micros(moment)
    return [
        (made, [each for each in milestones if each.record_time < limit])
        for made, milestones in told
        if made.record_time < limit
    ]


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(0, 45))
def test_nothing_that_became_known_later_changes_what_is_told(
    told: list[Told], day: int
) -> None:  # fmt: skip
    moment = after(day)
    new = order("NEW", -10)
    everything = PastOrders(Known([(new, ()), *told])).like("NEW", moment)
    then = PastOrders(Known([(new, ()), *before(told, moment)])).like("NEW", moment)
    assert everything is not None
    assert then is not None
    assert (everything.count, everything.late) == (then.count, then.late)
    assert everything.nearest == then.nearest


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(0, 45))
def test_no_outcome_is_told_that_was_not_known(told: list[Told], day: int) -> None:
    moment = after(day)
    made = {each.order_id: (each, milestones) for each, milestones in told}
    for past in asked(told, moment).nearest:
        placed, milestones = made[past.order_id]
        assert to_micros(placed.promised_by) < moment
        known = [m for m in milestones if m.milestone is MilestoneKind.DELIVERED]
        if past.delivered is not None:
            assert to_micros(known[0].record_time) < moment
            assert past.late == (past.delivered >= to_micros(placed.promised_by))
        else:
            assert past.late
            assert not known or to_micros(known[0].record_time) >= moment


@pytest.mark.parametrize("lag", [0, 2])
def test_the_edge_is_open(lag: int) -> None:
    one = order("ONE")
    told = [(one, [done(one, 3, lag)])]
    assert asked(told, after(5)).count == 0
    assert asked(told, after(5) + 1).count == 1
