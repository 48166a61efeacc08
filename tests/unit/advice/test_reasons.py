from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from triage.advice.reasons import Explained, Explainer
from triage.features.compile import FeatureSet, Floats, compile_features
from triage.features.declarations import Family, parse
from triage.models.at_risk import (
    Calibration,
    CurveNumbers,
    Curves,
    Doubt,
    LandmarkNumbers,
    Prediction,
    Stage,
    Support,
    predict,
)
from triage.models.boosting import fit_trees
from triage.models.survival import GRID_POINTS, SurvivalCurve, grid
from triage.models.trees import TreeEnsemble

laws = settings(max_examples=150, deadline=None)
FEATURES: list[dict[str, Any]] = [
    {"name": "promise_days", "row": "days_until", "of": ["promised_by"], "concept": "promise",
     "unit": "days", "meaning": "Days to the promise", "phrase": "The promise leaves {value}"},
    {"name": "workdays", "row": "workdays_until", "of": ["promised_by"], "concept": "promise",
     "unit": "working days", "meaning": "Working days to the promise",
     "phrase": "{value} are left (usual: {typical})"},
    {"name": "weight", "row": "number", "of": ["weight_kg"], "concept": "size", "unit": "kg",
     "meaning": "Weight of the order", "phrase": "It weighs {value} (usual: {typical})"},
    {"name": "volume", "row": "number", "of": ["volume_l"], "concept": "size", "unit": "l",
     "meaning": "Volume of the order", "phrase": "It takes {value} (usual: {typical})"},
    {"name": "distance", "row": "number", "of": ["distance_km"], "concept": "way", "unit": "km",
     "actionable": True, "meaning": "Distance to go", "phrase": "It goes {value}"},
]  # fmt: skip
NAMES = tuple(feature["name"] for feature in FEATURES)
TYPICAL = (6.0, 4.0, 20.0, None, 800.0)
OWNERS = {"promise": "Order management", "size": "Warehouse", "way": "Transport"}


def feature_set() -> FeatureSet:
    concepts = {name: {"title": f"The {name}", "owner": owner} for name, owner in OWNERS.items()}
    family = {"family": {"name": "test", "title": "Test", "owner": "tests"}, "concept": concepts,
              "feature": FEATURES}  # fmt: skip
    declarations = parse({"keys": {}, "streams": {}}, (Family.model_validate(family),))
    return compile_features(declarations, ())


def curve_of(steepness: float, shift: float) -> SurvivalCurve:
    return SurvivalCurve.of(1 / (1 + np.exp(steepness * (grid() - shift))))


def stage_of(name: str, inputs: tuple[str, ...]) -> Stage:
    rng = np.random.default_rng(len(inputs))
    x = rng.normal(size=(300, len(inputs)))
    x[rng.random(x.shape) < 0.15] = np.nan
    y = 1.5 + np.nan_to_num(x).sum(axis=1) / 3 + rng.normal(0, 0.2, 300)
    text = fit_trees(x, y, inputs, {"num_leaves": 6, "min_data_in_leaf": 5}, rounds=5)
    typical = tuple(TYPICAL[NAMES.index(name)] for name in inputs)
    numbers = LandmarkNumbers(
        inputs=inputs, time_trees=5, offset=0.5, typical=typical, typical_promise=1.8,
        logistic=(0.0, -2.0), calibration=Calibration(),
        doubt=Doubt(below=(0.3,) * GRID_POINTS, above=(0.2,) * GRID_POINTS),
        support=Support(low=(-9.0,) * len(inputs), high=(9.0,) * len(inputs), most_outside=0),
        usual_times=CurveNumbers.of(curve_of(3, 0), 0),
    )  # fmt: skip
    trees = TreeEnsemble.from_model_text(text)
    return Stage.of(name, numbers, trees)


STAGES = [
    stage_of("order_created", NAMES),
    stage_of("shipment_dispatched", NAMES[1:]),  # without the promise's own column
]
EXPLAINERS = {stage.name: Explainer(stage, feature_set()) for stage in STAGES}

numbers = st.one_of(st.floats(-3, 3), st.just(math.nan))


@st.composite
def explained(draw: st.DrawFn) -> tuple[Explained, Prediction, Floats, int]:
    stage = draw(st.sampled_from(STAGES))
    n = len(stage.numbers.inputs)
    x = np.array(draw(st.lists(numbers, min_size=n, max_size=n)))
    curve = curve_of(draw(st.floats(0.2, 9)), draw(st.floats(-0.5, 0.5)))
    promise = draw(st.floats(0.1, 30))
    waited = promise * draw(st.sampled_from([0.0, 0.3, 0.95, 1.0, 2.0]))
    top = draw(st.integers(1, 6))
    prediction = predict(stage, Curves(curve, curve), x, promise, waited)
    told = EXPLAINERS[stage.name].explain(prediction, x, promise, waited, top)
    return told, prediction, x, top


def millionths(number: float, per_unit: int) -> int:
    """The number as a whole count, after checking that it is one."""
    count = round(number * per_unit)
    assert number * per_unit == pytest.approx(count, abs=1e-6)
    return count


@laws
@given(explained())
def test_typical_reasons_and_the_rest_are_the_probability_to_the_last_millionth(
    case: tuple[Explained, Prediction, Floats, int],
) -> None:
    told, prediction, _, _ = case
    total = millionths(told.typical, 1_000_000) + millionths(told.other_pp, 10_000)
    total += sum(millionths(reason.effect_pp, 10_000) for reason in told.reasons)
    assert total == millionths(told.p_late, 1_000_000)
    assert told.p_late == pytest.approx(prediction.p_late, abs=5e-7)
    assert told.typical == pytest.approx(prediction.typical, abs=5e-7)


