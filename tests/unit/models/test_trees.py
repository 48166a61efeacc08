from __future__ import annotations

import dataclasses
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.errors import ModelFormatError
from triage.models.trees import TreeEnsemble
from triage.models.trees_kernel import ZERO_THRESHOLD

N_FEATURES = 6
SPECIAL = np.array(
    [
        *(np.nan, 0.0, -0.0, 1e-36, -1e-36, ZERO_THRESHOLD, 1.1e-35, -1.1e-35, -0.5, -1.0),
        *(2.7, 3.0, 40.0, 2.0**31, 1e10, -1e10, np.inf, -np.inf, 1e308),
    ]
)
properties = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def data(seed: int, n: int, missing: float, zeros: float) -> tuple[np.ndarray, np.ndarray]:
    """Four numerical columns and two categorical ones, with a signal in each."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, N_FEATURES))
    x[:, 4] = rng.integers(0, 50, n)
    x[:, 5] = rng.integers(0, 5, n)
    signal = x[:, 0] * x[:, 1] + np.sin(3 * x[:, 0]) + x[:, 4] % 3 + 2 * (x[:, 5] == 2) + x[:, 3]
    x[rng.random(x.shape) < zeros] = 0.0
    x[rng.random(x.shape) < missing] = np.nan
    return x, signal + np.isnan(x[:, 2]) + 0.1 * rng.normal(size=n)


def train(x: np.ndarray, y: np.ndarray, n_trees: int = 5, **changes: Any) -> lgb.Booster:
    weight = changes.pop("weight", None)
    categorical = changes.pop("categorical_feature", [4, 5])
    params: dict[str, Any] = {
        "objective": "regression", "num_leaves": 15, "min_data_in_leaf": 2, "min_data_per_group": 2,
        "cat_smooth": 1.0, "cat_l2": 1.0, "learning_rate": 0.3, "verbose": -1, "num_threads": 1,
        "min_sum_hessian_in_leaf": 1e-6,
    }  # fmt: skip
    params |= changes
    dataset = lgb.Dataset(x, y, weight=weight, categorical_feature=categorical)
    return lgb.train(params, dataset, n_trees)


def probes(x: np.ndarray, seed: int) -> np.ndarray:
    """Rows of the training data, a third of their values replaced by awkward ones."""
    rng = np.random.default_rng(seed)
    rows = x[rng.integers(0, len(x), 60)].copy()
    mask = rng.random(rows.shape) < 0.33
    rows[mask] = rng.choice(SPECIAL, mask.sum())
    return np.concatenate([rows, np.tile(SPECIAL[:, np.newaxis], N_FEATURES)])


def assert_agrees(booster: lgb.Booster, rows: np.ndarray) -> TreeEnsemble:
    model = TreeEnsemble.from_model_text(booster.model_to_string())
    raw = np.asarray(booster.predict(rows, raw_score=True))
    theirs = np.asarray(booster.predict(rows, pred_contrib=True))
    theirs = theirs.reshape(len(rows), model.n_outputs, model.n_features + 1)
    prediction, contributions, base = model.explain(rows)
    np.testing.assert_array_equal(prediction, raw)
    np.testing.assert_array_equal(model.predict(rows), raw)
    scale = max(1.0, float(np.abs(raw).max()))
    shape = (len(rows), model.n_outputs, model.n_features)
    np.testing.assert_allclose(
        contributions.reshape(shape), theirs[..., :-1], rtol=0, atol=1e-10 * scale
    )
    np.testing.assert_allclose(
        np.broadcast_to(base, (len(rows), model.n_outputs)), theirs[..., -1], rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        base + contributions.sum(axis=-1), prediction, rtol=1e-9, atol=1e-11 * scale
    )
    return model


@given(
    seed=st.integers(0, 2**20),
    n=st.integers(30, 400),
    objective=st.sampled_from(["regression", "binary", "multiclass"]),
    leaves=st.sampled_from([2, 3, 7, 15, 63]),
    missing=st.sampled_from([0.0, 0.02, 0.3]),
    zeros=st.sampled_from([0.0, 0.3]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    weighted=st.booleans(),
    boosting=st.sampled_from(["gbdt", "dart", "goss"]),
    onehot=st.sampled_from([1, 64]),
)
@properties
def test_prediction_equals_lightgbms_bit_for_bit_and_contributions_to_rounding(
    seed: int, n: int, objective: str, leaves: int, missing: float, zeros: float,
    use_missing: bool, zero_as_missing: bool, weighted: bool, boosting: str, onehot: int,
) -> None:  # fmt: skip
    x, y = data(seed, n, missing, zeros)
    rng = np.random.default_rng(seed)
    changes: dict[str, Any] = {}
    if objective == "binary":
        y = y > np.median(y)
    if objective == "multiclass":
        y = np.digitize(y, np.quantile(y, [0.3, 0.7]))
        changes["num_class"] = 3
    booster = train(
        x, y, objective=objective, num_leaves=leaves, use_missing=use_missing,
        zero_as_missing=zero_as_missing, boosting=boosting, max_cat_to_onehot=onehot,
        weight=rng.exponential(size=n) ** 3 if weighted else None, seed=seed, **changes,
    )  # fmt: skip
    model = assert_agrees(booster, probes(x, seed))
    assert model.n_outputs == (3 if objective == "multiclass" else 1)


@pytest.fixture(scope="module")
def deep() -> tuple[lgb.Booster, np.ndarray]:
    x, y = data(7, 3000, 0.1, 0.1)
    return train(x, y, n_trees=30, num_leaves=63), x


def test_the_training_data_reach_every_decision_rule() -> None:
    """Guards the property test: its generator makes all missing types and categorical splits."""
    kinds: set[int] = set()
    for zero_as_missing in (False, True):
        for missing in (0.0, 0.3):
            x, y = data(1, 400, missing, 0.2)
            text = train(x, y, n_trees=20, zero_as_missing=zero_as_missing).model_to_string()
            for line in text.split("\n"):
                if line.startswith("decision_type="):
                    kinds |= {int(kind) for kind in line.partition("=")[2].split()}
    assert {kind >> 2 for kind in kinds if not kind & 1} == {0, 1, 2}
    assert any(kind & 1 for kind in kinds)
    assert {kind & 2 for kind in kinds if kind >> 2 == 2 and not kind & 1} == {0, 2}


def test_deep_trees_with_repeated_features_agree(deep: tuple[lgb.Booster, np.ndarray]) -> None:
    booster, x = deep
    model = assert_agrees(booster, probes(x, 1))
    assert (model.n_trees, model.n_leaves) == (30, 30 * 63)
    assert model.n_features == N_FEATURES
    assert model.feature_names == tuple(booster.feature_name())


def test_paths_with_more_features_than_one_block_of_points_agree() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1500, 30))
    chain = np.cumprod(x < 0.7, axis=1).sum(axis=1)
    booster = train(x, chain + 0.0, n_trees=8, num_leaves=40, categorical_feature=[])
    model = assert_agrees(booster, x[:200])
    assert model._tables.trees["n_blocks"].max() >= 3


def test_stumps_and_single_leaf_trees_agree() -> None:
    x, y = data(2, 200, 0.1, 0.1)
    assert_agrees(train(x, y, num_leaves=2), probes(x, 2))
    constant = assert_agrees(train(x, np.full(len(y), 3.25)), probes(x, 2))
    assert constant.n_leaves == constant.n_trees
    assert constant.base_values == (3.25,)
    np.testing.assert_array_equal(constant.explain(x).contributions, 0.0)


def test_the_cover_counts_rows_and_not_weights() -> None:
    x, y = data(4, 300, 0.0, 0.0)
    weight = np.where(x[:, 0] > 0, 1000.0, 0.001)
    booster = train(x, y, num_leaves=2, n_trees=1, weight=weight)
    tree = booster.dump_model()["tree_info"][0]["tree_structure"]
    left, right = tree["left_child"], tree["right_child"]
    counts = left["leaf_count"], right["leaf_count"]
    expected = np.average([left["leaf_value"], right["leaf_value"]], weights=counts)
    model = assert_agrees(booster, x)
    assert model.base_values[0] == pytest.approx(expected, rel=1e-12)


def test_a_leaf_without_cover_is_explained_without_nan() -> None:
    x, y = data(4, 300, 0.0, 0.0)
    text = train(x, y, num_leaves=4, n_trees=1).model_to_string()
    counts = next(line for line in text.split("\n") if line.startswith("leaf_count="))
    first, _, rest = counts.removeprefix("leaf_count=").partition(" ")
    model = TreeEnsemble.from_model_text(
        text.replace(counts, f"leaf_count={'0' * len(first)} {rest}")
    )
    prediction, contributions, base = model.explain(x)
    np.testing.assert_allclose(base + contributions.sum(axis=1), prediction, rtol=1e-9, atol=1e-12)


def test_a_row_gives_the_same_bits_alone_and_in_any_batch(
    deep: tuple[lgb.Booster, np.ndarray],
) -> None:
    booster, x = deep
    model = TreeEnsemble.from_model_text(booster.model_to_string())
    rows = probes(x, 5)
    whole = model.explain(rows)
    backwards = model.explain(rows[::-1])
    np.testing.assert_array_equal(whole.contributions, backwards.contributions[::-1])
    out = np.empty(N_FEATURES)
    for i, row in enumerate(rows):
        assert model.explain_one(row, out).hex() == float(whole.prediction[i]).hex()
        assert out.tobytes() == whole.contributions[i].tobytes()
    assert whole.base == model.base_values[0]


def test_the_first_trees_alone_are_the_model_of_so_many_rounds_also_in_one_pass(
    deep: tuple[lgb.Booster, np.ndarray],
) -> None:
    booster, x = deep
    model = TreeEnsemble.from_model_text(booster.model_to_string())
    out, same = np.empty(N_FEATURES), np.empty(N_FEATURES)
    for trees in (1, model.n_trees // 2, model.n_trees):
        text = booster.model_to_string(num_iteration=trees)
        alone, head = TreeEnsemble.from_model_text(text), model.head(trees)
        assert (head.n_trees, head.base_values) == (trees, alone.base_values)
        np.testing.assert_array_equal(head.predict(x[:70]), alone.predict(x[:70]))
        for row in x[:10]:
            score, first = model.explain_with_head(row, out, trees)
            assert score == model.explain_one(row, same)
            assert first == alone.predict(row[None, :])[0]
            assert out.tobytes() == same.tobytes()
    for trees in (0, model.n_trees + 1):
        with pytest.raises(ValueError, match="trees"):
            model.head(trees)


@pytest.mark.parametrize("leaves", [64, 65, 150])
def test_trees_of_more_leaves_than_a_word_has_bits_predict_as_lightgbm_does(leaves: int) -> None:
    x, y = data(9, 1500, 0.1, 0.1)
    changes = {"num_leaves": leaves, "min_data_in_leaf": 1, "max_depth": -1}
    booster = train(x, y, **changes)
    assert f"num_leaves={leaves}\n" in booster.model_to_string()
    assert_agrees(booster, probes(x, 5))


def test_any_memory_layout_of_the_rows_gives_the_same_bits(
    deep: tuple[lgb.Booster, np.ndarray],
) -> None:
    booster, x = deep
    model = TreeEnsemble.from_model_text(booster.model_to_string())
    frozen = x[:20].copy()
    frozen.setflags(write=False)
    out, other = np.empty(N_FEATURES), np.empty(N_FEATURES)
    model.explain_one(x[0], out)
    model.explain_one(np.asfortranarray(x)[0], other)
    np.testing.assert_array_equal(out, other)
    for rows in (np.asfortranarray(x[:20]), frozen):
        np.testing.assert_array_equal(model.predict(rows), model.predict(x[:20]))


def test_the_ensemble_and_its_tables_are_frozen(deep: tuple[lgb.Booster, np.ndarray]) -> None:
    model = TreeEnsemble.from_model_text(deep[0].model_to_string())
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.n_outputs = 2  # type: ignore[misc]
    assert not any(table.flags.writeable for table in model._tables)


def test_rows_that_do_not_fit_are_refused(deep: tuple[lgb.Booster, np.ndarray]) -> None:
    model = TreeEnsemble.from_model_text(deep[0].model_to_string())
    row, out = np.zeros(N_FEATURES), np.zeros(N_FEATURES)
    frozen = np.zeros(N_FEATURES)
    frozen.setflags(write=False)
    wrong_outs: list[Any] = [
        np.zeros(N_FEATURES - 1), np.zeros(N_FEATURES, np.float32), np.zeros(2 * N_FEATURES)[::2],
        frozen,
    ]  # fmt: skip
    for wrong in wrong_outs:
        with pytest.raises(ValueError, match="out"):
            model.explain_one(row, wrong)
    for shape in ((N_FEATURES,), (2, N_FEATURES + 1)):
        with pytest.raises(ValueError, match="rows"):
            model.predict(np.zeros(shape))
    with pytest.raises(ValueError, match="row"):
        model.explain_one(np.zeros(N_FEATURES + 1), out)


def test_explain_one_refuses_a_model_with_several_outputs() -> None:
    x, y = data(6, 200, 0.0, 0.0)
    booster = train(x, np.digitize(y, [0, 1]), objective="multiclass", num_class=3, n_trees=2)
    model = TreeEnsemble.from_model_text(booster.model_to_string())
    with pytest.raises(ValueError, match="single output"):
        model.explain_one(np.zeros(N_FEATURES), np.zeros(N_FEATURES))


def test_linear_trees_and_random_forests_are_refused() -> None:
    x, y = data(6, 300, 0.0, 0.0)
    linear = train(x, y, linear_tree=True)
    forest = train(x, y, boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    for booster, why in ((linear, "leaf_const|linear|num_features"), (forest, "average_output")):
        with pytest.raises(ModelFormatError, match=why):
            TreeEnsemble.from_model_text(booster.model_to_string())


def test_text_cut_anywhere_before_the_end_of_the_trees_is_refused() -> None:
    x, y = data(6, 100, 0.1, 0.0)
    text = train(x, y, n_trees=2, num_leaves=6).model_to_string()
    end = text.index("end of trees") + len("end of trees")
    for cut in range(0, end + 1, 7):
        with pytest.raises(ModelFormatError):
            TreeEnsemble.from_model_text(text[:cut])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version=v4", "version=v5"),
        ("num_leaves=6\n", "num_leaves=7\n"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0"),
        ("is_linear=0", "is_linear=1"),
        ("max_feature_idx=5", "max_feature_idx=4"),
        ("shrinkage=", "mysterious"),
        ("left_child=1 ", "left_child=0 "),
        ("left_child=1 ", "left_child=9 "),
        ("leaf_value=", "leaf_value=nan "),
        ("objective=", "average_output\nobjective="),
        ("Tree=1", "Tree=2"),
        ("end of trees", "end of forest"),
        ("\n", "\r\n"),
    ],
)
def test_edited_text_is_refused(old: str, new: str) -> None:
    x, y = data(6, 100, 0.1, 0.0)
    text = train(x, y, n_trees=2, num_leaves=6).model_to_string()
    assert old in text
    TreeEnsemble.from_model_text(text)
    with pytest.raises(ModelFormatError):
        TreeEnsemble.from_model_text(text.replace(old, new))


def test_a_number_that_one_tree_lacks_is_not_taken_from_the_next() -> None:
    x, y = data(6, 100, 0.1, 0.0)
    text = train(x, y, n_trees=2, num_leaves=2).model_to_string()
    (first, *_), (second, *_) = (
        [word for line in part.split("\n") if line.startswith("leaf_value=") for word in [line]]
        for part in (text[: text.index("Tree=1")], text[text.index("Tree=1") :])
    )
    last = second.rpartition(" ")[2]
    shifted = text.replace(first, f"{first}\t{second.partition('=')[2].split()[0]}")
    shifted = shifted.replace(second, f"leaf_value={last} ".ljust(len(second)))
    sizes = next(line for line in text.split("\n") if line.startswith("tree_sizes="))
    grown = int(sizes.partition("=")[2].split()[0]) + len(shifted) - len(text)
    shifted = shifted.replace(sizes, f"tree_sizes={grown} {sizes.rpartition(' ')[2]}")
    with pytest.raises(ModelFormatError, match="3 numbers where 2 belong"):
        TreeEnsemble.from_model_text(shifted)


@pytest.mark.parametrize("kind", [12, 16, 99, -1])
def test_unknown_decision_types_are_refused(kind: int) -> None:
    x, y = data(6, 100, 0.1, 0.0)
    lines = train(x, y, n_trees=1, num_leaves=2).model_to_string().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("decision_type="))
    size = len("\n".join(lines))
    old = lines[at]
    lines[at] = f"decision_type={kind}"
    grown = len("\n".join(lines)) - size
    sizes = next(i for i, line in enumerate(lines) if line.startswith("tree_sizes="))
    lines[sizes] = f"tree_sizes={int(lines[sizes].partition('=')[2]) + grown}"
    with pytest.raises(ModelFormatError, match="a number not in"):
        TreeEnsemble.from_model_text("\n".join(lines))
    assert old != lines[at]
