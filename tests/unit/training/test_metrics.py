from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from triage.training.metrics import (
    POOLED,
    WITHIN_MONTH,
    auc_error,
    evaluate,
    figure,
    landmarks,
    months,
    paired_gain,
    predictors,
    reliability,
    score,
)
from triage.training.report_table import as_dict, as_markdown, as_tables, say

Sets = tuple[list[int], list[float]]


@st.composite
def sets(draw: st.DrawFn, least: int = 2) -> Sets:
    """Outcomes of both classes with probabilities, often tied."""
    n = draw(st.integers(least, 60))
    tied = st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0])
    free = st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 6))
    p = draw(st.lists(tied | free, min_size=n, max_size=n))
    late = draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))
    return [0, 1, *late], p


def prediction_frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 400
    p = rng.uniform(0.01, 0.5, n)
    part = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "landmark": "order_created",
            "as_of": np.arange(n),
            "month": np.where(np.arange(n) < 150, "2017-11", "2017-12"),
            "late": (rng.random(n) < p).astype(int),
            "delivered": 1,
            "model": p,
            "constant": 0.2,
        }
    )
    return pd.concat([part, part.assign(landmark="order_validated")], ignore_index=True)


@given(sets())
def test_ranks_and_losses_are_those_of_scikit_learn(drawn: Sets) -> None:
    late, p = drawn
    found = score(late, p)
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    assert found.roc_auc == pytest.approx(reference.roc_auc_score(late, p))
    assert found.pr_auc == pytest.approx(reference.average_precision_score(late, p))
    assert found.log_loss == pytest.approx(reference.log_loss(late, clipped))
    assert found.brier == pytest.approx(reference.brier_score_loss(late, p))
    assert found.base_rate == pytest.approx(np.mean(late))
    assert found.mean_p == pytest.approx(np.mean(p))


@given(sets(), st.randoms(use_true_random=False))
def test_no_figure_depends_on_the_order_of_the_rows(drawn: Sets, random: st.DataObject) -> None:
    late, p = drawn
    rows = list(zip(late, p, strict=True))
    random.shuffle(rows)  # type: ignore[attr-defined]
    shuffled = score([row[0] for row in rows], [row[1] for row in rows])
    assert np.allclose(values(score(late, p)), values(shuffled), rtol=1e-9, atol=1e-12)


@given(sets())
def test_shares_stay_shares(drawn: Sets) -> None:
    found = score(*drawn)
    assert 0 <= found.ece <= 1
    assert 0 <= found.recall_at_10 <= 1
    assert found.log_loss >= 0


@given(sets(least=20))
def test_a_constant_finds_as_much_as_it_flags_and_misses_the_base_rate_by_its_distance(
    drawn: Sets,
) -> None:
    late, _ = drawn
    found = score(late, [0.25] * len(late))
    flagged = math.ceil(len(late) / 10) / len(late)
    assert found.roc_auc == pytest.approx(0.5)
    assert found.recall_at_10 == pytest.approx(flagged)
    assert found.ece == pytest.approx(abs(np.mean(late) - 0.25))


def test_the_calibration_error_is_the_mean_gap_over_ten_bins_of_equal_count() -> None:
    p = np.repeat(np.arange(10) / 10 + 0.05, 20)
    late = np.tile(np.r_[np.ones(5), np.zeros(15)], 10)
    expected = np.mean(np.abs(np.arange(10) / 10 + 0.05 - 0.25))
    assert score(late, p).ece == pytest.approx(expected)
    bins = reliability(late, p)
    assert [b.n for b in bins] == [20] * 10
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)


def test_the_riskiest_tenth_that_holds_every_late_one_recalls_all() -> None:
    late = np.r_[np.ones(10), np.zeros(90)]
    assert score(late, np.linspace(1, 0, 100)).recall_at_10 == 1.0
    assert score(late, np.linspace(0, 1, 100)).recall_at_10 == 0.0