@laws
@given(explained())
def test_reasons_are_the_largest_effects_one_for_each_concept(
    case: tuple[Explained, Prediction, Floats, int],
) -> None:
    told, _, _, top = case
    sizes = [abs(reason.effect_pp) for reason in told.reasons]
    assert len(sizes) <= top
    assert sizes == sorted(sizes, reverse=True)
    assert 0 not in sizes
    codes = [reason.code for reason in told.reasons]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= {*OWNERS, "waiting"}


@laws
@given(explained())
def test_a_reason_names_a_value_of_its_row_or_says_that_it_is_missing(
    case: tuple[Explained, Prediction, Floats, int],
) -> None:
    told, _, x, _ = case
    names = NAMES[-len(x) :]
    for reason in told.reasons:
        assert "{" not in reason.text
        assert reason.direction == ("raises" if reason.effect_pp > 0 else "lowers")
        if reason.code == "waiting":
            continue
        value = float(x[names.index(reason.feature)])
        assert reason.owner == OWNERS[reason.code]
        assert reason.actionable == (reason.feature == "distance")
        if math.isnan(value):
            assert reason.value is None
            assert reason.text.startswith("Not known")
        else:
            assert reason.value == value
            assert "Not known" not in reason.text


def made(effects: list[float], waiting: float = 0.0, promise: float = 0.0) -> Prediction:
    total = 0.2 + sum(effects) + waiting + promise
    zeros = np.zeros(len(effects))
    return Prediction(
        total, (total, total), 0.2, (0.0, 0.0, 0.0), np.array(effects), promise, waiting, zeros
    )


ROW = np.array([5.0, 3.0, 30.0, 100.0, 900.0])


def test_effects_of_one_concept_are_told_as_one_by_the_feature_that_did_most() -> None:
    told = EXPLAINERS["order_created"].explain(
        made([0.0, 0.0, 0.03, 0.05, -0.01]), ROW, 5.0, 0.0, 4
    )
    first, second = told.reasons
    assert (first.code, first.feature, first.effect_pp) == ("size", "volume", 8.0)
    assert (first.value, first.typical, first.unit) == (100.0, None, "l")
    assert first.text == "It takes 100 l (usual: unknown)"
    assert (second.code, second.effect_pp, second.direction) == ("way", -1.0, "lowers")
    assert told.other_pp == 0.0


def test_opposite_effects_within_a_concept_are_told_by_the_one_that_prevails() -> None:
    told = EXPLAINERS["order_created"].explain(made([0.0, 0.0, -0.06, 0.02, 0.0]), ROW, 5.0, 0.0, 4)
    assert [(r.feature, r.effect_pp) for r in told.reasons] == [("weight", -4.0)]
    assert told.reasons[0].text == "It weighs 30 kg (usual: 20 kg)"


def test_the_effect_of_the_promise_counts_with_its_concept_where_the_model_sees_it() -> None:
    effects = [0.01, 0.0, 0.0, 0.0, 0.0]
    told = EXPLAINERS["order_created"].explain(made(effects, promise=0.1), ROW, 5.0, 0.0, 4)
    assert [(r.code, r.effect_pp) for r in told.reasons] == [("promise", 11.0)]
    unseen = EXPLAINERS["shipment_dispatched"].explain(
        made(effects[1:], promise=0.1), ROW[1:], 5.0, 0.0, 4
    )
    assert unseen.reasons == ()
    assert unseen.other_pp == 10.0


def test_what_is_not_told_is_summed_as_other() -> None:
    prediction = made([0.0, 0.0, 0.05, 0.0, -0.04], promise=0.03)
    told = EXPLAINERS["order_created"].explain(prediction, ROW, 5.0, 0.0, 1)
    assert [reason.code for reason in told.reasons] == ["size"]
    assert told.other_pp == -1.0


@pytest.mark.parametrize(
    ("stage", "waited", "text", "owner"),
    [
        ("order_created", 3.0, "It was placed 3 days ago and is not delivered yet",
         "Shipping site"),
        ("shipment_dispatched", 1.0,
         "It was handed to the carrier 24 h ago and is not delivered yet", "Transport planning"),
        ("shipment_dispatched", 8.0, "The promise passed 3 days ago", "Transport planning"),
    ],
)  # fmt: skip
def test_waiting_is_a_reason_that_someone_can_act_on(
    stage: str, waited: float, text: str, owner: str
) -> None:
    n = len(NAMES) if stage == "order_created" else len(NAMES) - 1
    told = EXPLAINERS[stage].explain(made([0.0] * n, waiting=0.3), ROW[-n:], 5.0, waited, 4)
    (reason,) = told.reasons
    assert (reason.code, reason.text, reason.owner) == ("waiting", text, owner)
    assert (reason.value, reason.unit, reason.effect_pp) == (waited, "days", 30.0)
    assert reason.actionable


def test_an_order_for_a_later_day_has_waited_since_work_on_it_could_begin() -> None:
    prediction = made([0.0] * len(NAMES), waiting=0.3)
    told = EXPLAINERS["order_created"].explain(prediction, ROW, 5.0, 2.0, 4, scheduled=True)
    (reason,) = told.reasons
    assert reason.text == "Work could begin 2 days ago and it is not delivered yet"


def test_explaining_leaves_the_prediction_as_it_was() -> None:
    prediction = made([0.01, 0.0, 0.0, 0.0, 0.0], promise=0.1)
    explainer = EXPLAINERS["order_created"]
    assert explainer.explain(prediction, ROW, 5.0, 0.0, 4) == explainer.explain(
        prediction, ROW, 5.0, 0.0, 4
    )
    assert prediction.effects.tolist() == [0.01, 0.0, 0.0, 0.0, 0.0]
