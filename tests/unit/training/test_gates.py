from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.histories import history_of, order
from tests.unit.training.runs import LANDMARKS, predictions, training_run

from triage.domain.records import OrderLine
from triage.errors import DeclarationError, GateError
from triage.training import gates
from triage.training.gates import GateResult, check, refusal, require
from triage.training.metrics import evaluate
from triage.training.run import TrainingRun
from triage.training.segments import with_segments
from triage.training.thresholds import metric_name, validate
from triage.training.verdict import Standing, standing

AT_CREATED = "order_created"
WAITING_AT_CREATED = "order_created:waiting"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    return training_run(tmp_path_factory.mktemp("run"))


def judge(run: TrainingRun, frame: pd.DataFrame | None = None) -> tuple[GateResult, ...]:
    changed = run if frame is None else replace(run, predictions=frame)
    return check(changed, evaluate(changed.predictions))


def gate(
    results: tuple[GateResult, ...], name: str, landmark: str | None = AT_CREATED
) -> GateResult:
    return next(x for x in results if x.name == name and x.landmark == landmark)


def changed(run: TrainingRun, change: Callable[[pd.DataFrame], pd.Series[float]]) -> pd.DataFrame:
    return run.predictions.assign(model=change)


def test_a_model_that_foresees_lateness_passes_every_gate_at_every_landmark(
    run: TrainingRun,
) -> None:
    results = judge(run)
    assert refusal(results) == ""
    require(results)
    assert {x.landmark for x in results if x.name == "beats_rule"} == set(LANDMARKS)
    assert gate(results, "beats_constant").measured == pytest.approx(
        loss_gain(run.predictions, "constant")
    )


def test_a_model_that_says_the_constant_is_refused_with_figures_and_a_next_step(
    run: TrainingRun,
) -> None:
    results = judge(run, changed(run, lambda frame: frame["constant"]))
    assert not gate(results, "beats_constant").passed
    assert not gate(results, "ranks_within_month").passed
    with pytest.raises(GateError, match="beats_constant at order_created: log loss 0") as refused:
        require(results)
    assert "Next:" in str(refused.value)
    assert "the champion stays" in str(refused.value)


def test_a_model_worse_than_the_logistic_baseline_at_both_figures_is_refused(
    run: TrainingRun,
) -> None:
    frame = run.predictions.rename(columns={"model": "logistic", "logistic": "model"})
    assert not gate(judge(run, frame), "matches_logistic").passed


def test_a_better_ranking_within_months_makes_up_for_a_worse_log_loss(run: TrainingRun) -> None:
    frame = changed(run, lambda frame: frame["model"] * 0.4)
    matched = gate(judge(run, frame), "matches_logistic")
    assert matched.measured is not None
    assert matched.measured < 0
    assert matched.passed


def test_a_level_that_is_off_fails_calibration(run: TrainingRun) -> None:
    calibrated = gate(judge(run, changed(run, lambda f: f["model"] * 0.5 + 0.3)), "calibrated")
    assert not calibrated.passed
    assert calibrated.measured is not None
    assert calibrated.required is not None
    assert calibrated.measured > calibrated.required


def test_fewer_rows_allow_a_larger_calibration_error(run: TrainingRun) -> None:
    many = gate(judge(run), "calibrated").required
    few = gate(judge(run, predictions(400)), "calibrated").required
    assert many is not None
    assert few is not None
    assert few > many > gates.load().gates.max_ece


def test_a_month_in_which_the_model_loses_badly_is_named(run: TrainingRun) -> None:
    frame = run.predictions.copy()
    frame.loc[frame["month"] == "2017-12", "model"] = 0.6
    worst = gate(judge(run, frame), "worst_month")
    assert not worst.passed
    assert worst.words.startswith("2017-12: log loss +")


def test_few_late_ones_excuse_a_slightly_worse_log_loss_and_many_do_not(run: TrainingRun) -> None:
    frame = run.predictions
    base = frame.groupby("landmark")["late"].transform("mean")
    noise = np.random.default_rng(5).normal(0, 0.02, len(frame))
    frame = frame.assign(model=(base + noise).clip(0.01, 0.99), constant=base)
    few = gate(judge(run, frame), "beats_constant")
    assert few.measured is not None
    assert few.required is not None
    assert -0.01 <= few.required < few.measured < 0
    assert few.passed
    doubled = [frame.assign(order_id=frame["order_id"] + f" {i}") for i in range(4)]
    many = gate(judge(run, pd.concat(doubled, ignore_index=True)), "beats_constant")
    assert many.required == 0
    assert not many.passed


