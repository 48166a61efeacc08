"""How much longer a road is that nobody has gone yet."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from triage.advice.deadlines import Lane
from triage.advice.distance import Distances

LANES: list[Lane] = [(f"W{at}", "TX", "Ground") for at in range(5)]


@given(
    start=st.floats(0.5, 3.0),
    slope=st.floats(0.0005, 0.01),
    more=st.floats(-1000.0, 3000.0),
    km=st.lists(st.floats(10.0, 4000.0), min_size=5, max_size=5, unique_by=round),
)
def test_a_longer_road_takes_what_the_line_through_known_lanes_says(
    start: float, slope: float, more: float, km: list[float]
) -> None:
    length = dict(zip(LANES, km, strict=True))
    days = {lane: start + slope * length[lane] for lane in LANES}
    found = Distances.of(days, length)
    assert found.more("Ground", more) == pytest.approx(slope * more, rel=1e-4, abs=1e-6)
    assert found.more("Express", more) == pytest.approx(slope * more, rel=1e-4, abs=1e-6)


def test_too_few_lanes_draw_no_line_and_a_falling_one_counts_as_level() -> None:
    days = {lane: 5.0 - at for at, lane in enumerate(LANES)}
    km = {lane: 100.0 * at for at, lane in enumerate(LANES)}
    assert Distances.of(days, km).more("Ground", 500.0) == 0.0
    few = {lane: 1.0 + at for at, lane in enumerate(LANES[:3])}
    assert Distances.of(few, km).more("Ground", 500.0) == 0.0
    assert Distances.of({}, {}).more(None, 500.0) == 0.0


def test_each_service_has_its_own_line_where_it_has_enough_lanes() -> None:
    express: list[Lane] = [(f"W{at}", "TX", "Express") for at in range(5)]
    km = {lane: 100.0 * at for lanes in (LANES, express) for at, lane in enumerate(lanes)}
    days: dict[Lane, float] = dict.fromkeys(express, 1.0)
    days |= {lane: 1.0 + at for at, lane in enumerate(LANES)}
    found = Distances.of(days, km)
    assert found.more("Ground", 300.0) == pytest.approx(3.0)
    assert found.more("Express", 300.0) == pytest.approx(0.0)
    assert found.more("Freight", 300.0) == pytest.approx(1.5)
