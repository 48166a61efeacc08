from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression

from triage.features.compile import Floats
from triage.models.survival import (
    GRID_FROM,
    GRID_POINTS,
    GRID_TO,
    SurvivalCurve,
    fit_logistic,
    grid,
    kaplan_meier,
    logit,
)

laws = settings(max_examples=100, deadline=None)
survivals = arrays(np.float64, GRID_POINTS, elements=st.floats(0, 1))
"""Any numbers from 0 to 1, falling or not, flat or not."""
on_grid = st.floats(GRID_FROM, GRID_TO)


def falling(seed: int) -> Floats:
    """A survival array as data would give it: from near 1 to near 0 with flat stretches."""
    steps = np.random.default_rng(seed).exponential(size=GRID_POINTS) ** 3
    return 1.0 - np.cumsum(steps) / steps.sum()


ENDS = {
    "all alive": np.ones(GRID_POINTS),
    "all gone": np.zeros(GRID_POINTS),
    "flat half": np.full(GRID_POINTS, 0.5),
    "one step": (grid() < 0.3).astype(float),
    "rising": np.linspace(0, 1, GRID_POINTS),
}


@pytest.mark.parametrize("survival", ENDS.values(), ids=ENDS.keys())
def test_a_curve_falls_strictly_whatever_it_is_made_from(survival: Floats) -> None:
    curve = SurvivalCurve.of(survival)
    assert (np.diff(curve.logits) < 0).all()
    values = [curve.at(z) for z in grid()]
    assert (np.diff(values) < 0).all()
    assert 0 < values[-1] < values[0] < 1


@laws
@given(survivals, on_grid, on_grid)
def test_any_array_makes_a_curve_that_falls_between_any_two_points(
    survival: Floats, a: float, b: float
) -> None:
    curve = SurvivalCurve.of(survival)
    assert (np.diff(curve.logits) < 0).all()
    low, high = min(a, b), max(a, b)
    assert curve.at(low) >= curve.at(high)
    if high - low > 1e-6:
        assert curve.at(low) > curve.at(high)


@laws
@given(survivals, on_grid)
def test_the_inverse_gives_back_the_place(survival: Floats, z: float) -> None:
    curve = SurvivalCurve.of(survival)
    assert curve.inverse(curve.at(z)) == pytest.approx(z, abs=1e-6)


@laws
@given(survivals, st.floats(1e-6, 1 - 1e-6))
def test_the_curve_at_the_inverse_gives_back_the_survival(survival: Floats, wanted: float) -> None:
    curve = SurvivalCurve.of(survival)
    assert curve.at(curve.inverse(wanted)) == pytest.approx(wanted, abs=1e-9)


@laws
@given(survivals, arrays(np.float64, 20, elements=st.floats(-50, 50)))
def test_many_places_at_once_give_what_each_gives(survival: Floats, z: Floats) -> None:
    curve = SurvivalCurve.of(survival)
    one_by_one = [curve.at(float(place)) for place in z]
    np.testing.assert_allclose(curve.many(z), one_by_one, rtol=1e-12, atol=1e-12)


@given(st.integers(0, 1000))
@laws
def test_a_curve_keeps_the_survival_it_was_made_from(seed: int) -> None:
    survival = falling(seed)
    curve = SurvivalCurve.of(survival)
    held = np.clip(survival, 1 / (1 + np.exp(9)), 1 / (1 + np.exp(-9)))
    np.testing.assert_allclose(curve.many(grid()), held, atol=2e-3)


def test_logits_are_held_away_from_certainty() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert logit(np.array([0.5]))[0] == 0.0


@st.composite
def samples(draw: st.DrawFn) -> tuple[Floats, Floats]:
    n = draw(st.integers(1, 40))
    z = draw(arrays(np.float64, n, elements=st.integers(-20, 20).map(lambda v: v / 10)))
    weight = draw(arrays(np.float64, n, elements=st.floats(0.01, 5)))
    return z, weight


