from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.unit.training.runs import predictions
from tests.unit.training.stages import one_stage

from triage.errors import DeclarationError
from triage.training import recipe as recipes
from triage.training import tune_space
from triage.training.metrics import evaluate, figure
from triage.training.prepared import prepare
from triage.training.tracking import open_catalogue
from triage.training.tune import tune
from triage.training.tune_objective import Months, mean_loss, promise_passed
from triage.training.tune_result import Tuned, compare

SPACE = """
[study]
seed = 7
months = 1
startup_trials = 2
prune_after_months = 1

[space]
"trees.location.rounds" = { low = 5, high = 60 }
"calibration.half_life_days" = { low = 2.0, high = 20.0, log = true }
"""


def test_the_space_of_the_repository_fits_its_recipe() -> None:
    space, (recipe, text) = tune_space.load(), recipes.load("at_risk")
    own = space.own(recipe)
    assert tune_space.changed(recipe, own) == recipe
    assert tune_space.changed_text(text, recipe, own).splitlines() == text.splitlines()


def test_a_recipe_keeps_its_comments_and_layout_when_values_change() -> None:
    recipe, text = recipes.load("at_risk")
    values: tune_space.Values = {"trees.location.rounds": 321, "target.offset": 0.25}
    tuned = tune_space.changed_text(text, recipe, values)
    assert recipes.parse(tuned, "tuned").trees.location.rounds == 321
    assert recipes.parse(tuned, "tuned").target.offset == 0.25
    before, after = text.splitlines(), tuned.splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2
    comments = [re.sub(r"^[^#]*", "", line) for line in before]
    assert comments == [re.sub(r"^[^#]*", "", line) for line in after]


def test_a_setting_that_the_recipe_leaves_to_its_default_is_added_to_its_section() -> None:
    recipe, text = recipes.load("at_risk")
    without = re.sub(r"^bandwidth *=.*\n", "", text, flags=re.MULTILINE)
    plain = recipes.parse(without, "without")
    tuned = tune_space.changed_text(without, plain, {"calibration.bandwidth": 0.21})
    assert recipes.parse(tuned, "tuned").calibration.bandwidth == 0.21
    assert recipe.name == plain.name


@pytest.mark.parametrize("name", ["trees.parameters.absent", "name", "trees"])
def test_a_range_for_something_that_is_no_number_of_the_recipe_is_refused(name: str) -> None:
    recipe, _ = recipes.load("at_risk")
    space = tune_space.load()
    wrong = space.model_copy(update={"space": {name: tune_space.Range(low=1, high=2)}})
    with pytest.raises(DeclarationError, match=re.escape(name)):
        wrong.own(recipe)


def test_a_range_upside_down_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "tune.toml").write_text(SPACE.replace("high = 60", "high = 1"))
    with pytest.raises(
        DeclarationError, match=r"space\.trees\.location\.rounds.*low 5 is not below high 1"
    ):
        tune_space.load(tmp_path)


def test_each_landmark_counts_alike_however_many_rows_it_has() -> None:
    frame = predictions(400)
    tidy = evaluate(frame)
    own = [figure(tidy, x, "model", "log_loss") for x in frame["landmark"].unique()]
    assert mean_loss(frame) == pytest.approx(np.mean(own))
    thinned = frame[(frame["landmark"] != "order_created") | (frame.index % 7 == 0)]
    part = thinned[thinned["landmark"] == "order_created"]
    own[0] = figure(evaluate(part), "order_created", "model", "log_loss")
    assert mean_loss(thinned) == pytest.approx(np.mean(own))


def test_a_sharper_model_is_seen_as_a_gain_and_the_same_model_as_none() -> None:
    frame = predictions(1500)
    blunt = frame.assign(model=frame["rule"])
    better = compare(blunt, frame)
    assert (better["low"] > 0).all()
    assert better["gain"].to_numpy() == pytest.approx(
        (better["recipe_log_loss"] - better["tuned_log_loss"]).to_numpy()
    )
    assert (compare(frame, frame)[["gain", "low", "high"]] == 0).all().all()
    assert (compare(frame, blunt)["high"] < 0).all()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = one_stage(tmp_path_factory.mktemp("workspace"))
    (folder / "training" / "tune.toml").write_text(SPACE)
    return folder


@pytest.fixture(scope="module")
def home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "history").symlink_to(sample_home / "history")
    return home


@pytest.fixture(scope="module")
def first(home: Path, workspace: Path) -> Tuned:
    return tune("at_risk", home, trials=2, minutes=5, workspace=workspace)


def test_the_months_of_evaluation_are_not_among_those_that_judge(
    first: Tuned, home: Path, workspace: Path
) -> None:
    assert max(first.judging) < min(first.held_back)
    recipe, _ = recipes.load("at_risk", workspace)
    prepared = prepare(home, recipe, workspace=workspace)
    months = Months.of(prepared, recipe, 1)
    assert (months.judging, months.held_back) == (first.judging, first.held_back)


def test_an_order_whose_promise_reaches_into_the_months_held_back_judges_no_trial(
    home: Path, workspace: Path
) -> None:
    recipe, _ = recipes.load("at_risk", workspace)
    prepared = prepare(home, recipe, workspace=workspace)
    rows = prepared.data[0].rows
    ids = np.array(prepared.book.ids, dtype=object)[rows.order]
    moment = int(np.median(rows.late_at))
    kept = promise_passed(pd.DataFrame({"order_id": ids}), prepared, moment)
    assert set(kept["order_id"]) == set(ids[rows.late_at <= moment])


def test_the_result_is_a_recipe_with_the_figures_of_both_on_top(first: Tuned) -> None:
    text = first.path.read_text()
    tuned = recipes.parse(text, "tuned")
    assert tuned.trees.location.rounds == first.values["trees.location.rounds"]
    assert first.best_loss <= first.own_loss
    assert f"{first.own_loss:.4f} -> {first.best_loss:.4f}" in text
    assert ", ".join(first.held_back) in text.splitlines()[2]


def test_an_interrupted_search_goes_on_and_its_trials_lie_below_one_run(
    first: Tuned, home: Path, workspace: Path
) -> None:
    again = tune("at_risk", home, trials=3, minutes=5, workspace=workspace)
    assert (first.trials, again.trials) == (2, 3)
    assert again.own_loss == first.own_loss
    assert again.best_loss <= first.best_loss
    with open_catalogue(home) as client:
        experiment = client.get_experiment_by_name("at_risk").experiment_id
        runs = client.search_runs([experiment])
    parents = [run for run in runs if run.data.tags["kind"] == "tune"]
    trials = [run for run in runs if run.data.tags["kind"] == "trial"]
    assert [run.info.status for run in parents] == ["FINISHED"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {parents[0].info.run_id}
    assert len(trials) == 3


def test_the_next_command_trains_the_tuned_recipe_only_if_it_holds_up(first: Tuned) -> None:
    gain = first.figures.assign(low=0.001, gain=0.002, high=0.003)
    loss = first.figures.assign(low=-0.003, gain=-0.002, high=-0.001)
    other = {name: value + 1 for name, value in first.former.items()}
    better = replace(first, figures=gain, values=other)
    worse = replace(first, figures=loss, values=other)
    command = better.next_command(Path("/w"), Path("/h"))
    assert command.startswith(f"cp {first.path} /w/training/at_risk.toml && triage train at_risk")
    assert worse.next_command(Path("/w"), Path("/h")).startswith("triage tune at_risk --trials 4")
    assert "keep the recipe" in worse.verdict()
