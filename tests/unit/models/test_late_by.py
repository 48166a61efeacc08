"""If it is late, by how much: the same distribution, cut off at the promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from tests.unit.models.test_at_risk import Case, cases, laws

from triage.models.late_by import late_by


def range_of(case: Case, quantiles: tuple[float, float] = (0.1, 0.9)) -> tuple[float, float]:
    return late_by(
        case.stage, case.curves, case.x, case.promise_days, case.predicted(), case.moves, quantiles
    )


@laws
@given(cases())
def test_the_range_is_after_the_promise_and_in_order(case: Case) -> None:
    low, high = range_of(replace(case, waited_days=0.0))
    assert 0.0 <= low <= high


@laws
@given(cases())
def test_it_agrees_with_the_range_of_all_futures(case: Case) -> None:
    """One in ten arrives after p90; of the late ones, that is one in ten by p(late)."""
    case = replace(case, waited_days=0.0)
    said = case.predicted()
    assume(said.p_late > 0.101)
    same = 1.0 - 0.1 / said.p_late
    _, high = range_of(case, (0.0, same))
    assert high == pytest.approx(said.delay_days[2], rel=1e-9, abs=1e-9)


@laws
@given(cases())
def test_half_of_the_way_out_lies_within(case: Case) -> None:
    low, high = range_of(replace(case, waited_days=0.0))
    middle, _ = range_of(replace(case, waited_days=0.0), (0.5, 0.9))
    assert low <= middle <= high
