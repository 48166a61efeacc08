from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from triage.training import recipe as recipes
from triage.training.metrics import settled
from triage.training.recipe import parse
from triage.training.rule import better, better_than_all

LATE = np.array([1, 0] * 50)


def frame(model: float, rule: float, landmark: str = "order_created") -> pd.DataFrame:
    """Predictions that give the truth such a probability."""

    def said(p: float) -> np.ndarray:
        return np.where(LATE == 1, p, 1 - p)

    return pd.DataFrame(
        {"landmark": landmark, "late": LATE, "abandoned": 0, "model": said(model),
         "rule": said(rule), "constant": 0.5, "promise_days": 3.0}
    )  # fmt: skip


@pytest.mark.parametrize(("model", "rule", "wins"), [(0.8, 0.7, True), (0.7, 0.8, False)])
def test_a_model_earns_its_place_only_by_a_lower_log_loss_than_every_baseline(
    model: float, rule: float, wins: bool
) -> None:
    assert better_than_all(frame(model, rule)) is wins
    assert better(frame(model, rule), frame(rule, rule)) is wins


def test_a_model_that_is_worse_than_the_constant_does_not_earn_its_place() -> None:
    assert not better_than_all(frame(0.4, 0.3))


def test_waiting_orders_and_orders_given_up_do_not_decide() -> None:
    good, bad = frame(0.8, 0.7), frame(0.1, 0.9)
    waiting = frame(0.1, 0.9, "order_created:waiting")
    given_up = bad.assign(abandoned=1)
    assert better_than_all(pd.concat([good, waiting, given_up]))
    assert len(settled(pd.concat([good, given_up]))) == len(good)


def test_the_rule_looks_at_late_rates_and_the_promise_only() -> None:
    recipe, text = recipes.load("at_risk")
    rule = recipe.as_lookup()
    assert rule.inputs.every == recipe.lookup.inputs
    assert not rule.inputs.families
    assert rule.trees.location.rounds == recipe.lookup.rounds
    assert parse(f'use = "lookup"\n{text}', "frozen") == rule
