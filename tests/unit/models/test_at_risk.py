from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from tests.unit.features.declared import declarations

from triage.errors import BundleError
from triage.features.compile import Floats
from triage.models.at_risk import (
    FEATURES_FILE,
    MODEL_FILE,
    QUANTILES,
    AtRiskModel,
    Calibration,
    CurveNumbers,
    Curves,
    Doubt,
    LabelContract,
    LandmarkNumbers,
    ModelNumbers,
    Prediction,
    Stage,
    Support,
    bundle_files,
    fresh_delays,
    predict,
)
from triage.models.boosting import fit_trees, tree_count, weighted_sum
from triage.models.bundle import read_bundle, write_bundle
from triage.models.spread import NO_MOVES, Moves
from triage.models.survival import GRID_POINTS, SurvivalCurve, grid
from triage.models.trees import TreeEnsemble

laws = settings(max_examples=150, deadline=None)
NAMES = ("value", "promise", "waited", "hour")
ROUNDS = 6
N_STAGES = 4


def curve_of(seed: int) -> SurvivalCurve:
    """A random curve: shifted, steep or shallow, smooth or in steps."""
    rng = np.random.default_rng(seed)
    smooth = 1 / (1 + np.exp((grid() - rng.normal(0, 0.5)) * rng.uniform(0.5, 12)))
    if rng.random() < 0.5:
        return SurvivalCurve.of(smooth)
    drops = rng.exponential(size=GRID_POINTS) ** 4
    return SurvivalCurve.of(1 - np.cumsum(drops) / drops.sum())


DOUBT = Doubt(below=(0.3,) * GRID_POINTS, above=(0.2,) * GRID_POINTS)


def anything(inputs: int) -> Support:
    return Support(low=(-math.inf,) * inputs, high=(math.inf,) * inputs, most_outside=0)


def numbers_of(offset: float, curve: SurvivalCurve, promise: float) -> LandmarkNumbers:
    return LandmarkNumbers(
        inputs=NAMES, time_trees=ROUNDS, offset=offset, typical=(1.0, None, 0.5, 12.0),
        typical_promise=promise, logistic=(0.0, -1.0), calibration=Calibration(),
        usual_times=CurveNumbers.of(curve, 0),
        doubt=DOUBT, support=anything(len(NAMES)),
    )  # fmt: skip


def trees_text(seed: int) -> str:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, len(NAMES)))
    x[rng.random(x.shape) < 0.1] = np.nan
    y = 0.6 * np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 1]) ** 2 / 2 + rng.normal(0, 0.3, 400) + 1
    return fit_trees(x, y, NAMES, {"num_leaves": 6, "min_data_in_leaf": 5}, rounds=ROUNDS)


def both_texts(seed: int) -> str:
    return weighted_sum([trees_text(seed), trees_text(seed + 50)], [1.0, 0.3])


def trees_of(seed: int) -> TreeEnsemble:
    return TreeEnsemble.from_model_text(both_texts(seed))


@cache
def stage_of(seed: int) -> Stage:
    offset = (0.0, 0.3, 0.5, 0.9)[seed % 4]
    numbers = numbers_of(offset, curve_of(seed), 1.2 + 0.3 * seed)
    return Stage.of("order_created", numbers, trees_of(seed))


@dataclass(frozen=True)
class Case:
    stage: Stage
    curves: Curves
    x: Floats
    promise_days: float
    waited_days: float
    moves: Moves

    def predicted(self) -> Prediction:
        return self.promised_in(self.promise_days)

    def promised_in(self, days: float) -> Prediction:
        return predict(self.stage, self.curves, self.x, days, self.waited_days, self.moves)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    number = st.one_of(st.floats(-3, 3), st.just(math.nan))
    promise = draw(st.one_of(st.floats(0.001, 5), st.floats(0.1, 380)))
    share = draw(st.sampled_from([0.0, 0.0, 0.2, 0.6, 0.99, 1.0, 1.7]))
    return Case(
        stage_of(draw(st.integers(0, N_STAGES - 1))),
        Curves(curve_of(draw(st.integers(0, 500))), curve_of(draw(st.integers(0, 500)))),
        np.array(draw(st.lists(number, min_size=len(NAMES), max_size=len(NAMES)))),
        promise,
        promise * share,
        draw(st.one_of(st.just(NO_MOVES), st.tuples(*[st.floats(-1, 1)] * 3))),
    )


