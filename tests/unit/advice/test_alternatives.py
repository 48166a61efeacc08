from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from tests.unit.advice.test_priority import ORDER as SAID

from triage.advice.alternatives import (
    Scored,
    Way,
    covering,
    possible,
    recommended,
    short_lines,
    together,
)
from triage.advice.policy import load
from triage.advice.sharing import Claim, shared_out
from triage.domain.records import Order, OrderLine

POLICY = load().work
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ORDER = Order(
    order_id="SO-1", event_time=NOW, record_time=NOW, promised_by=NOW + timedelta(days=5),
    service="Ground",
    lines=(
        OrderLine(line_no=1, sku="A", quantity=10, unit_price=2.0, site="W1"),
        OrderLine(line_no=2, sku="B", quantity=5, unit_price=9.0, site="W1"),
    ),
)  # fmt: skip
STOCK = {
    ("W1", "A"): 50.0, ("W1", "B"): 0.0, ("W2", "A"): 10.0, ("W2", "B"): 5.0,
    ("W3", "A"): 9.0, ("W3", "B"): 80.0,
}  # fmt: skip


def free(site: str, sku: str) -> float:
    return STOCK.get((site, sku), math.nan)


def actions(**changes: object) -> list[Way]:
    usual = {"regulated": False, "services": frozenset({"Express"})} | changes
    return possible(POLICY, ORDER, "order_validated", free, ["W1", "W2", "W3", "W4"], **usual)  # type: ignore[arg-type]


def test_a_site_without_all_the_stock_or_without_a_record_of_it_is_never_offered() -> None:
    assert covering(ORDER, free, ["W1", "W2", "W3", "W4"]) == ["W2"]
    twice = ORDER.model_copy(update={"lines": (*ORDER.lines, ORDER.lines[0])})
    assert covering(twice, free, ["W2"]) == []


def test_only_the_lines_that_are_short_move_in_a_split() -> None:
    assert short_lines(ORDER, free) == {2}
    assert Way("split", "W2", frozenset({2})) in actions()
    enough = ORDER.model_copy(update={"lines": ORDER.lines[:1]})
    ways = possible(
        POLICY, enough, "order_validated", free, ["W2", "W3"], regulated=False, services=frozenset()
    )
    assert {way.action for way in ways} == {"other_site", "tell_customer"}


def test_goods_services_and_stages_rule_ways_out() -> None:
    assert {way.action for way in actions()} == {
        "other_site", "split", "faster_service", "tell_customer"
    }  # fmt: skip
    assert "faster_service" not in {way.action for way in actions(regulated=True)}
    assert "faster_service" not in {way.action for way in actions(services=frozenset())}
    gone = possible(
        POLICY, ORDER, "shipment_dispatched", free, ["W2"], regulated=False, services=frozenset()
    )
    assert [way.action for way in gone] == ["tell_customer"]


def test_a_way_is_recommended_by_what_it_saves_and_only_if_it_is_in_time() -> None:
    near, far = Way("other_site", "W2"), Way("other_site", "W3")
    better = Scored(0.1, (-2.0, -1.0, 1.0), ("distance",))
    scored = [
        (far, Scored(0.3, (-1.0, 0.0, 1.0))), (near, better),
        (Way("faster_service"), Scored(0.49, (-1.0, 0.0, 1.0))), (Way("tell_customer"), None),
        (Way("split", "W2"), better),
    ]  # fmt: skip
    until = {"other_site": 5, "faster_service": 6, "tell_customer": 7}
    first, second = recommended(POLICY, SAID, scored, until)  # type: ignore[arg-type]
    assert (first.action, first.site, first.support) == ("other_site", "W2", ("distance",))
    gain = POLICY.recommend.credited * 0.4
    assert first.delta_p == pytest.approx(-gain)
    assert first.p_late == pytest.approx(SAID.p_late - gain)
    assert first.delta_days == (-2.0, -1.0, 1.0)
    assert first.saves == pytest.approx(gain * 1000 - first.cost)
    assert (second.action, second.delta_p, second.p_late) == ("tell_customer", None, SAID.p_late)
    assert first.feasible_until == 5


def test_a_split_is_in_time_only_if_both_parts_are() -> None:
    both = together(Scored(0.2, (0.0, 1.0, 2.0), ("a",)), Scored(0.5, (-1.0, 2.0, 2.5), ("a", "b")))
    assert both.p_late == pytest.approx(0.6)
    assert (both.delay_days, both.unfamiliar) == ((0.0, 2.0, 2.5), ("a", "b"))


def test_scarce_stock_goes_where_it_saves_most_and_the_other_takes_its_second_best() -> None:
    cell = ("W2", "A")
    claims = [
        Claim("x", 100.0, 5.0, {cell: 6.0}), Claim("x", 90.0, 5.0, {}),
        Claim("y", 80.0, 5.0, {cell: 6.0}),
    ]  # fmt: skip
    assert shared_out(claims, {cell: 10.0}, 60.0) == (False, True, True)
    assert shared_out(claims, {cell: 12.0}, 60.0) == (True, False, True)
    assert shared_out(claims, {}, 60.0) == (False, True, False)
    assert shared_out(claims, {cell: 12.0}, 5.0) == (True, False, False)
    assert shared_out([], {}, 5.0) == ()


_CLAIMS = st.lists(
    st.builds(
        Claim,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 50).map(float),
        st.integers(1, 9).map(float),
        st.dictionaries(st.sampled_from([("W", "A"), ("W", "B")]), st.integers(1, 5).map(float)),
    ),
    min_size=1,
    max_size=7,
)


@settings(deadline=None, max_examples=40)
@given(claims=_CLAIMS, pieces=st.integers(0, 9), minutes=st.integers(0, 25))
def test_stock_is_shared_out_as_well_as_by_trying_everything(
    claims: list[Claim], pieces: int, minutes: int
) -> None:
    stock = {("W", "A"): float(pieces), ("W", "B"): 3.0}

    def worth(chosen: tuple[bool, ...]) -> float:
        taken = [claim for claim, is_taken in zip(claims, chosen, strict=True) if is_taken]
        if len({claim.order_id for claim in taken}) < len(taken):
            return -1.0
        if sum(claim.minutes for claim in taken) > minutes:
            return -1.0
        for cell, most in stock.items():
            if sum(claim.wants.get(cell, 0.0) for claim in taken) > most:
                return -1.0
        return sum(claim.saves for claim in taken)

    best = max(worth(each) for each in product([False, True], repeat=len(claims)))
    assert worth(shared_out(claims, stock, float(minutes))) == pytest.approx(best)