@pytest.mark.parametrize("outcome", [0, 1])
def test_a_set_of_one_class_has_losses_but_no_ranks(outcome: int) -> None:
    found = score([outcome] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert math.isnan(found.roc_auc)
    assert math.isnan(found.pr_auc)
    assert math.isnan(found.recall_at_10)
    assert found.log_loss > 0
    assert found.ece > 0


def test_no_rows_give_no_figures() -> None:
    found = score([], [])
    assert found.n == 0
    assert math.isnan(found.log_loss)


@pytest.mark.parametrize(
    ("late", "p", "words"),
    [
        ([0, 1], [0.5, float("nan")], "row 1: nan is not a probability"),
        ([0, 1], [1.5, 0.5], "row 0: 1.5 is not a probability"),
        ([0, 2], [0.5, 0.5], "row 1: late is 2.0"),
        ([0], [0.5, 0.5], "outcomes for"),
    ],
)
def test_what_is_no_outcome_or_no_probability_is_named(
    late: list[int], p: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        score(late, p)


def test_every_predictor_landmark_and_month_has_its_figures() -> None:
    frame = prediction_frame()
    tidy = evaluate(frame)
    assert predictors(frame) == ["model", "constant"]
    assert landmarks(tidy) == ["order_created", "order_validated"]
    assert months(tidy) == ["2017-11", "2017-12"]
    assert len(tidy) == 2 * 2 * 4
    own = frame[(frame["landmark"] == "order_created") & (frame["month"] == "2017-12")]
    expected = score(own["late"], own["model"])
    assert figure(tidy, "order_created", "model", "roc_auc", "2017-12") == expected.roc_auc
    assert figure(tidy, "order_created", "model", "n", POOLED) == 400


def test_within_month_is_the_mean_over_the_months_that_define_a_figure() -> None:
    frame = prediction_frame()
    frame.loc[frame["month"] == "2017-11", "late"] = 0
    tidy = evaluate(frame)
    only = figure(tidy, "order_created", "model", "roc_auc", "2017-12")
    assert figure(tidy, "order_created", "model", "roc_auc", WITHIN_MONTH) == only
    losses = [figure(tidy, "order_created", "model", "log_loss", m) for m in months(tidy)]
    mean = figure(tidy, "order_created", "model", "log_loss", WITHIN_MONTH)
    assert mean == pytest.approx(np.mean(losses))


def test_the_bootstrap_error_of_a_mean_is_near_the_textbook_one_and_repeats() -> None:
    values = np.random.default_rng(3).normal(0.1, 1.0, 900)
    mean, error, low, high = paired_gain(values, 500, 1)
    assert error == pytest.approx(values.std() / 30, rel=0.15)
    assert low < mean < high
    assert paired_gain(values, 500, 1) == (mean, error, low, high)


def test_few_late_ones_make_a_wide_error_of_the_roc_auc() -> None:
    assert auc_error(0.7, 20, 500) > 3 * auc_error(0.7, 400, 10_000)
    assert auc_error(float("nan"), 0, 100) == 0.0


def test_the_dictionary_is_rounded_and_says_null_where_nothing_is_defined() -> None:
    frame = prediction_frame()
    frame["late"] = 0
    found = as_dict(evaluate(frame))
    pooled = found["order_created"]["model"][POOLED]
    assert pooled["n"] == 400
    assert pooled["roc_auc"] is None
    assert pooled["log_loss"] == round(pooled["log_loss"] or 0, 6)


def test_tables_show_every_predictor_and_no_leading_zero() -> None:
    tidy = evaluate(prediction_frame())
    assert len(as_tables(tidy).renderables) == 2
    lines = as_markdown(tidy, "order_created").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| model", "| constant"]
    assert (say(0.1234), say(10.05), say(1.0), say(float("nan"))) == (
        ".123",
        "10.050",
        "1.000",
        "-",
    )


def values(found: object) -> npt.NDArray[np.float64]:
    return np.array([getattr(found, name) for name in type(found).__slots__])  # type: ignore[attr-defined]
