"""What the light model of `value` learns from: situations of a run in which nobody acted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from benchmarks.value_model import INPUTS, Floats, Model, View
from triage.simulation.calendar import DAY, Ints
from triage.simulation.economics import LONGEST_DAYS
from triage.simulation.policies import Situation

_CATEGORICAL = ["site", "service", "carrier", "channel", "tier", "stage"]
_PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 60, "feature_fraction": 0.7,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5.0, "seed": 1, "num_threads": 1,
    "deterministic": True, "verbosity": -1,
}  # fmt: skip
_ROUNDS = 220
_UP = ("road", "held", "short", "priority", "ahead", "unchecked", "waiting", "desk", "slow")
_DOWN = ("left", "to_ship", "slack", "road_left", "cover", "due_left")
_MONOTONE = [(name in _UP) - (name in _DOWN) for name in INPUTS]
"""What can only make an order later, or less late: other ways change these inputs."""


@dataclass(slots=True)
class Lessons:
    """Rows seen while nobody acted: inputs, and which order each is of."""

    x: list[Floats]
    order: list[Ints]
    until: int

    def watch(self, now: Situation) -> tuple[()]:
        """Note what a situation shows, as a policy that proposes nothing."""
        if now.now < self.until * DAY:
            view = View(now)
            here = np.flatnonzero((now.orders.promised[now.order] + 1) * DAY > now.now)
            here = here[(here + now.now // DAY) % 2 == 0]
            self.x.append(view.features(view.state.at(here)).astype(np.float32))
            self.order.append(now.order[here])
        return ()

    def learn(self, promised: Ints, delivered: Ints) -> Model:
        """Fit on orders whose outcome was known by the last day, each of which counts once.

        Args:
            promised: (n,) promised day of every order.
            delivered: (n,) minute; later than the last day counts as not known.
        """
        order = np.concatenate(self.order)
        x = np.concatenate(self.x)
        known = promised[order] + LONGEST_DAYS + 2 <= self.until
        order, x = order[known], x[known]
        days = np.clip(delivered[order] // DAY - promised[order], 0, LONGEST_DAYS)
        late, once = days > 0, 1.0 / np.bincount(order)[order]
        once *= len(once) / once.sum()
        return Model(
            _fitted(x, late, once, "binary"),
            _fitted(x[late], days[late], once[late], "regression", rounds=80),
        )


def _fitted(
    x: npt.NDArray[Any], y: npt.NDArray[Any], weight: Floats, objective: str, rounds: int = _ROUNDS
) -> lgb.Booster:
    data = lgb.Dataset(
        x, y.astype(float), weight=weight, feature_name=INPUTS, categorical_feature=_CATEGORICAL,
        free_raw_data=True,
    )  # fmt: skip
    own = {"objective": objective, "monotone_constraints": _MONOTONE}
    return lgb.train(_PARAMETERS | own, data, rounds)
