from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.models.spread import NO_MOVES, Moved, Moves, moved_gaps, moves_of

laws = settings(max_examples=200, deadline=None)
move = st.floats(-1, 1)
moves = st.tuples(move, move, move)


@st.composite
def gaps(draw: st.DrawFn) -> Moves:
    """p10, p50 and p90 of some curve of times."""
    low = draw(st.floats(-2, 1))
    middle = low + draw(st.floats(0.01, 1))
    return low, middle, middle + draw(st.floats(0.01, 1))


@laws
@given(gaps(), moves, st.floats(-3, 3), st.floats(1e-6, 3))
def test_what_lies_further_on_the_curve_lies_further_when_moved(
    own: Moves, by: Moves, gap: float, more: float
) -> None:
    scale = Moved.of(own, by)
    assert scale.there(gap) < scale.there(gap + more) + 1e-12
    assert list(scale.moved) == sorted(scale.moved)


@laws
@given(gaps(), moves, st.floats(-3, 3))
def test_there_and_back_is_the_same_gap(own: Moves, by: Moves, gap: float) -> None:
    scale = Moved.of(own, by)
    assert scale.back(scale.there(gap)) == pytest.approx(gap, abs=1e-9)


@laws
@given(gaps(), st.lists(moves, min_size=1, max_size=5))
def test_many_orders_are_moved_as_one_is(own: Moves, several: list[Moves]) -> None:
    many = moved_gaps(own, np.array(several))
    np.testing.assert_array_equal(many, [Moved.of(own, by).moved for by in several])


@laws
@given(gaps(), st.floats(-3, 3))
def test_without_moves_everything_stays(own: Moves, gap: float) -> None:
    assert Moved.of(own, NO_MOVES).there(gap) == pytest.approx(gap, abs=1e-12)


def test_the_moves_of_an_order_are_those_of_its_values_and_unknown_ones_move_nothing() -> None:
    tables = {"site": {"ATL": (0.1, 0.2, 0.3)}, "carrier": {"Fast": (-0.1, 0.0, -0.2)}}
    every = (0.0, 0.0, 0.05)
    both = moves_of(every, tables, {"site": "ATL", "carrier": "Fast"})
    assert both == pytest.approx((0.0, 0.2, 0.15))
    assert moves_of(every, tables, {"site": "new", "carrier": None}) == every