def test_a_landmark_with_too_few_late_ones_is_reported_and_not_judged(run: TrainingRun) -> None:
    frame = run.predictions
    thin = frame[(frame["landmark"] != AT_CREATED) | (frame.index < 100)]
    results = judge(run, thin)
    assert AT_CREATED not in {x.landmark for x in results}
    assert "reported only" in gate(results, "evidence", None).words
    assert refusal(results) == ""


def test_orders_that_wait_are_held_against_the_baselines_and_nothing_else(
    run: TrainingRun,
) -> None:
    results = judge(run, with_waiting(run, 3))
    assert {x.name for x in results if x.landmark == WAITING_AT_CREATED} == {
        "beats_constant", "beats_rule", "matches_logistic",
    }  # fmt: skip
    require(results)
    swapped = with_waiting(run, 3, model="logistic", logistic="model")
    assert not gate(judge(run, swapped), "matches_logistic", WAITING_AT_CREATED).passed


def test_rows_of_one_waiting_order_count_as_one_order(run: TrainingRun) -> None:
    few = with_waiting(run, 3, orders=299)
    assert WAITING_AT_CREATED not in {x.landmark for x in judge(run, few)}
    late = run.predictions.query("landmark == @AT_CREATED")["late"].sum()
    assert late < 500 < 3 * late
    results = judge(run, with_waiting(run, 3))
    bound = gate(results, "beats_constant", WAITING_AT_CREATED).required
    assert bound is not None
    assert bound < 0


def test_a_test_set_too_small_to_judge_anything_is_refused(run: TrainingRun) -> None:
    results = judge(run, predictions(60))
    assert [x.name for x in results if not x.passed] == ["evidence"]
    assert "import more history" in refusal(results)


def test_a_required_landmark_without_predictions_is_refused(run: TrainingRun) -> None:
    frame = run.predictions
    results = judge(run, frame[frame["landmark"] != "shipment_dispatched"])
    assert [x.name for x in results if not x.passed] == ["slices"]
    assert "none for shipment_dispatched" in refusal(results)


def test_a_landmark_that_the_data_does_not_have_is_told_and_not_required(run: TrainingRun) -> None:
    frame = run.predictions[run.predictions["landmark"] != "shipment_dispatched"]
    cut, tidy = replace(run, predictions=frame), evaluate(frame)
    kinds = ("order_validated", "allocation_confirmed", "pick_released")
    results = check(cut, tidy, available={f"milestone.{kind}" for kind in kinds})
    assert refusal(results) == ""
    words = gate(results, "slices", None).words
    assert "not in this data, so not required: shipment_dispatched" in words
    there = {"milestone.order_validated", "milestone.shipment_dispatched"}
    assert [x.name for x in check(cut, tidy, available=there) if not x.passed] == ["slices"]


def test_the_worst_segment_is_named_and_refused(run: TrainingRun) -> None:
    frame = segmented(run, ["north", "south", "east"])
    there = gate(judge(run, frame), "worst_segment")
    assert there.passed
    assert "the worst of 3 segments" in there.words
    harmed = frame.assign(model=frame["model"].mask(frame["site"] == "south", 0.5))
    worst = gate(judge(run, harmed), "worst_segment")
    assert not worst.passed
    assert worst.words.startswith("site south, the worst of 3 segments: log loss +")


def test_more_segments_are_allowed_more_chance(run: TrainingRun) -> None:
    def required(names: list[str]) -> float:
        frame = segmented(run, names)
        found = gate(judge(run, frame.assign(model=frame["constant"])), "worst_segment")
        assert found.required is not None
        return found.required

    most = gates.load().gates.max_worst_segment_log_loss_excess
    assert required(["one", "other"]) == pytest.approx(most)
    noisy = [noisy_bound(run, names) for names in (["a", "b"], ["a", "b", "c", "d"])]
    assert most < noisy[0] < noisy[1]


def test_predictions_without_large_segments_are_told_as_not_judged(run: TrainingRun) -> None:
    words = gate(judge(run), "worst_segment").words
    assert words.startswith("not judged: no site, destination_region, carrier with 200 rows")