@laws
@given(cases())
def test_the_effects_lead_from_typical_to_the_probability(case: Case) -> None:
    said = case.predicted()
    total = said.typical + said.effects.sum() + said.promise_effect + said.waiting_effect
    assert total == pytest.approx(said.p_late, abs=1e-9)


@laws
@given(cases(), st.floats(-2e-6, 2e-6))
def test_the_effects_add_up_also_for_an_order_that_is_all_but_typical(
    case: Case, off: float
) -> None:
    numbers = case.stage.numbers
    contributions = np.empty(len(NAMES))
    case.stage.trees.explain_one(case.x, contributions)
    log_promise = numbers.typical_promise + (contributions.sum() + off) / (1 - numbers.offset)
    assume(0.01 < log_promise < 6)
    said = predict(case.stage, case.curves, case.x, math.expm1(log_promise), 0.0)
    assert said.p_late == pytest.approx(said.typical, abs=1e-3)
    total = said.typical + said.effects.sum() + said.promise_effect + said.waiting_effect
    assert total == pytest.approx(said.p_late, abs=1e-8)


@laws
@given(cases())
def test_effects_are_in_proportion_to_the_exact_shapley_values(case: Case) -> None:
    said = case.predicted()
    exact = case.stage.trees.explain(case.x[None, :]).contributions[0]
    np.testing.assert_allclose(said.log_days, exact, atol=1e-12)
    np.testing.assert_allclose(
        said.effects * np.abs(exact).sum(), np.abs(said.effects).sum() * exact, atol=1e-9
    )
    assert (said.effects * exact >= 0).all()  # longer than usual: likelier late


@laws
@given(cases())
def test_a_probability_lies_between_0_and_1_and_is_1_once_the_promise_has_passed(
    case: Case,
) -> None:
    said = case.predicted()
    assert 0 <= said.p_late <= 1
    assert 0 < said.typical < 1
    if case.waited_days >= case.promise_days:
        assert said.p_late == 1
        assert min(said.delay_days) >= 0


@laws
@given(cases())
def test_delays_are_in_order_and_never_before_what_was_waited(case: Case) -> None:
    said = case.predicted()
    p10, p50, p90 = said.delay_days
    assert p10 <= p50 <= p90
    assert p10 >= case.waited_days - case.promise_days - 1e-9


@laws
@given(cases())
def test_probability_and_delay_quantiles_tell_the_same_story(case: Case) -> None:
    """p(late) exceeds 10 % exactly when one in ten is delivered after the promise, and so on."""
    assume(case.waited_days < case.promise_days)
    said = case.predicted()
    for quantile, delay in zip(QUANTILES, said.delay_days, strict=True):
        near = abs(said.p_late - (1 - quantile)) < 1e-9 or abs(delay) < 1e-9
        if not near:
            assert (said.p_late > 1 - quantile) == (delay > 0)


@laws
@given(cases())
def test_the_backtest_says_the_delays_that_are_served(case: Case) -> None:
    case = replace(case, waited_days=0.0)
    said, stage = case.predicted(), case.stage
    middle = stage.numbers.offset * math.log1p(case.promise_days) + stage.times.predict(
        case.x[None, :]
    )
    delays = fresh_delays(
        case.curves.times, middle, np.array([case.promise_days]), np.array([said.p_late]),
        np.array([case.moves]),
    )  # fmt: skip
    np.testing.assert_allclose(delays[0], said.delay_days, rtol=1e-9, atol=1e-9)


@laws
@given(cases(), st.floats(1.0001, 5))
def test_a_later_promise_never_raises_the_probability(case: Case, longer: float) -> None:
    sooner = case.predicted()
    later = case.promised_in(case.promise_days * longer)
    assert later.p_late <= sooner.p_late + 1e-12


