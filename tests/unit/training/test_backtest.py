from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.workspaces import cheap

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, NEVER, to_micros
from triage.domain.records import MilestoneKind
from triage.history.log import Log
from triage.history.tables import History
from triage.models.landmarks import Rows
from triage.training import recipe as recipes
from triage.training.backtest import (
    evaluation_months,
    month_start,
    months_between,
    next_month,
)
from triage.training.prepared import Prepared, prepare
from triage.training.recipe import Evaluation, Recipe
from triage.training.train import evaluate_months

LANDMARK = "shipment_dispatched"
PREDICTORS = ["model", "constant", "rule", "logistic"]


def test_a_month_begins_at_local_midnight() -> None:
    assert month_start("2026-01", "America/Chicago") == to_micros(
        datetime(2026, 1, 1, 6, tzinfo=UTC)
    )
    summer = month_start("2026-08", "America/Chicago") - month_start("2026-07", "America/Chicago")
    assert summer == 31 * MICROS_PER_DAY
    march = month_start("2026-04", "America/Chicago") - month_start("2026-03", "America/Chicago")
    assert march == 31 * MICROS_PER_DAY - MICROS_PER_HOUR


def test_months_follow_each_other_across_years() -> None:
    assert next_month("2025-12") == "2026-01"
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]


def placed(days: list[int], promise_days: int, late: int = 0) -> Rows:
    """Orders of some days of 2026, delivered at once but for the first `late` ones."""
    begin = to_micros(datetime(2026, 1, 1, 12, tzinfo=UTC))
    as_of = begin + np.array(days, dtype=np.int64) * MICROS_PER_DAY
    late_at = as_of + promise_days * MICROS_PER_DAY
    delivered = np.where(np.arange(len(days)) < late, late_at, as_of + 1)
    never = np.full(len(days), NEVER)
    return Rows("order_created", never, as_of, late_at, delivered, delivered, never)


def months_of(rows: Rows, until: datetime, **settings: int) -> list[str]:
    wanted = Evaluation(**{"months": 2, "enough_late": 1, **settings})
    return evaluation_months(rows, to_micros(until), "America/Chicago", wanted)


@pytest.mark.parametrize(
    ("promise_days", "months"), [(1, ["2026-01", "2026-02"]), (12, ["2025-12", "2026-01"])]
)
def test_only_whole_months_whose_promises_have_passed_are_judged(
    promise_days: int, months: list[str]
) -> None:
    rows = placed(list(range(-60, 75)), promise_days, late=135)
    assert months_of(rows, datetime(2026, 3, 10, tzinfo=UTC)) == months


def test_months_after_the_last_order_are_not_judged() -> None:
    rows = placed(list(range(-60, 20)), 1, late=80)
    assert months_of(rows, datetime(2026, 9, 1, tzinfo=UTC)) == ["2025-11", "2025-12"]