def test_mlflow_refuses_exactly_what_a_threshold_refused(run: TrainingRun) -> None:
    assert validate(judge(run)) == ""
    copied = judge(run, changed(run, lambda frame: frame["constant"]))
    words = validate(copied)
    for found in copied:
        if found.bound is not None and found.measured is not None:
            name = metric_name(found)
            assert (f"Metric {name} value threshold check failed" in words) is not found.passed
    assert "gate/order_created/beats_constant" in words


def test_only_a_reshuffled_list_can_be_accepted() -> None:
    moved = GateResult("stability", None, False, 0.1, 0.7, "moved")
    large = GateResult("size", None, False, 3.0, 2.0, "large")
    assert standing([moved]) is Standing.UNSTABLE
    assert standing([moved, large]) is Standing.FAILED
    require((moved,), accept_unstable=True)
    for results in ((moved,), (moved, large)):
        with pytest.raises(GateError, match="moved"):
            require(results, accept_unstable=len(results) > 1)


def test_segments_are_those_of_the_most_valuable_line() -> None:
    line = OrderLine(line_no=1, sku="S", quantity=1, unit_price=5.0, site="small")
    best = OrderLine(line_no=2, sku="S", quantity=1, unit_price=50.0, site="large")
    history = history_of(
        [order("A", 0, lines=(line, best), carrier="C", service="X"), order("B", 1)]
    )
    frame = with_segments(
        pd.DataFrame({"order_id": ["B", "A"], "carrier": ["own", "own"]}), history
    )
    assert frame["site"].tolist() == ["W1", "large"]
    assert frame["destination_region"].tolist() == ["CA", "CA"]
    assert frame["carrier"].tolist() == ["own", "own"]
    assert frame["service"].tolist()[1] == "X"


def test_a_run_without_a_baseline_is_refused(run: TrainingRun) -> None:
    results = judge(run, run.predictions.drop(columns="rule"))
    assert {x.name for x in results if not x.passed} == {"beats_rule"}


def test_a_bundle_with_one_changed_byte_is_refused(tmp_path: Path) -> None:
    broken = training_run(tmp_path)
    (broken.bundle / "model.json").write_bytes(b'{"seed": 9}')
    results = judge(broken)
    assert [x.name for x in results if not x.passed] == ["reloads"]
    assert "model.json is not the file" in refusal(results)


def test_a_bundle_beyond_the_size_is_refused(run: TrainingRun) -> None:
    promise = gates.load()
    small = promise.model_copy(
        update={"gates": promise.gates.model_copy(update={"max_megabytes": 0.0001})}
    )
    results = check(run, evaluate(run.predictions), small)
    assert [x.name for x in results if not x.passed] == ["size"]


def test_nothing_checked_is_nothing_passed() -> None:
    with pytest.raises(GateError, match="no gate was checked"):
        require(())


def test_a_gate_file_with_an_unknown_field_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("features", "training", "models", "serving"):
        (tmp_path / name).mkdir()
    text = (Path(__file__).parents[3] / "models" / "at_risk.toml").read_text(encoding="utf-8")
    (tmp_path / "models" / "at_risk.toml").write_text(text + "\nmin_luck = 1\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"models/at_risk.toml: gates.min_luck"):
        gates.load("at_risk", tmp_path)


def with_waiting(run: TrainingRun, times: int, orders: int = 1_500, **columns: str) -> pd.DataFrame:
    """Predictions with some orders of the first stage, `times` over, as orders that wait there."""
    frame = run.predictions
    first = frame[frame["landmark"] == AT_CREATED].head(orders)
    waiting = first.assign(landmark=WAITING_AT_CREATED).assign(
        **{name: first[source] for name, source in columns.items()}
    )
    moments = [waiting.assign(as_of=waiting["as_of"] + at) for at in range(times)]
    return pd.concat([frame, *moments], ignore_index=True)


def loss_gain(frame: pd.DataFrame, reference: str) -> float:
    own = frame[frame["landmark"] == AT_CREATED]
    late = own["late"] == 1
    model, other = (np.where(late, own[x], 1 - own[x]) for x in ("model", reference))
    return float(np.log(model).mean() - np.log(other).mean())


def segmented(run: TrainingRun, names: list[str]) -> pd.DataFrame:
    frame = run.predictions
    return frame.assign(site=np.array(names)[np.arange(len(frame)) % len(names)])


def noisy_bound(run: TrainingRun, names: list[str]) -> float:
    found = gate(judge(run, segmented(run, names)), "worst_segment")
    assert found.required is not None
    return found.required