@laws
@given(cases())
def test_the_probability_lies_between_its_bounds(case: Case) -> None:
    said = case.predicted()
    low, high = said.bounds
    assert 0.0 <= low <= said.p_late <= high <= 1.0


def test_an_order_out_of_the_usual_range_is_told_by_its_inputs() -> None:
    numbers = numbers_of(0.5, curve_of(0), 1.5).model_copy(
        update={"support": Support(low=(0.0,) * 4, high=(1.0,) * 4, most_outside=1)}
    )
    stage = Stage.of("order_created", numbers, trees_of(0))
    assert stage.unfamiliar(np.array([0.5, 7.0, np.nan, 1.0])) == ()
    assert stage.unfamiliar(np.array([0.5, 7.0, np.nan, -1.0])) == (NAMES[1], NAMES[3])


def test_an_order_that_has_just_begun_has_no_waiting_effect() -> None:
    said = predict(stage_of(0), Curves(curve_of(1), curve_of(2)), np.zeros(len(NAMES)), 5.0, 0.0)
    assert said.waiting_effect == 0.0
    assert 0 < said.p_late < 1


def model_numbers(curve: SurvivalCurve, **landmarks: LandmarkNumbers) -> ModelNumbers:
    return ModelNumbers(
        name="at_risk", trained_as_of=0, time_zone="UTC", country="US", available=(),
        contract=LabelContract(version="t-1", meaning="late by a test"),
        landmarks=landmarks or {"order_created": numbers_of(0.5, curve, 1.5)},
    )  # fmt: skip


@pytest.fixture
def files() -> dict[str, bytes]:
    return bundle_files(
        model_numbers(curve_of(0)),
        declarations(),
        "a recipe",
        {"order_created": both_texts(0)},
    )


def test_a_loaded_bundle_predicts_as_what_was_written(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    digest = write_bundle(tmp_path / "b", "at_risk", files)
    model = AtRiskModel.load(tmp_path / "b", digest)
    stage, x = model.stages["order_created"], np.array([0.3, math.nan, -1.0, 2.0])
    assert model.digest == digest
    assert stage.numbers == numbers_of(0.5, curve_of(0), 1.5)
    assert stage.numbers.usual_times.curve() == curve_of(0)
    assert stage.trees.predict(x[None, :])[0] == trees_of(0).predict(x[None, :])[0]
    times = TreeEnsemble.from_model_text(trees_text(0))
    assert stage.times.predict(x[None, :])[0] == times.predict(x[None, :])[0]
    assert set(NAMES) <= set(model.features.names)


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if path != name}


def test_a_bundle_that_lacks_a_part_or_does_not_fit_together_is_refused(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    plain = json.loads(files[MODEL_FILE])
    plain["landmarks"]["order_created"]["inputs"] = ["promise", "value", "waited", "hour"]
    swapped = json.dumps(plain).encode()
    plain = json.loads(files[MODEL_FILE])
    plain["landmarks"]["order_created"]["time_trees"] = tree_count(both_texts(0)) + 1
    too_many = json.dumps(plain).encode()
    trees = "trees/order_created.txt"
    broken = {
        "no numbers": without(files, MODEL_FILE),
        "no features": without(files, FEATURES_FILE),
        "no trees": without(files, trees),
        "numbers that are not ours": files | {MODEL_FILE: b'{"name": "at_risk"}'},
        "features that are not ours": files | {FEATURES_FILE: b'{"keys": {}}'},
        "features that are no text": files | {FEATURES_FILE: b"\xff\xfe"},
        "trees that are no text": files | {trees: b"\xff\xfe"},
        "trees cut short": files | {trees: files[trees][: len(files[trees]) // 2]},
        "columns in another order": files | {MODEL_FILE: swapped},
        "more trees of the times than there are": files | {MODEL_FILE: too_many},
    }
    for number, (what, given_files) in enumerate(broken.items()):
        folder = tmp_path / str(number)
        digest = write_bundle(folder, "at_risk", given_files)
        assert read_bundle(folder)[0] == digest
        with pytest.raises(BundleError):
            pytest.fail(f"{what}: {AtRiskModel.load(folder, digest)}")
