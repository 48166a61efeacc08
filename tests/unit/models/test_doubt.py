from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from sklearn.isotonic import IsotonicRegression

from triage.models.doubt import margins, usual_range, venn_abers
from triage.models.survival import grid

laws = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)


def outcomes(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = grid()[rng.integers(40, 200, n)]
    return z, rng.random(n) < 1 / (1 + np.exp(1 + 2 * z))


@laws
@given(seeds, st.integers(0, 240))
def test_bounds_are_isotonic_calibration_with_the_order_added_as_on_time_and_as_late(
    seed: int, place: int
) -> None:
    z, late = outcomes(seed, 150)
    low, high = venn_abers(z, late)
    here = grid()[place]
    for bounds, outcome in ((low, 0), (high, 1)):
        reference = IsotonicRegression(increasing=False)
        reference.fit(np.append(z, here), np.append(late, outcome).astype(float))
        np.testing.assert_allclose(bounds[place], reference.predict([here])[0], atol=1e-9)


@laws
@given(seeds)
def test_more_outcomes_leave_less_doubt(seed: int) -> None:
    few, many = (venn_abers(*outcomes(seed, n)) for n in (60, 6000))
    assert (few[1] >= few[0]).all()
    assert (many[1] - many[0]).mean() < (few[1] - few[0]).mean()


def test_margins_lead_from_the_merged_probability_to_both_bounds() -> None:
    low, high = venn_abers(*outcomes(1, 400))
    below, above = margins(low, high)
    assert (below >= 0).all()
    assert (above >= 0).all()
    merged = high / (1 - low + high)
    back = 1 / (1 + np.exp(below - np.log(merged / (1 - merged))))
    inside = (low > 0.01) & (high < 0.99)
    np.testing.assert_allclose(back[inside], low[inside], atol=1e-9)


def test_the_usual_range_holds_nearly_every_row_and_none_that_is_far_off() -> None:
    x = np.random.default_rng(2).normal(size=(5000, 6))
    x[:, 5] = np.nan
    low, high, most = usual_range(x)
    outside = ((x < low) | (x > high)).sum(axis=1)
    assert (outside <= most).mean() >= 0.99
    assert (np.array([9.0] * 6) > high)[:5].all()
    assert np.isinf([low[5], high[5]]).all()
