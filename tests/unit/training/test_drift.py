from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.training.stages import one_stage

from triage.domain.clock import MICROS_PER_DAY
from triage.errors import BundleError, DeclarationError
from triage.history.log import Log
from triage.models.at_risk import AtRiskModel
from triage.models.champion import bundle_folder, point_to
from triage.models.drift_settings import DriftSettings, load
from triage.training import drift_measures as measures
from triage.training.drift import check, drift, entropy
from triage.training.drift_champion import seen_by
from triage.training.drift_report import DriftReport, InputDrift, OutcomeChange, OutcomeDrift
from triage.training.metrics import losses
from triage.training.train import train

shares = st.lists(st.floats(0.001, 1), min_size=2, max_size=12)


@given(shares, shares)
def test_psi_is_symmetric_and_zero_only_between_equals(a: list[float], b: list[float]) -> None:
    size = min(len(a), len(b))
    first, second = (np.array(x[:size]) / sum(x[:size]) for x in (a, b))
    assert measures.psi(first, first) == 0
    assert measures.psi(first, second) == pytest.approx(measures.psi(second, first))
    assert measures.psi(first, second) >= 0


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_every_value_has_one_bin_and_missing_values_their_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(300) < 0.2, np.nan, rng.integers(0, 6, 300).astype(float))
    bins = measures.Bins.of(values, 10)
    assert bins.share.sum() == pytest.approx(1)
    assert bins.share[-1] == pytest.approx(np.isnan(values).mean())
    assert bins.psi(values) == pytest.approx(0)


def test_a_feed_that_stops_shows_although_the_known_values_are_alike() -> None:
    rng = np.random.default_rng(1)
    reference, recent = rng.normal(size=4000), rng.normal(size=1000)
    gone = np.where(rng.random(1000) < 0.4, np.nan, recent)
    bins = measures.Bins.of(reference, 10)
    assert bins.psi(recent) < 0.05
    assert bins.psi(gone) > 0.25
    assert measures.ks(reference, gone) < 0.06


def test_a_column_without_any_value_has_no_shift_and_no_statistic() -> None:
    nothing = np.full(50, np.nan)
    assert measures.Bins.of(nothing, 10).psi(nothing) == pytest.approx(0)
    assert math.isnan(measures.ks(nothing, nothing))


def test_psi_by_chance_is_what_equal_distributions_show_on_average() -> None:
    rng = np.random.default_rng(2)
    found, said = [], []
    for _ in range(60):
        bins = measures.Bins.of(rng.normal(size=3000), 10)
        found.append(bins.psi(rng.normal(size=300)))
        said.append(bins.by_chance(300))
    assert np.mean(found) == pytest.approx(np.mean(said), rel=0.2)


def test_what_changes_every_month_is_usual() -> None:
    rng = np.random.default_rng(3)
    moments = np.arange(0, 12 * 28 * MICROS_PER_DAY, MICROS_PER_DAY // 20)
    season = np.sin(moments / (28 * MICROS_PER_DAY) * 1.3) * 3 + rng.normal(size=len(moments))
    steady = rng.normal(size=len(moments))
    window = 28 * MICROS_PER_DAY
    usual = [
        measures.usual_psi(measures.Bins.of(x, 10), x, moments, window, 0.9, 100)
        for x in (season, steady)
    ]
    assert usual[0] > 1
    assert usual[1] < 0.1


def test_a_change_of_a_stream_is_found_where_it_happened() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(0, 0.3, 1500), rng.normal(0.3, 0.3, 1500)])
    found = measures.change(values, 0.002)
    assert found is not None
    assert 1300 < found.at < 1900
    assert found.before < 0.1 < found.after
    assert measures.change(rng.normal(0, 0.3, 3000), 0.002) is None


def test_a_busy_month_is_no_change_of_a_calibrated_model() -> None:
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.uniform(0, 0.1, 3000), rng.uniform(0.2, 0.6, 3000)])
    late = (rng.random(6000) < p).astype(float)
    assert measures.change(losses(late, p), 0.002) is not None
    assert measures.change(losses(late, p) - entropy(p), 0.002) is None


def test_observed_to_expected_has_the_error_that_chance_gives() -> None:
    rng = np.random.default_rng(6)
    p = rng.uniform(0, 0.5, 800)
    found = [
        measures.observed_to_expected((rng.random(800) < p).astype(float), p) for _ in range(400)
    ]
    ratios = [ratio for ratio, _ in found]
    assert np.mean(ratios) == pytest.approx(1, abs=0.01)
    assert np.std(ratios) == pytest.approx(found[0][1], rel=0.15)