@laws
@given(samples())
def test_without_censoring_kaplan_meier_is_the_weighted_share_beyond(
    sample: tuple[Floats, Floats],
) -> None:
    z, weight = sample
    at = grid()
    survival = kaplan_meier(z, np.ones(len(z), dtype=bool), weight, at, bandwidth=0.0)
    share = [weight[z > place].sum() / weight.sum() for place in at]
    np.testing.assert_allclose(survival, share, atol=1.1e-5)


def test_kaplan_meier_with_censoring_is_the_product_computed_by_hand() -> None:
    z = np.array([0.4, 0.1, 0.3, 0.2, 0.5])
    observed = np.array([True, True, True, False, False])  # events at .1 .3 .4, censored .2 .5
    at = np.array([0.05, 0.1, 0.15, 0.25, 0.35, 0.45, 0.9])
    survival = kaplan_meier(z, observed, np.ones(5), at, bandwidth=0.0)
    by_hand = [1, 4 / 5, 4 / 5, 4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3 / 2, 4 / 5 * 2 / 3 / 2]
    np.testing.assert_allclose(survival, by_hand, rtol=1e-9)


def test_kaplan_meier_with_censoring_and_weights_is_the_product_computed_by_hand() -> None:
    z = np.array([1.0, 2.0, 2.0, 3.0])
    observed = np.array([True, False, True, True])
    weight = np.array([1.0, 2.0, 3.0, 4.0])  # the one censored at 2 is still at risk at 2
    survival = kaplan_meier(z, observed, weight, np.array([1.5, 2.5]), bandwidth=0.0)
    np.testing.assert_allclose(survival, [9 / 10, 9 / 10 * (1 - 3 / 9)], rtol=1e-9)


@laws
@given(samples(), st.randoms(use_true_random=False), st.floats(0, 0.5), st.floats(0.01, 100))
def test_kaplan_meier_falls_within_0_and_1_whatever_the_scale_of_the_weights(
    sample: tuple[Floats, Floats], chance: object, bandwidth: float, scale: float
) -> None:
    z, weight = sample
    observed = np.array([chance.random() < 0.7 for _ in z])  # type: ignore[attr-defined]
    survival = kaplan_meier(z, observed, weight, grid(), bandwidth=bandwidth)
    assert (np.diff(survival) <= 1e-12).all()
    assert survival.min() >= 0
    assert survival.max() <= 1 + 1e-12
    scaled = kaplan_meier(z, observed, weight * scale, grid(), bandwidth=bandwidth)
    np.testing.assert_allclose(survival, scaled, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_logistic_regression_is_that_of_scikit_learn(seed: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(0.5, 1 + seed, 400)
    y = (rng.random(400) < 1 / (1 + np.exp(1.0 + 2.0 * x))).astype(float)
    weight = rng.uniform(0.1, 3, 400) if weighted else None
    ridge = 1e-3 * 10**seed
    theirs = LogisticRegression(C=1 / ridge, tol=1e-12, max_iter=10_000)
    theirs.fit(x[:, None], y, sample_weight=weight)
    intercept, slope = fit_logistic(x, y, weight, ridge=ridge)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=1e-5)
    assert slope == pytest.approx(theirs.coef_[0, 0], abs=1e-5)


@pytest.mark.parametrize("gap", [0.0, 0.01, 1.0, 5.0])
def test_the_logistic_regression_settles_when_the_outcomes_are_separated(gap: float) -> None:
    x = np.concatenate([np.linspace(-2, -gap, 100), np.linspace(gap + 1e-3, 2 + gap, 300)])
    y = (x <= 0).astype(float)
    intercept, slope = fit_logistic(x, y)
    p = 1 / (1 + np.exp(-np.clip(intercept + slope * x, -700, 700)))
    assert slope < -1
    assert ((p > 0.5) == (y == 1)).mean() > 0.99
    assert ((y - p) @ x - 1e-3 * slope) == pytest.approx(0, abs=1e-3)


def test_one_outcome_only_gives_finite_numbers() -> None:
    x = np.linspace(-1, 1, 200)
    intercept, slope = fit_logistic(x, np.zeros(200))
    assert np.isfinite([intercept, slope]).all()
    assert 1 / (1 + np.exp(-intercept)) < 0.01
