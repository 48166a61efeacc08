"""By how many days an order is late if it is late, read off the same distribution as p(late)."""

from __future__ import annotations

import math

import numpy as np

from triage.features.compile import Floats
from triage.models.at_risk import Curves, Prediction, Stage, delay_at, gaps_of
from triage.models.spread import NO_MOVES, Moved, Moves

_LEAST = 1e-6


def late_by(
    stage: Stage, curves: Curves, x: Floats, promise_days: float, said: Prediction,
    moves: Moves = NO_MOVES, quantiles: tuple[float, float] = (0.1, 0.9),
) -> tuple[float, float]:  # fmt: skip
    """Return the range of the delay of an order among futures in which it is late, in days.

    Of the futures in which it is not there at the promise, a share of 1 - q is not there some days
    later either: that is where survival is (1 - q) times what it is at the promise.

    Args:
        stage: the landmark's model.
        curves: the survival curves in force.
        x: (inputs,) feature values bound by `stage.numbers.inputs`.
        promise_days: days from the landmark to promise + tolerance (> 0).
        said: what the model said of the same order, whose promise has not passed.
        moves: by how much the quantiles of its times are moved.
        quantiles: of the delay; half of what is not between them lies on each side.

    Returns:
        Days after promise + tolerance, both at least 0.
    """
    time = stage.times.explain_one(x, np.empty(len(stage.numbers.inputs), dtype=np.float64))
    middle = stage.numbers.offset * math.log1p(promise_days) + time
    scale = Moved.of(gaps_of(curves.times), moves)
    at_promise = min(max(said.p_late - said.waiting_effect, _LEAST), 1.0 - _LEAST)
    low, high = (
        delay_at(
            curves.times, scale, middle, promise_days, at_promise, (1.0 - quantile) * at_promise
        )
        for quantile in quantiles
    )
    return low, high