def test_months_are_added_until_enough_late_orders_are_in_them() -> None:
    rows = placed(list(range(-200, 75)), 1, late=190)
    until = datetime(2026, 3, 10, tzinfo=UTC)
    assert months_of(rows, until, enough_late=1)[0] == "2025-12"
    assert months_of(rows, until, enough_late=40)[0] == "2025-11"
    assert months_of(rows, until, enough_late=40, most_months=3)[0] == "2025-12"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cheap(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def recipe(workspace: Path) -> Recipe:
    loaded, _ = recipes.load("at_risk", workspace)
    return loaded.model_copy(update={"landmarks": (MilestoneKind(LANDMARK),)})


@pytest.fixture(scope="module")
def prepared(sample_home: Path, workspace: Path, recipe: Recipe) -> Prepared:
    return prepare(sample_home, recipe, workspace=workspace)


@pytest.fixture(scope="module")
def months(prepared: Prepared) -> list[str]:
    return evaluation_months(
        prepared.data[0].rows, prepared.known_until, prepared.time_zone, Evaluation(months=2)
    )


@pytest.fixture(scope="module")
def frame(prepared: Prepared, recipe: Recipe, months: list[str]) -> pd.DataFrame:
    return evaluate_months(prepared, recipe, months)


def of_month(frame: pd.DataFrame, month: str) -> pd.DataFrame:
    rows = frame[(frame["month"] == month) & (frame["landmark"] == LANDMARK)]
    return rows.set_index("order_id").sort_index()


def test_deleting_what_was_known_after_a_month_changes_no_prediction_of_that_month(
    sample_home: Path,
    workspace: Path,
    recipe: Recipe,
    frame: pd.DataFrame,
    months: list[str],
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    month = months[0]
    cut = month_start(next_month(month), prepared.time_zone)
    original = Log.read
    monkeypatch.setattr(Log, "read", lambda self: original(self, before=cut))
    truncated = prepare(sample_home, recipe, workspace=workspace)
    assert truncated.history.orders["record_time"].max() < cut
    assert len(truncated.history.orders) < len(prepared.history.orders)
    then = of_month(evaluate_months(truncated, recipe, [month]), month)
    now = of_month(frame, month)
    assert 100 < len(then) < len(now)
    both = now.loc[then.index]
    pd.testing.assert_frame_equal(both[["as_of", *PREDICTORS]], then[["as_of", *PREDICTORS]])


def expected_rows(history: History, known_until: int) -> pd.DataFrame:
    """Every dispatched order by plain pandas: when, whether it is judged, whether it was late."""
    milestones = history.milestones.pivot(index="order_id", columns="milestone")
    known, event = milestones["record_time"], milestones["event_time"]
    rows = history.orders.set_index("order_id")[["promised_by"]].join(
        pd.DataFrame(
            {
                "as_of": known[LANDMARK],
                "known": known["delivered"].fillna(np.inf),
                "delivered": event["delivered"].fillna(np.inf),
                "cancelled": known["order_cancelled"].fillna(np.inf),
            }
        )
    )
    ends = rows[["promised_by", "known", "cancelled"]].min(axis=1)
    rows["judged"] = (rows["as_of"] < ends) & (rows["promised_by"] <= known_until)
    rows["judged"] &= np.isinf(rows["cancelled"])
    rows["late"] = (rows["delivered"] >= rows["promised_by"]).astype(int)
    return rows


def test_the_tested_rows_are_the_dispatches_of_the_month_whose_promise_has_passed(
    frame: pd.DataFrame, months: list[str], prepared: Prepared, sample_history: History
) -> None:
    rows = expected_rows(sample_history, prepared.known_until)
    for month in months:
        start = month_start(month, prepared.time_zone)
        end = month_start(next_month(month), prepared.time_zone)
        expected = rows[rows["judged"] & (rows["as_of"] >= start) & (rows["as_of"] < end)]
        tested = of_month(frame, month)
        assert len(tested) > 300
        assert sorted(tested.index) == sorted(expected.index)
        expected = expected.loc[tested.index]
        assert (tested["late"] == expected["late"]).all()
        assert (tested["as_of"] == expected["as_of"]).all()
        assert (tested["delivered"] == (expected["known"] < prepared.known_until)).all()
    assert 0.02 < frame["late"].mean() < 0.6


def log_loss(frame: pd.DataFrame, predictor: str) -> float:
    p = frame[predictor].to_numpy()
    return float(-np.log(np.where(frame["late"] == 1, p, 1 - p)).mean())


def test_even_a_small_model_beats_the_base_rate_and_ranks_late_orders_first(
    frame: pd.DataFrame,
) -> None:
    assert log_loss(frame, "model") < 0.97 * log_loss(frame, "constant")
    ranks = frame["model"].rank()
    late = frame["late"] == 1
    n = late.sum()
    auc = (ranks[late].sum() - n * (n + 1) / 2) / (n * (len(frame) - n))
    assert auc > 0.65


def test_every_prediction_is_a_probability(frame: pd.DataFrame) -> None:
    p = frame[PREDICTORS].to_numpy()
    assert ((p > 0) & (p < 1)).all()
    assert not frame.duplicated(["order_id", "landmark", "as_of"]).any()
