from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.features.compile import Floats, Ints
from triage.models.at_risk import Calibration
from triage.models.calibration import (
    RecentTimes,
    Residuals,
    recent_curve,
    settled_rows,
    slow_logistic,
)
from triage.models.landmarks import Rows
from triage.models.survival import SurvivalCurve, grid

NOW = 1_000 * MICROS_PER_DAY
SETTINGS = Calibration(share_recent=0.3)
BUSY = Calibration(share_recent=0.3, surge=0.5)
LOGISTIC = (0.1, -2.0)
laws = settings(max_examples=40, deadline=None)


def residuals(seed: int, n: int = 4000, last_day: float = 30.0) -> Residuals:
    """Rows from 150 days before NOW to `last_day` days after; some never end or are cancelled."""
    rng = np.random.default_rng(seed)
    as_of = np.sort(NOW + _micros(rng.uniform(-150, last_day, n)))
    mu = rng.normal(1.5, 0.4, n)
    lasts = np.expm1(np.maximum(mu + rng.normal(0, 0.4, n), 0.05))
    delivered = as_of + _micros(lasts)
    known = delivered + _micros(rng.choice([0.0, 0.1, 3.0], n))
    never = rng.random(n) < 0.05
    cancelled = np.where(rng.random(n) < 0.05, as_of + _micros(rng.uniform(0.1, 30, n)), NEVER)
    promise = _micros(np.expm1(mu + rng.normal(0.2, 0.3, n)).clip(0.2))
    return Residuals(
        Rows("order_created", np.arange(n), as_of, as_of + promise,
             np.where(never, NEVER, delivered), np.where(never, NEVER, known), cancelled),
        mu,
    )  # fmt: skip


def _micros(days: Floats) -> Ints:
    return np.rint(days * MICROS_PER_DAY).astype(np.int64)


def with_another_future(past: Residuals, moment: int, seed: int) -> Residuals:
    """The same past; what became known at or after the moment is made up anew."""
    rng = np.random.default_rng(seed)
    rows, n = past.rows, len(past.rows)
    later = moment + _micros(rng.choice([0.0, 1.0, 20.0], n) * rng.random(n))
    later = np.where(rng.random(n) < 0.3, NEVER, later)
    outcome_open = rows.delivered_known >= moment
    happened = rows.as_of + _micros(rng.uniform(0, 60, n))
    happened = np.where(later == NEVER, NEVER, np.minimum(happened, later))
    cancel_open = rows.cancelled_known >= moment
    unborn = rows.as_of >= moment
    mu = np.where(unborn, rng.normal(size=n), past.mu)
    changed = Rows(
        rows.landmark, rows.order, rows.as_of, rows.late_at,
        np.where(outcome_open, happened, rows.delivered),
        np.where(outcome_open, later, rows.delivered_known),
        np.where(cancel_open, rng.permutation(later), rows.cancelled_known),
    )  # fmt: skip
    kept = ~unborn | (rng.random(n) < 0.5)
    return Residuals(changed.take(kept), mu[kept])


moments = st.floats(-60, 25).map(lambda days: NOW + round(days * MICROS_PER_DAY))
seeds = st.integers(0, 10_000)


@laws
@given(seeds, seeds, moments)
def test_the_curve_uses_nothing_that_was_known_at_or_after_its_moment(
    seed: int, other: int, moment: int
) -> None:
    past = residuals(seed)
    changed = with_another_future(past, moment, other)
    assert recent_curve(past, moment, LOGISTIC, BUSY) == recent_curve(
        changed, moment, LOGISTIC, BUSY
    )


@laws
@given(seeds, seeds, moments)
def test_the_slow_part_uses_nothing_that_was_known_at_or_after_its_moment(
    seed: int, other: int, moment: int
) -> None:
    past = residuals(seed)
    changed = with_another_future(past, moment, other)
    assert slow_logistic(past, moment, BUSY) == slow_logistic(changed, moment, BUSY)


@laws
@given(seeds, seeds, moments, st.sampled_from([1, 3]))
def test_the_curve_of_times_uses_nothing_that_was_known_at_or_after_its_moment(
    seed: int, other: int, moment: int, every: int
) -> None:
    past = residuals(seed)
    changed = with_another_future(past, moment, other)
    assert RecentTimes(past, BUSY, every).at(moment) == RecentTimes(changed, BUSY, every).at(moment)


