"""Days of delay are shared out exactly, as the probability is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from tests.unit.models.test_at_risk import NAMES, Case, cases, laws

from triage.features.compile import Floats
from triage.models.delay_parts import DelayParts, delay_parts
from triage.models.spread import NO_MOVES


def parts_of(case: Case) -> DelayParts:
    return delay_parts(
        case.stage, case.curves, case.x, case.promise_days, case.predicted(), case.moves
    )


def shares_of(case: Case) -> tuple[Floats, float]:
    """Return exact Shapley values of the location of the times, and the location itself."""
    found = case.stage.times.explain(case.x[None, :])
    return found.contributions[0], float(found.prediction[0])


@laws
@given(cases())
def test_the_parts_lead_from_typical_to_the_middle_of_the_times(case: Case) -> None:
    case = replace(case, waited_days=0.0, moves=NO_MOVES)
    parts, (_, time) = parts_of(case), shares_of(case)
    location = case.stage.numbers.offset * math.log1p(case.promise_days) + time
    middle = math.expm1(location + case.curves.times.inverse(0.5)) - case.promise_days
    total = parts.typical + parts.effects.sum() + parts.promise + parts.waiting
    assert total == pytest.approx(middle, rel=1e-9, abs=1e-7)


@laws
@given(cases())
def test_each_part_is_what_it_adds_along_the_straight_path(case: Case) -> None:
    """Aumann-Shapley by its definition: the gradient, summed over small steps."""
    case = replace(case, waited_days=0.0, moves=NO_MOVES)
    parts, (shares, time) = parts_of(case), shares_of(case)
    numbers, own = case.stage.numbers, math.log1p(case.promise_days)
    apart = own - numbers.typical_promise
    base = time - shares.sum() + case.curves.times.inverse(0.5)
    steps, weights = np.polynomial.legendre.leggauss(60)
    along = (steps + 1) / 2
    promise = numbers.typical_promise + along * apart
    slope = np.exp(base + along * shares.sum() + numbers.offset * promise)
    tilt = (weights * slope).sum() / 2
    np.testing.assert_allclose(parts.effects, tilt * shares, rtol=1e-6, atol=1e-7)
    left = numbers.offset * tilt * apart - (weights * np.exp(promise)).sum() / 2 * apart
    assert parts.promise == pytest.approx(left, rel=1e-6, abs=1e-6)


@laws
@given(cases())
def test_waiting_adds_what_the_same_order_would_not_have_had(case: Case) -> None:
    waiting = parts_of(case).waiting
    fresh = replace(case, waited_days=0.0).predicted()
    said = case.predicted()
    if said.waiting_effect == 0:
        assert waiting == 0
    else:
        moved = said.delay_days[1] - fresh.delay_days[1]
        assert waiting == pytest.approx(moved, rel=1e-6, abs=1e-6)


@laws
@given(cases())
def test_there_is_a_part_for_each_input(case: Case) -> None:
    parts = parts_of(case)
    assert parts.effects.shape == (len(NAMES),)
    assert np.isfinite([parts.typical, *parts.effects, parts.promise, parts.waiting]).all()