def made_up(shift: float, share: float, ratio: float) -> DriftReport:
    words = "Open orders at the site"
    moved = InputDrift("order_created", "load", words, 900, shift, 0.01, 0.2, 0.4, share)
    change = OutcomeChange("share late less predicted", "2026-01-05T00:00", 0.0, 0.08, True)
    changes = (change,) if ratio != 1 else ()
    late = round(100 * ratio)
    outcome = OutcomeDrift("order_created", 900, late, 100.0, ratio, 0.05, changes)
    return DriftReport("d" * 64, "2026-01-01", "2026-02-01", (moved,), (outcome,), load())


def test_retraining_is_advised_in_words_that_name_what_moved() -> None:
    said = made_up(0.9, 0.5, 1.0).verdict()
    assert said.startswith("Retrain advised because at order created, inputs that carry 50%")
    assert "open orders at the site (PSI 0.90" in said


@pytest.mark.parametrize(("shift", "share"), [(0.2, 0.9), (0.9, 0.05)])
def test_a_small_shift_or_one_that_matters_little_is_no_reason(shift: float, share: float) -> None:
    found = made_up(shift, share, 1.0)
    assert not found.advised
    assert found.verdict().startswith("No retraining advised: ")


def test_lateness_off_by_more_than_chance_is_a_reason_with_its_figures() -> None:
    said = made_up(0.0, 0.0, 1.4).verdict()
    assert "140 of 900 orders were late where 100 were expected (1.40 times)" in said
    assert "share late less predicted has gone from 0.000 to 0.080 since 2026-01-05" in said


def test_few_outcomes_are_reported_but_not_judged() -> None:
    report = made_up(0.0, 0.0, 1.4)
    few = replace(report, outcomes=(replace(report.outcomes[0], n=20),))
    assert not few.advised
    assert "too few promises have passed since training" in few.verdict()


def test_a_threshold_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "training"
    folder.mkdir()
    text = (Path("training") / "drift.toml").read_text()
    (folder / "drift.toml").write_text(text.replace("bins = 10", "bins = 1"))
    with pytest.raises(DeclarationError, match=r"training/drift\.toml: inputs\.bins"):
        load(tmp_path)


@pytest.fixture(scope="module")
def home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose champion was trained on everything in the log."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(sample_home / "history", home / "history")
    run = train("at_risk", home, workspace=one_stage(tmp_path_factory.mktemp("workspace")))
    shutil.copytree(run.bundle, bundle_folder(home, "at_risk", run.digest))
    point_to(home, "at_risk", {"digest": run.digest, "version": "1"})
    return home


@pytest.fixture(scope="module")
def report(home: Path) -> DriftReport:
    return drift("at_risk", home)


def test_a_champion_of_today_is_judged_by_its_inputs_alone(report: DriftReport) -> None:
    assert report.inputs
    assert {each.n for each in report.outcomes} == {0}
    for landmark in {each.landmark for each in report.inputs}:
        own = [each for each in report.inputs if each.landmark == landmark]
        assert sum(each.share for each in own) == pytest.approx(1)
        assert all(each.meaning for each in own)


def test_what_was_measured_is_plain_json(report: DriftReport) -> None:
    plain = json.loads(json.dumps(report.plain(), allow_nan=False))
    assert plain["verdict"] == report.verdict()
    assert len(plain["inputs"]) == len(report.inputs)


def test_without_a_catalogue_none_is_made(report: DriftReport, home: Path) -> None:
    assert report.digest
    assert not (home / "mlflow.db").exists()


def test_outcomes_are_those_that_matured_since_training(home: Path, report: DriftReport) -> None:
    model = AtRiskModel.load(bundle_folder(home, "at_risk", report.digest))
    history = Log(home).read()
    moment = history.extracted_at + 1
    earlier = moment - 60 * MICROS_PER_DAY
    older = replace(model, numbers=model.numbers.model_copy(update={"trained_as_of": earlier}))
    seen = seen_by(older, history)[-1:]
    found = check(older, seen, moment, strict(load())).outcomes[0]
    rows = seen[0].rows
    since = rows.mature(moment) & (rows.late_at > earlier)
    assert found.n == since.sum() > 300
    assert found.late == rows.take(since).known_late(moment).sum()
    assert found.expected == pytest.approx(seen[0].probabilities(np.flatnonzero(since)).sum())


def strict(given: DriftSettings) -> DriftSettings:
    return given.model_copy(update={"inputs": given.inputs.model_copy(update={"days": 14.0})})


def test_without_a_champion_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="triage train at_risk"):
        drift("at_risk", tmp_path)
