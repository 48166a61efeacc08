from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.training.runs import LANDMARKS, training_run

from triage.training.card import model_card
from triage.training.gates import check
from triage.training.metrics import evaluate, figure
from triage.training.run import TrainingRun


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    return training_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def card(run: TrainingRun) -> str:
    tidy = evaluate(run.predictions)
    return model_card(run, tidy, check(run, tidy))


def test_the_card_says_what_is_predicted_and_under_which_contract(card: str) -> None:
    assert "Chance that an open order is delivered after its promise" in card
    assert "version = late-1, tolerance_hours = 0.0" in card
    assert "It advises; it never changes an order." in card


def test_the_card_names_data_digest_and_families_that_were_off(run: TrainingRun, card: str) -> None:
    assert run.digest in card
    assert "4,321 orders, 12,000 rows, 2017-01-01 to 2018-01-01" in card
    assert "- stock: lacks on_hand, allocated" in card


def test_the_card_gives_the_figures_of_every_landmark_against_the_baselines(
    run: TrainingRun, card: str
) -> None:
    tidy = evaluate(run.predictions)
    for landmark in LANDMARKS:
        assert f"### {landmark}" in card
        loss = figure(tidy, landmark, "model", "log_loss")
        assert f" {loss:.3f} ".replace("0.", ".") in card
    assert card.count("\n| logistic |") == len(LANDMARKS)


def test_the_card_shows_each_gate(run: TrainingRun, card: str) -> None:
    results = check(run, evaluate(run.predictions))
    assert card.count("| passed |") == len(results)
    assert "no allowance" in card


def test_a_failed_gate_stands_out(run: TrainingRun) -> None:
    weak = replace(run, predictions=run.predictions.assign(model=run.predictions["constant"]))
    tidy = evaluate(weak.predictions)
    assert "| **failed** |" in model_card(weak, tidy, check(weak, tidy))


def test_the_licence_of_a_source_comes_from_its_mapping_or_from_the_run(
    tmp_path: Path,
) -> None:
    run = training_run(tmp_path)
    run.dataset["sources"] = ["olist", {"name": "our-erp", "licence": "internal"}]
    tidy = evaluate(run.predictions)
    card = model_card(run, tidy, check(run, tidy))
    assert "licence: CC BY-NC-SA 4.0" in card
    assert "source our-erp (licence: internal" in card


def test_a_run_with_every_family_says_so(run: TrainingRun) -> None:
    tidy = evaluate(run.predictions)
    card = model_card(replace(run, families_off={}), tidy, check(run, tidy))
    assert "None: every declared family has data." in card


def test_a_run_without_months_held_out_says_that_nothing_is_known(run: TrainingRun) -> None:
    nothing = replace(run, predictions=run.predictions.iloc[:0])
    tidy = evaluate(nothing.predictions)
    card = model_card(nothing, tidy, check(nothing, tidy))
    assert "nothing is known about how good it is" in card
    assert card.count("| **failed** |") == 2
