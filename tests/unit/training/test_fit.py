from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.workspaces import cheap, copied

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.errors import HistoryError, NotEnoughHistoryError
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.models.at_risk import RECIPE_FILE, AtRiskModel, Curves, Stage, predict
from triage.models.bundle import read_bundle
from triage.models.landmarks import Rows
from triage.models.survival import SurvivalCurve, grid
from triage.training import recipe as recipes
from triage.training.fit import Lesson, fit_landmark, fit_parts
from triage.training.landmark_data import LandmarkData
from triage.training.recipe import Recipe, TreeSettings
from triage.training.run import TrainingRun
from triage.training.train import train

MOMENT = 200 * MICROS_PER_DAY


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cheap(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def recipe(workspace: Path) -> Recipe:
    return recipes.load("at_risk", workspace)[0]


def made_up(n: int = 2000) -> LandmarkData:
    """Rows from day 0 to day 240 whose lead time follows the first column."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(n, 3))
    as_of = np.sort(rng.integers(0, 240 * MICROS_PER_DAY, n))
    days = np.expm1((1.5 + 0.5 * x[:, 0] + rng.normal(0, 0.2, n)).clip(0.1))
    delivered = as_of + np.rint(days * MICROS_PER_DAY).astype(np.int64)
    late_at = as_of + np.rint(rng.uniform(3, 9, n) * MICROS_PER_DAY).astype(np.int64)
    rows = Rows(
        "order_created", np.arange(n), as_of, late_at, delivered, delivered, np.full(n, NEVER)
    )
    single = x.astype(np.float32)
    return LandmarkData(rows, single, ("a", "b", "c"), {}, pd.DataFrame(index=range(n)))


def choosing(recipe: Recipe, most: int | None) -> Recipe:
    trees = recipe.trees.model_copy(update={"most_inputs": most})
    return recipe.model_copy(update={"trees": trees})


def test_the_inputs_that_tell_most_stay_in_their_order(recipe: Recipe) -> None:
    data = made_up()
    noisy = replace(data, x=np.column_stack([data.x[:, 1:], data.x[:, :1]]))  # c tells, not a
    assert fit_landmark(noisy, MOMENT, choosing(recipe, 1)).inputs == ("c",)
    chosen = fit_landmark(noisy, MOMENT, choosing(recipe, 2)).inputs
    assert chosen in (("a", "c"), ("b", "c"))
    assert fit_landmark(noisy, MOMENT, choosing(recipe, None)).inputs == ("a", "b", "c")
    assert fit_landmark(noisy, MOMENT, choosing(recipe, 9)).inputs == ("a", "b", "c")


def test_a_fit_learns_nothing_from_what_became_known_later(recipe: Recipe) -> None:
    data = made_up()
    later = data.rows.delivered_known >= MOMENT
    assert 100 < later.sum() < len(later)
    unborn = data.rows.as_of >= MOMENT
    changed = LandmarkData(
        replace(
            data.rows,
            delivered=np.where(later, NEVER, data.rows.delivered),
            delivered_known=np.where(later, NEVER, data.rows.delivered_known),
            cancelled_known=np.where(unborn, data.rows.as_of + 1, data.rows.cancelled_known),
        ),
        np.where(unborn[:, None], np.float32(9.0), data.x),
        data.inputs,
        {},
        data.categories,
    )
    recipe = choosing(recipe, 2)
    first, second = (fit_landmark(given, MOMENT, recipe) for given in (data, changed))
    assert first.inputs == second.inputs
    assert first.trees == second.trees
    assert first.logistic == second.logistic
    np.testing.assert_array_equal(first.mu[~unborn], second.mu[~unborn])


def test_a_fit_finds_what_drives_the_lead_time(recipe: Recipe) -> None:
    data = made_up()
    fitted = fit_landmark(data, MOMENT, recipe)
    tested = data.rows.as_of >= MOMENT
    took = np.log1p((data.rows.delivered - data.rows.as_of) / MICROS_PER_DAY)
    assert np.corrcoef(fitted.mu[tested], took[tested])[0, 1] > 0.7
    assert fitted.logistic[1] < 0


def test_no_row_is_judged_by_trees_that_saw_its_order_in_another_week(recipe: Recipe) -> None:
    """Chance alone decides in which weeks of the first row all orders are late."""
    data = made_up(600)
    order = np.tile(data.rows.order, 3)
    as_of = data.rows.as_of[order] + np.repeat([0, 8, 16], 600) * MICROS_PER_DAY
    week = data.rows.as_of // (7 * MICROS_PER_DAY)
    late = (np.random.default_rng(1).random(60) < 0.5)[week]
    late_at = data.rows.as_of[order] + 40 * MICROS_PER_DAY
    delivered = late_at + np.where(late[order], 1, -1) * MICROS_PER_DAY
    by_moment = np.argsort(as_of, kind="stable")
    never = np.full(len(order), NEVER)
    rows = Rows("order_created:waiting", order, as_of, late_at, delivered, delivered, never)
    rows, x = rows.take(by_moment), week[order[by_moment], None].astype(np.float32)
    waiting = LandmarkData(rows, x, ("week",), {}, pd.DataFrame(index=range(len(rows))))
    outcome, taught = late[rows.order], np.arange(len(rows))
    lesson = Lesson(outcome.astype(float), _closely(recipe), "binary")
    (parts,) = fit_parts(waiting, taught, [lesson], recipe, asked=np.arange(0), threads=1)
    odds = parts.out_of_fold
    assert (odds[outcome][:, None] > odds[~outcome][None, :]).mean() < 0.65


def _closely(recipe: Recipe) -> TreeSettings:
    return recipe.trees.leading.model_copy(update={"rounds": 60, "parameters": {"num_leaves": 31}})


def test_too_few_cohorts_are_told_with_what_the_recipe_wants(recipe: Recipe) -> None:
    wanted = str(recipe.evaluation.least_train_rows)
    with pytest.raises(NotEnoughHistoryError, match=f"order_created.*{wanted}"):
        fit_landmark(made_up(), MICROS_PER_DAY, recipe)


@pytest.fixture(scope="module")
def home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(sample_home / "history", home / "history")
    return home


@pytest.fixture(scope="module")
def run(home: Path, workspace: Path) -> TrainingRun:
    return train("at_risk", home, workspace=workspace)


def test_training_twice_gives_the_same_bytes_and_the_same_predictions(
    run: TrainingRun, home: Path, workspace: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.bundle.rglob("*")}
    again = train("at_risk", home, workspace=workspace)
    assert again.digest == run.digest
    assert again.bundle == run.bundle
    pd.testing.assert_frame_equal(again.predictions, run.predictions)
    assert [path.name for path in (home / "runs").iterdir()] == [run.digest]
    assert {path: path.stat().st_mtime_ns for path in run.bundle.rglob("*")} == before


def test_the_bundle_carries_the_recipe_and_the_declarations_that_made_it(
    run: TrainingRun, workspace: Path, recipe: Recipe
) -> None:
    digest, files = read_bundle(run.bundle, run.digest)
    assert digest == run.digest
    assert files[RECIPE_FILE].decode() == (workspace / "training" / "at_risk.toml").read_text()
    model = AtRiskModel.load(run.bundle, run.digest)
    assert {*recipe.landmarks} <= set(model.stages) <= {*recipe.rows_at}
    assert model.numbers.contract == recipe.label
    assert model.numbers.trained_as_of == max(
        stage.numbers.usual_times.as_of for stage in model.stages.values()
    )


def test_the_run_explains_rows_that_add_up(run: TrainingRun) -> None:
    model = AtRiskModel.load(run.bundle, run.digest)
    assert set(run.explained) == set(model.stages)
    for landmark, (rows, contributions) in run.explained.items():
        stage = model.stages[landmark]
        assert tuple(rows.columns) == stage.numbers.inputs
        assert contributions.shape == rows.shape
        total = contributions.sum(axis=1) + stage.trees.base_values[0]
        np.testing.assert_allclose(total, stage.trees.predict(rows.to_numpy()), atol=1e-9)


def curve_of_slow(stage: Stage) -> SurvivalCurve:
    intercept, slope = stage.numbers.logistic
    return SurvivalCurve.of(1 / (1 + np.exp(-(intercept + slope * grid()))))


def test_declarations_edited_after_training_do_not_touch_a_trained_model(
    run: TrainingRun, sample_history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def values() -> tuple[tuple[str, ...], dict[str, object]]:
        model = AtRiskModel.load(run.bundle, run.digest)
        engine = FeatureEngine.of(sample_history, model.features)
        rows = np.arange(len(engine.book) - 200, len(engine.book))
        matrix = engine.matrix(rows, sample_history.orders["record_time"].to_numpy()[rows])
        stage = model.stages["order_created"]
        x = matrix[:, [engine.names.index(name) for name in stage.numbers.inputs]]
        curves = Curves(curve_of_slow(stage), stage.numbers.usual_times.curve())
        p = [predict(stage, curves, row, 5.0, 0.0).p_late for row in x]
        return engine.names, {"x": x.tobytes(), "p": p}

    before = values()
    edited = copied(tmp_path)
    for path in (edited / "features").glob("*.toml"):
        text = path.read_text()
        path.write_text("") if path.stem == "order" else path.write_text(
            text.replace("weight = ", "weight = 9").replace(
                'aggregate = "mean"', 'aggregate = "sum"'
            )
        )
    monkeypatch.setenv("TRIAGE_WORKSPACE", str(edited))
    monkeypatch.setattr("triage.workspace.carried", lambda: edited)
    assert values() == before


def test_training_without_a_log_names_the_next_command(tmp_path: Path, workspace: Path) -> None:
    with pytest.raises(HistoryError, match="triage import"):
        train("at_risk", tmp_path, workspace=workspace)
