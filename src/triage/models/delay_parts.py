"""What the middle of an order's delivery is made of, in days against its promise.

The trees of the times give a location with exact Shapley values; days are a smooth function of it
and of the promise. What leads from a typical order to this one is shared out along the straight
path between them (Aumann-Shapley), so it adds up by construction, as the shares of p(late) do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from triage.features.compile import Floats
from triage.models.at_risk import Curves, Prediction, Stage, fresh_delays
from triage.models.spread import NO_MOVES, Moves


@dataclass(frozen=True, slots=True)
class DelayParts:
    """Parts of the p50 of delivery against the promise, in days (positive: later).

    What they leave of the p50 comes from where the order goes (`spread`) and from holding the
    times to p(late).

    Attributes:
        typical: of a typical order at this stage.
        effects: (inputs,) what each input adds.
        promise: what this promise adds: a day more until it is a day less of delay, less what the
            promise tells of the time that is needed.
        waiting: what having waited without delivery adds.
    """

    typical: float
    effects: Floats
    promise: float
    waiting: float


def delay_parts(
    stage: Stage, curves: Curves, x: Floats, promise_days: float, said: Prediction,
    moves: Moves = NO_MOVES,
) -> DelayParts:  # fmt: skip
    """Share out the p50 of an order's delivery.

    Args:
        stage: the landmark's model.
        curves: the survival curves in force.
        x: (inputs,) feature values bound by `stage.numbers.inputs`.
        promise_days: days from the landmark to promise + tolerance (> 0).
        said: what the model said of the same order with the same curves and moves.
        moves: by how much the quantiles of its times are moved.
    """
    numbers = stage.numbers
    shares = np.empty(len(numbers.inputs), dtype=np.float64)
    time = stage.times.explain_one(x, shares)
    gap = curves.times.inverse(0.5)
    usual, own = numbers.typical_promise, math.log1p(promise_days)
    begins = numbers.offset * usual + time - float(shares.sum()) + gap
    ends = numbers.offset * own + time + gap + moves[1]
    typical, days = math.expm1(begins), math.expm1(ends)
    apart = ends - begins
    per_unit = (days - typical) / apart if abs(apart) > 1e-9 else math.exp(begins)
    moved = per_unit * numbers.offset * (own - usual)
    waiting = 0.0
    if said.waiting_effect != 0.0:
        middle = np.array([numbers.offset * own + time])
        fresh = np.array([said.p_late - said.waiting_effect])
        held = fresh_delays(
            curves.times, middle, np.array([promise_days]), fresh, np.array([moves])
        )
        waiting = said.delay_days[1] - float(held[0, 1])
    return DelayParts(
        typical - math.expm1(usual), per_unit * shares,
        moved - (promise_days - math.expm1(usual)), waiting,
    )  # fmt: skip
