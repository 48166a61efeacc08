from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Ints
from triage.models.surge import surge

NOW = 1_000 * MICROS_PER_DAY
laws = settings(max_examples=60, deadline=None)


def orders(per_day: dict[int, int]) -> Ints:
    """So many orders on each day, counted back from NOW: 1 is yesterday."""
    noon = MICROS_PER_DAY // 2
    days = [day for day in sorted(per_day, reverse=True) for _ in range(per_day[day])]
    return np.array([NOW - day * MICROS_PER_DAY + noon for day in days], dtype=np.int64)


def at_now(reached: Ints) -> float:
    return float(surge(reached, np.array([NOW]))[0])


def test_as_many_orders_as_ever_are_no_surge() -> None:
    assert at_now(orders(dict.fromkeys(range(1, 80), 30))) == pytest.approx(0.0, abs=1e-12)


def test_a_week_of_twice_the_orders_is_nearly_the_log_of_the_ratio() -> None:
    usual = dict.fromkeys(range(8, 80), 200)
    found = at_now(orders(usual | dict.fromkeys(range(1, 8), 400)))
    assert found == pytest.approx(math.log(2 / (9 / 8)), abs=0.01)


def test_few_orders_say_little_and_the_first_weeks_nothing() -> None:
    few = at_now(orders(dict.fromkeys(range(8, 80, 7), 1) | {1: 2}))
    assert 0 < few < 0.12
    assert at_now(orders(dict.fromkeys(range(1, 8), 50) | {20: 1})) == 0.0
    assert at_now(np.array([], dtype=np.int64)) == 0.0


def test_nobody_is_taken_to_be_busier_than_e_times_the_usual() -> None:
    assert at_now(orders(dict.fromkeys(range(8, 80), 5) | {1: 3000})) == 1.0


@laws
@given(st.integers(0, 10_000), st.integers(0, 3 * MICROS_PER_DAY))
def test_nothing_that_is_reached_at_or_after_the_moment_counts(seed: int, later: int) -> None:
    rng = np.random.default_rng(seed)
    past = NOW - rng.integers(1, 90 * MICROS_PER_DAY, 400)
    future = NOW + later + rng.integers(0, 9 * MICROS_PER_DAY, 900)
    moments = NOW + np.array([0, later // 2, later])
    np.testing.assert_array_equal(
        surge(np.sort(past), moments[:1]), surge(np.sort([*past, *future]), moments[:1])
    )
    unseen = np.append(past, NOW + later)
    np.testing.assert_array_equal(
        surge(np.sort(past), moments[2:]), surge(np.sort(unseen), moments[2:])
    )
