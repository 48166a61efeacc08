from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from triage.features.compile import Floats
from triage.models.boosting import fit_trees, weighted_sum
from triage.models.trees import TreeEnsemble

NAMES = ("a", "b", "c", "d")
OPTIONS = {"num_leaves": 7, "min_data_in_leaf": 5, "bagging_fraction": 0.7, "bagging_freq": 1}


@pytest.fixture(scope="module")
def rows() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, len(NAMES)))
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, np.nan_to_num(x[:, 0] * x[:, 1]) + np.isnan(x[:, 2]) + rng.normal(0, 0.2, 300) + 3


@pytest.fixture(scope="module")
def parts(rows: tuple[Floats, Floats]) -> list[str]:
    x, y = rows
    return [fit_trees(x, y, NAMES, OPTIONS, rounds=2 + seed, seed=seed) for seed in range(1, 4)]


def average(texts: list[str]) -> str:
    return weighted_sum(texts, [1 / len(texts)] * len(texts))


def test_the_parts_differ_and_the_average_holds_all_their_trees(parts: list[str]) -> None:
    assert len(set(parts)) == 3
    assert TreeEnsemble.from_model_text(average(parts)).n_trees == 3 + 4 + 5


def test_the_average_predicts_and_explains_the_mean_of_its_parts(
    rows: tuple[Floats, Floats], parts: list[str]
) -> None:
    x, _ = rows
    whole = TreeEnsemble.from_model_text(average(parts)).explain(x)
    each = [TreeEnsemble.from_model_text(text).explain(x) for text in parts]
    mean = np.mean([e.contributions for e in each], axis=0)
    np.testing.assert_allclose(whole.prediction, np.mean([e.prediction for e in each], axis=0))
    np.testing.assert_allclose(whole.contributions, mean, atol=1e-12)
    assert whole.base == pytest.approx(np.mean([e.base for e in each]))


def test_lightgbm_reads_the_average_as_the_mean_of_its_parts(
    rows: tuple[Floats, Floats], parts: list[str]
) -> None:
    x, _ = rows
    whole = lgb.Booster(model_str=average(parts))
    each = [lgb.Booster(model_str=text) for text in parts]
    np.testing.assert_allclose(whole.predict(x), np.mean([b.predict(x) for b in each], axis=0))
    np.testing.assert_allclose(
        whole.predict(x, pred_contrib=True),
        np.mean([b.predict(x, pred_contrib=True) for b in each], axis=0),
        atol=1e-12,
    )


def test_both_readers_of_an_average_agree_to_the_last_bit(
    rows: tuple[Floats, Floats], parts: list[str]
) -> None:
    x, _ = rows
    text = average(parts)
    ours = TreeEnsemble.from_model_text(text).predict(x)
    np.testing.assert_array_equal(ours, lgb.Booster(model_str=text).predict(x))


def test_log_odds_join_a_time_with_a_weight_and_shares_still_add_up(
    rows: tuple[Floats, Floats], parts: list[str]
) -> None:
    x, y = rows
    odds = fit_trees(x, (y > 3).astype(float), NAMES, OPTIONS, rounds=4, objective="binary")
    joined = TreeEnsemble.from_model_text(weighted_sum([parts[0], odds], [1.0, 0.3]))
    time = TreeEnsemble.from_model_text(parts[0]).predict(x)
    raw = lgb.Booster(model_str=odds).predict(x, raw_score=True)
    np.testing.assert_allclose(joined.predict(x), time + 0.3 * np.asarray(raw), atol=1e-12)
    said = joined.explain(x)
    np.testing.assert_allclose(said.contributions.sum(1) + said.base, joined.predict(x), atol=1e-9)


def test_the_same_rows_give_the_same_text(rows: tuple[Floats, Floats]) -> None:
    x, y = rows
    first, second = (
        fit_trees(x.copy(), y.copy(), NAMES, OPTIONS, rounds=3, seed=2) for _ in range(2)
    )
    assert first == second
    assert first != fit_trees(x, y + 0.01 * x[:, 3].clip(0), NAMES, OPTIONS, rounds=3, seed=2)


def test_a_target_without_any_signal_is_given_back(rows: tuple[Floats, Floats]) -> None:
    x, _ = rows
    y = np.full(len(x), 2.5)
    trees = TreeEnsemble.from_model_text(fit_trees(x, y, NAMES, OPTIONS, rounds=3, seed=2))
    np.testing.assert_allclose(trees.predict(x), 2.5)


def test_every_call_of_lightgbm_asks_for_one_thread_so_that_ensembles_may_be_fitted_side_by_side(
    rows: tuple[Floats, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = rows
    sent: list[str] = []
    said = lgb.basic._param_dict_to_str

    def listen(parameters: dict[str, object] | None) -> str:
        sent.append(said(parameters))
        return sent[-1]

    monkeypatch.setattr(lgb.basic, "_param_dict_to_str", listen)
    fit_trees(x, y, NAMES, {**OPTIONS, "num_threads": 2}, rounds=2)
    assert len(sent) >= 3  # all rows into bins, some rows chosen, trees fitted
    assert [text for text in sent if "num_threads=1" not in text.split(" ")] == []
