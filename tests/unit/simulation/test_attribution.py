"""Attributed causes are compared with the truth by main cause, over orders that have one."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from triage.errors import SimulationError
from triage.features.declarations import Cause
from triage.simulation.attribution import CAUSES, NONE, OF_ADVICE, compare, true_shares
from triage.simulation.sample import Simulated, simulate
from triage.simulation.step_rule import slowest_step
from triage.simulation.truth import blame


def truth(**shares: list[float]) -> pd.DataFrame:
    """Return true shares of some orders; causes that are not given have none."""
    count = len(next(iter(shares.values())))
    return pd.DataFrame(
        {"order_id": [f"o{at}" for at in range(count)]}
        | {name: shares.get(name, [0.0] * count) for name in CAUSES}
    )


@pytest.fixture(scope="module")
def tiny() -> Simulated:
    return simulate(seed=9, orders=1_200, days=130)


@pytest.fixture(scope="module")
def shares(tiny: Simulated) -> pd.DataFrame:
    return true_shares(blame(tiny.world, tiny.shocks, tiny.orders, tiny.run))


def test_the_truth_agrees_with_itself(shares: pd.DataFrame) -> None:
    found = compare(shares, shares)
    assert found.agreement == 1
    assert found.late == len(shares)
    assert found.by_cause["recall"].dropna().eq(1).all()


def test_every_cause_that_answers_name_is_one_of_the_truth() -> None:
    assert set(OF_ADVICE) == set(get_args(Cause)) - {"other"}
    assert set(OF_ADVICE.values()) == set(CAUSES) - {"shock"}


def test_true_shares_sum_to_one(shares: pd.DataFrame) -> None:
    assert np.allclose(shares[list(CAUSES)].sum(axis=1), 1)


def test_only_orders_with_a_dominant_cause_count() -> None:
    true = truth(stock=[0.7, 0.5, 0.1], capacity=[0.3, 0.5, 0.9])
    said = pd.DataFrame({"order_id": ["o0", "o1", "o2"], "stock": [2.0, 0, 5], "capacity": 1.0})
    found = compare(said, true)
    assert (found.late, found.dominant, found.agreement) == (3, 2, 0.5)
    assert found.confusion.loc["capacity", "stock"] == 1
    assert compare(said, true, at_least=0.8).dominant == 1


def test_an_order_without_a_harmful_effect_is_attributed_to_nothing() -> None:
    said = pd.DataFrame({"order_id": ["o0"], "stock": [-1.0], "carrier": [0.0]})
    found = compare(said, truth(stock=[1.0]))
    assert found.confusion.loc["stock", NONE] == 1
    assert found.agreement == 0


def test_causes_can_count_as_one() -> None:
    true = truth(shock=[0.4], carrier=[0.4], stock=[0.2])
    said = pd.DataFrame({"order_id": ["o0"], "carrier": [1.0]})
    with pytest.raises(SimulationError, match="dominant"):
        compare(said, true)
    assert compare(said, true, merge={"shock": "carrier"}).agreement == 1


def test_recall_and_precision_are_told_by_cause() -> None:
    true = truth(stock=[1.0, 1, 0], approval=[0.0, 0, 1])
    said = pd.DataFrame({"order_id": ["o0", "o1", "o2"], "stock": [1.0, 0, 1], "approval": 0.5})
    table = compare(said, true).by_cause
    assert table.loc[["stock"]].to_numpy().tolist() == [[2, 0.5, 0.5]]
    assert table.loc[["approval"]].to_numpy().tolist() == [[1, 0, 0]]
    assert table["recall"].isna()["change"]


def test_orders_that_one_frame_does_not_know_are_left_out() -> None:
    said = pd.DataFrame({"order_id": ["o1", "other"], "stock": [1.0, 1.0]})
    assert compare(said, truth(stock=[1.0, 1.0])).dominant == 1


def test_odd_frames_are_refused_in_words() -> None:
    true = truth(stock=[1.0])
    with pytest.raises(SimulationError, match="weather: no such cause"):
        compare(pd.DataFrame({"order_id": ["o0"], "weather": [1.0]}), true)
    with pytest.raises(SimulationError, match="twice"):
        compare(pd.DataFrame({"order_id": ["o0", "o0"], "stock": [1.0, 2.0]}), true)


def test_the_slowest_step_recognises_causes_that_have_a_step_of_their_own(
    tiny: Simulated, shares: pd.DataFrame
) -> None:
    found = compare(slowest_step(tiny), shares)
    assert found.agreement > 0.6
    assert found.by_cause["recall"].to_dict()["approval"] > 0.7
    assert found.confusion["change"].sum() == 0


def test_the_rule_blames_every_late_order_and_no_other(
    tiny: Simulated, shares: pd.DataFrame
) -> None:
    told = slowest_step(tiny)
    assert set(told["order_id"]) == set(shares["order_id"])
    assert np.isfinite(told.drop(columns="order_id").to_numpy()).all()


def test_the_rule_sees_nothing_that_is_heard_of_after_the_promise(tiny: Simulated) -> None:
    """What came after the promise may have been at any other time without a difference."""
    late = tiny.run.delivered >= tiny.orders.late_from
    moved = replace(
        tiny.run, delivered=np.where(late, tiny.run.delivered + 7_200, tiny.run.delivered)
    )
    pd.testing.assert_frame_equal(slowest_step(tiny), slowest_step(replace(tiny, run=moved)))
