from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.errors import DeclarationError, NotEnoughHistoryError
from triage.features.compile import Floats
from triage.models.landmarks import Rows
from triage.training.baselines import FittedBaselines, fit_baselines
from triage.training.landmark_data import LandmarkData
from triage.training.recipe import Baselines

N = 1000
MOMENT = 500 * MICROS_PER_DAY
INPUTS = ("lately", "near", "far")
DECLARED = Baselines(rule="lately", static=("near", "far", "of_a_family_that_is_off"))


def data_of(x: Floats, late: Floats) -> LandmarkData:
    as_of = np.arange(N) * MICROS_PER_DAY
    late_at = as_of + MICROS_PER_DAY
    delivered = np.where(late > 0, late_at, late_at - 1)
    rows = Rows(
        "order_created", np.arange(N), as_of, late_at, delivered, delivered, np.full(N, NEVER)
    )
    beside = {name: x[:, at] for at, name in enumerate(INPUTS)}
    return LandmarkData(rows, x.astype(np.float32), INPUTS, beside, pd.DataFrame(index=range(N)))


@pytest.fixture
def data() -> LandmarkData:
    """Rows of which those before MOMENT teach; `near` says who will be late, `far` says nothing."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, 3))
    x[:, 0] = rng.choice([0.0, 0.3, 1.0, np.nan], N)
    late = rng.random(N) < 1 / (1 + np.exp(2 - 2 * x[:, 1]))
    x[rng.random(N) < 0.1, 1] = np.nan
    return data_of(x, late.astype(float))


def replace_categories(declared: Baselines) -> Baselines:
    return declared.model_copy(update={"categories": ("service", "of_no_such_field")})


def fitted(data: LandmarkData) -> FittedBaselines:
    return fit_baselines(data, MOMENT, DECLARED)


def test_the_constant_is_the_share_of_late_orders_that_was_known(data: LandmarkData) -> None:
    known = data.rows.late_at <= MOMENT
    base = data.rows.late()[known].mean()
    said = fitted(data).predict(data, np.arange(400, 700))
    assert said["constant"] == pytest.approx(np.full(300, base))


def test_the_rule_repeats_its_feature_and_says_the_base_rate_without_history(
    data: LandmarkData,
) -> None:
    base = fitted(data)
    said = base.predict(data, np.arange(N))["rule"]
    rule = data.x[:, 0]
    assert (said[rule == 0.3] == 0.3).all()
    assert (said[np.isnan(rule)] == base.base_rate).all()
    assert said.min() > 0  # a log loss stays finite
    assert said.max() < 1


def test_the_logistic_regression_ranks_by_what_matters(data: LandmarkData) -> None:
    tested = np.arange(N // 2, N)
    said = fitted(data).predict(data, tested)["logistic"]
    near = data.x[tested, 1]
    known = ~np.isnan(near)
    assert np.corrcoef(said[known], near[known])[0, 1] > 0.9
    assert ((said > 0) & (said < 1)).all()


def test_outcomes_known_later_teach_nothing(data: LandmarkData) -> None:
    future = data.rows.late_at > MOMENT
    rows = replace(
        data.rows,
        delivered=np.where(future, NEVER, data.rows.delivered),
        delivered_known=np.where(future, NEVER, data.rows.delivered_known),
    )
    changed = replace(data, rows=rows)
    before, after = (fitted(d).predict(d, np.arange(N)) for d in (data, changed))
    for name, said in before.items():
        np.testing.assert_array_equal(said, after[name])


def test_a_rule_that_is_no_feature_is_told_by_name(data: LandmarkData) -> None:
    with pytest.raises(DeclarationError, match="gossip"):
        fit_baselines(data, MOMENT, Baselines(rule="gossip", static=("near",)))


def test_no_outcome_at_all_is_not_enough(data: LandmarkData) -> None:
    with pytest.raises(NotEnoughHistoryError, match="order_created"):
        fit_baselines(data, 0, DECLARED)


def test_the_logistic_regression_knows_codes_and_takes_one_it_never_saw(
    data: LandmarkData,
) -> None:
    late = data.rows.late()
    coded = replace(data, categories=pd.DataFrame({"service": np.where(late, "slow", "fast")}))
    base = fit_baselines(coded, MOMENT, replace_categories(DECLARED))
    tested = np.arange(N // 2, N)
    said = base.predict(coded, tested)["logistic"]
    assert said[late[tested] == 1].min() > said[late[tested] == 0].max()
    unseen = replace(data, categories=pd.DataFrame({"service": ["by drone"] * N}))
    assert (base.predict(unseen, tested)["logistic"] > 0).all()


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_where_all_orders_ended_alike_the_logistic_says_the_base_rate(
    data: LandmarkData, outcome: float
) -> None:
    alike = data_of(data.columns(INPUTS), np.full(N, outcome))
    said = fitted(alike).predict(alike, np.arange(N))
    np.testing.assert_array_equal(said["logistic"], said["constant"])
    assert abs(said["constant"][0] - outcome) == pytest.approx(1e-4)