def test_a_surge_moves_both_curves_before_any_outcome_shows_it() -> None:
    past = residuals(6, n=9000, last_day=-0.01)
    rows = past.rows
    week = rows.as_of > NOW - 7 * MICROS_PER_DAY
    doubled = Residuals(rows, past.mu, np.sort(np.append(rows.as_of, rows.as_of[week])))
    late = [recent_curve(of, NOW, LOGISTIC, BUSY).at(0.2) for of in (past, doubled)]
    times = [RecentTimes(of, BUSY).at(NOW) or SurvivalCurve.of(grid()) for of in (past, doubled)]
    assert late[1] > late[0] + 0.02
    assert times[1].at(0.2) > times[0].at(0.2) + 0.02
    assert recent_curve(doubled, NOW, LOGISTIC, SETTINGS) == recent_curve(
        past, NOW, LOGISTIC, SETTINGS
    )


def test_the_curve_of_times_hardly_depends_on_the_day_of_the_week() -> None:
    """Deliveries of the last two days of each week come a day or two later, on the next one's."""
    rng = np.random.default_rng(9)
    n = 20_000
    as_of = np.sort(NOW - _micros(rng.uniform(0, 150, n)))
    mu = np.full(n, 1.5)
    delivered = as_of + _micros(np.expm1(1.5 + rng.normal(0, 0.3, n)).clip(0.01))
    weekday = delivered // MICROS_PER_DAY % 7
    delivered += np.where(weekday >= 5, 7 - weekday, 0) * MICROS_PER_DAY
    rows = Rows(
        "order_created", np.arange(n), as_of, as_of + 9 * MICROS_PER_DAY, delivered, delivered,
        np.full(n, NEVER),
    )  # fmt: skip
    past = Residuals(rows, mu)
    week = [NOW - ago * MICROS_PER_DAY for ago in range(7)]
    averaged = RecentTimes(past, SETTINGS)
    single = RecentTimes(past, SETTINGS, every=7)
    swing = [
        np.ptp([curve.inverse(0.1) for curve in map(of.at, week) if curve is not None])
        for of in (averaged, single)
    ]
    assert swing[0] < swing[1] / 2


def test_the_made_up_future_would_be_seen_by_a_curve_that_looked() -> None:
    past = residuals(1)
    changed = with_another_future(past, NOW, 2)
    later = NOW + 20 * MICROS_PER_DAY
    assert recent_curve(past, later, LOGISTIC, SETTINGS) != recent_curve(
        changed, later, LOGISTIC, SETTINGS
    )


def still_open(past: Residuals, share: float, seed: int) -> Residuals:
    rows = past.rows
    chosen = np.random.default_rng(seed).random(len(rows)) < share
    chosen &= rows.delivered_known < NOW
    return Residuals(
        Rows(
            rows.landmark, rows.order, rows.as_of, rows.late_at,
            np.where(chosen, NEVER, rows.delivered),
            np.where(chosen, NEVER, rows.delivered_known), rows.cancelled_known,
        ),
        past.mu,
    )  # fmt: skip


@laws
@given(seeds, st.floats(0.05, 0.4))
def test_orders_that_stay_open_move_the_curve_up(seed: int, share: float) -> None:
    past = residuals(seed, n=9000, last_day=-0.01)
    usual = recent_curve(past, NOW, LOGISTIC, SETTINGS).many(grid())
    slower = recent_curve(still_open(past, share, seed), NOW, LOGISTIC, SETTINGS).many(grid())
    assert (slower >= usual - 1e-9).all()
    assert (slower > usual + 1e-4).any()


def test_orders_that_wait_far_longer_than_predicted_move_the_curve_up() -> None:
    past = residuals(3, n=9000, last_day=-0.01)
    days, observed = past.rows.waited_days(NOW)
    patient = ~observed & (past.rows.cancelled_known >= NOW) & (days > 2)
    assert patient.sum() > 100
    longer = Residuals(past.rows, np.where(patient, past.mu - 1.5, past.mu))
    usual = recent_curve(past, NOW, LOGISTIC, SETTINGS)
    moved = recent_curve(longer, NOW, LOGISTIC, SETTINGS)
    assert moved.at(0.3) > usual.at(0.3)


