from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests import exception_cases as cases
from tests.histories import START

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.errors import NotEnoughHistoryError
from triage.training.exception_figures import ExceptionFigures, judge, lookup
from triage.training.exception_fit import fit_exceptions, lowest_threshold
from triage.training.exception_recipe import load_promise
from triage.training.exception_train import check

MIDDLE = START + 60 * MICROS_PER_DAY
ZONE = "America/Chicago"


def test_the_same_log_gives_the_same_bytes_and_a_later_disposition_changes_none_of_them() -> None:
    rows, recipe = cases.rows(), cases.recipe()
    first = fit_exceptions(rows, MIDDLE, recipe, "", ZONE)
    labels = tuple(
        label if when < MIDDLE else "something_else"
        for label, when in zip(rows.labels, rows.labelled.tolist(), strict=True)
    )
    again = fit_exceptions(replace(rows, labels=labels), MIDDLE, recipe, "", ZONE)
    assert first.files == again.files


def test_a_disposition_teaches_from_the_moment_it_was_known() -> None:
    rows = cases.rows()
    known = rows.known_before(int(rows.labelled[10]))
    assert 10 not in known
    assert 10 in rows.known_before(int(rows.labelled[10]) + 1)


def test_too_few_dispositions_are_refused_with_what_to_do() -> None:
    with pytest.raises(NotEnoughHistoryError, match="Map `disposition`"):
        fit_exceptions(cases.rows(), START + 40 * MICROS_PER_DAY, cases.recipe(), "", ZONE)


def test_the_error_above_the_threshold_is_held_on_new_answers() -> None:
    dice = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        top = dice.random(600)
        right = (dice.random(600) < 0.6 + 0.4 * top).astype(float)
        threshold = lowest_threshold(top, right, 0.1, 0.9)
        above = np.linspace(min(threshold, 1.0), 1.0, 1000)
        held += threshold > 1 or (1 - (0.6 + 0.4 * above)).mean() <= 0.1
    assert held >= 0.85 * 60


def test_few_answers_allow_no_statement_and_many_right_ones_do() -> None:
    assert lowest_threshold(np.full(30, 0.9), np.ones(30), 0.05, 0.9) > 1
    assert lowest_threshold(np.full(400, 0.9), np.ones(400), 0.05, 0.9) == 0.9
    assert lowest_threshold(np.full(400, 0.9), np.zeros(400), 0.05, 0.9) > 1


def test_the_lookup_gives_the_most_frequent_class_of_a_code_and_the_usual_one_otherwise() -> None:
    rows = cases.rows()
    taught = np.arange(100)
    labels = [rows.labels[at] for at in range(100)]
    said = lookup(rows, taught, np.array([200, 201]))
    assert set(said) <= set(labels)
    assert len(set(lookup(rows, taught, np.arange(300)))) <= 2


def test_figures_of_weeks_that_were_not_seen_beat_the_lookup() -> None:
    rows, until = cases.rows(), START + 80 * MICROS_PER_DAY
    model = fit_exceptions(rows, until, cases.recipe(), "", ZONE).model
    judged = np.flatnonzero(rows.moment >= until)
    found = judge(model, rows, rows.known_before(until), judged)
    assert found.rows == len(judged)
    assert found.accuracy > found.lookup_accuracy + 0.2
    assert found.macro_f1 > found.lookup_macro_f1
    assert "held out" in found.words()


def figures(**changes: Any) -> ExceptionFigures:
    good = ExceptionFigures(400, 0.9, 0.88, 0.6, 0.5, 0.8, 0.05, 0.05, 0.0, 0.95, 0.03, 2.0)
    return replace(good, **changes)


def test_gates_pass_what_is_promised() -> None:
    assert all(gate.passed for gate in check(figures(), load_promise().gates, 8.0))


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"error": 0.08}, "stated_error"),
        ({"lookup_accuracy": 0.91}, "beats_lookup_accuracy"),
        ({"macro_f1": 0.4}, "beats_lookup_macro_f1"),
        ({"answered": 0.1}, "answered"),
        ({"rows": 20}, "rows"),
        ({"ece": 0.2}, "calibrated"),
        ({"milliseconds": 9.0}, "latency"),
    ],
)
def test_a_gate_that_fails_says_what_to_do_next(changes: dict[str, float], gate: str) -> None:
    failed = [x for x in check(figures(**changes), load_promise().gates, 8.0) if not x.passed]
    assert [x.name for x in failed] == [gate]
    assert "Next: " in failed[0].words


def test_the_test_world_is_long_enough() -> None:
    assert cases.rows().moment[-1] > START + 90 * 24 * MICROS_PER_HOUR
