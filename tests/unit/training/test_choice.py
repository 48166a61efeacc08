from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.features.compile import Floats
from triage.models.at_risk import Calibration
from triage.models.landmarks import Rows
from triage.training import recipe as recipes
from triage.training.choice import Option, choose
from triage.training.fit import week_folds

MOMENT = 300 * MICROS_PER_DAY
SETTINGS = Calibration(share_recent=0.5)
WEIGHTS = (0.05, 0.3, 1.0)


def orders(late: Floats, days: Floats) -> Rows:
    """Orders placed evenly before MOMENT, promised in four days."""
    n = len(late)
    as_of = np.sort(np.linspace(0, 295 * MICROS_PER_DAY, n)).astype(np.int64)
    late_at = as_of + 4 * MICROS_PER_DAY
    delivered = as_of + np.rint(days * MICROS_PER_DAY).astype(np.int64)
    return Rows(
        "order_created", np.arange(n), as_of, late_at, delivered, delivered, np.full(n, NEVER)
    )


@pytest.fixture
def lookup() -> tuple[Rows, Floats, Floats]:
    """Late or not follows the odds; the location of the time says nothing about it."""
    rng = np.random.default_rng(3)
    odds = rng.choice([-3.0, 2.0], 6000)
    late = rng.random(6000) < 1 / (1 + np.exp(-odds))
    days = np.where(late, rng.uniform(4.1, 6, 6000), rng.uniform(1, 3.9, 6000))
    return orders(late, days), rng.normal(1.2, 0.3, 6000), odds


def test_where_late_or_not_is_a_lookup_its_trees_get_the_weight(
    lookup: tuple[Rows, Floats, Floats],
) -> None:
    rows, mu, odds = lookup
    assert choose(rows, mu, odds, MOMENT, SETTINGS, WEIGHTS).weight == 1.0


def test_the_usual_weight_holds_unless_another_is_better_beyond_chance(
    lookup: tuple[Rows, Floats, Floats],
) -> None:
    rows, mu, _ = lookup
    noise = np.random.default_rng(5).normal(0, 1, len(mu))
    assert choose(rows, mu, noise, MOMENT, SETTINGS, WEIGHTS).weight == 0.05


def test_too_few_outcomes_leave_the_usual_option(lookup: tuple[Rows, Floats, Floats]) -> None:
    rows, mu, odds = lookup
    few = np.arange(300)
    assert choose(rows.take(few), mu[few], odds[few], MOMENT, SETTINGS, WEIGHTS) == Option(
        0.05, 0.5
    )


def test_what_became_known_later_does_not_decide(lookup: tuple[Rows, Floats, Floats]) -> None:
    rows, mu, odds = lookup
    moment = 200 * MICROS_PER_DAY
    later = rows.delivered_known >= moment
    changed = replace(
        rows,
        delivered=np.where(later, NEVER, rows.delivered),
        delivered_known=np.where(later, NEVER, rows.delivered_known),
    )
    first, second = (
        choose(given, mu, odds, moment, SETTINGS, WEIGHTS) for given in (rows, changed)
    )
    assert first == second


def test_weeks_are_dealt_out_in_turn_and_stay_whole() -> None:
    as_of = np.sort(np.random.default_rng(1).integers(0, 400 * MICROS_PER_DAY, 5000))
    folds = week_folds(as_of, 3)
    weeks = as_of // (7 * MICROS_PER_DAY)
    assert all(len({*folds[weeks == week].tolist()}) == 1 for week in np.unique(weeks))
    assert np.bincount(folds).min() > 1000


def test_few_rows_are_dealt_out_to_more_parts_if_they_are_of_weeks_enough() -> None:
    trees = recipes.load("at_risk", None)[0].trees
    assert trees.folds_of(trees.few_rows - 1, 60) == trees.few_folds > trees.folds
    assert trees.folds_of(trees.few_rows, 60) == trees.folds
    assert trees.folds_of(20, 20) == trees.folds


def test_with_few_weeks_single_rows_are_dealt_out() -> None:
    as_of = np.sort(np.random.default_rng(1).integers(0, 20 * MICROS_PER_DAY, 90))
    assert np.bincount(week_folds(as_of, 3)).tolist() == [30, 30, 30]