def test_cancelled_orders_count_only_while_the_cancellation_is_not_known() -> None:
    past = residuals(4, n=9000, last_day=-0.01)
    cancelled = past.rows.cancelled_known < NOW
    assert cancelled.sum() > 50
    without = Residuals(past.rows.take(~cancelled), past.mu[~cancelled])
    assert recent_curve(past, NOW, LOGISTIC, SETTINGS) == recent_curve(
        without, NOW, LOGISTIC, SETTINGS
    )


@laws
@given(seeds, st.booleans())
def test_the_slow_slope_is_negative_even_where_the_data_say_otherwise(
    seed: int, perverse: bool
) -> None:
    past = residuals(seed, n=1000)
    if perverse:
        past = Residuals(past.rows, 3.0 * np.log1p(past.rows.promise_days()) - past.mu)
    intercept, slope = slow_logistic(past, NOW, SETTINGS)
    assert slope < 0
    assert np.isfinite(intercept)


def long_ago(n: int, every: int, times: int) -> Rows:
    """One order a day until NOW, `times` rows each, of which every so many-th was late."""
    order = np.repeat(np.arange(n), times)
    as_of = NOW + (order - n) * MICROS_PER_DAY
    late_at = as_of + MICROS_PER_DAY // 2
    delivered = late_at + np.where(order % every == 0, 1000, -1000)
    rows = Rows(
        "x:waiting", order, as_of, late_at, delivered, delivered, np.full(len(order), NEVER)
    )
    return rows.take(rows.mature(NOW))


@pytest.mark.parametrize("times", [1, 3])
def test_the_slow_part_reaches_back_until_it_has_a_hundred_late_orders(times: int) -> None:
    rows = long_ago(900, 5, times)
    chosen = rows.take(settled_rows(rows, NOW, SETTINGS))
    assert len(set(chosen.order[chosen.known_late(NOW)].tolist())) == 100
    assert len(chosen) == pytest.approx(500 * times, abs=5 * times)
    never = long_ago(900, 10_000, times)
    assert len(settled_rows(never, NOW, SETTINGS)) == len(never)


def test_the_slow_part_of_a_busy_company_looks_at_the_last_months_alone() -> None:
    past = residuals(6)
    chosen = past.rows.as_of[settled_rows(past.rows, NOW, SETTINGS)]
    assert chosen.min() > NOW - SETTINGS.logistic_days * MICROS_PER_DAY
    assert not len(settled_rows(past.rows.take(np.arange(0)), NOW, SETTINGS))


def test_without_enough_recent_deliveries_the_slow_part_stands_alone() -> None:
    past = residuals(5, n=40)
    curve = recent_curve(past, NOW, LOGISTIC, SETTINGS)
    slow = 1 / (1 + np.exp(-(LOGISTIC[0] + LOGISTIC[1] * grid())))
    np.testing.assert_allclose(curve.many(grid()), slow, atol=1e-3)


def test_a_large_history_gives_back_the_survival_that_it_was_drawn_from() -> None:
    rng = np.random.default_rng(8)
    n = 60_000
    as_of = np.sort(NOW - _micros(rng.uniform(0, 45, n)))
    mu = np.full(n, 2.0)
    delivered = as_of + _micros(np.expm1(2.0 + rng.normal(0, 0.4, n)).clip(0.01))
    rows = Rows(
        "order_created", np.arange(n), as_of, as_of + 30 * MICROS_PER_DAY, delivered, delivered,
        np.full(n, NEVER),
    )  # fmt: skip
    fast_only = Calibration(share_recent=1.0, bandwidth=0.01, half_life_days=20)
    curve = recent_curve(Residuals(rows, mu), NOW, LOGISTIC, fast_only)
    for z, survival in ((-0.4, 0.8413), (0.0, 0.5), (0.4, 0.1587)):
        assert curve.at(z) == pytest.approx(survival, abs=0.02)
