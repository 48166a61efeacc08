"""Which causes the excess risk of an order is put down to: exact effects, by cause.

Effects of one cause are summed; what remains above zero is its part of the excess. Inputs that
only say how time goes by (since a milestone, until the promise) and the waiting name no cause by
themselves: their effect goes to the steps of this order that took longer than usual, as far as
these days have used up what the promise leaves beside the usual steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np

from triage.advice.assessment import CauseShare
from triage.advice.steps import Delays
from triage.features.compile import FeatureSet, Floats, Slot
from triage.features.declarations import Cause
from triage.models.landmarks import WAITING

CAUSES: tuple[Cause, ...] = get_args(Cause)
_PLACE = {cause: at for at, cause in enumerate(CAUSES)}
_THOUSAND = 1000
_PASSING = {
    "hours_since", "log_days_since", "hours_until", "days_until", "log_days_until",
    "workdays_until", "holidays_until", "worktime_until", "worktime_since",
}  # fmt: skip


class Causes:
    """Puts the effects of one landmark's model down to causes.

    Args:
        landmark: its name.
        inputs: names of its inputs.
        features: the features as compiled.
    """

    def __init__(self, landmark: str, inputs: Sequence[str], features: FeatureSet) -> None:
        slots = {slot.name: slot for slot in features.slots}
        concepts = features.declarations.concepts
        self._waiting = landmark.endswith(WAITING)
        time_goes_by = len(CAUSES)
        self._groups = np.array(
            [
                time_goes_by
                if concepts[slots[name].concept].cause == "promise" or _passes(slots[name], slots)
                else _PLACE[concepts[slots[name].concept].cause]
                for name in inputs
            ],
            dtype=np.int64,
        )

    def shares(
        self, effects: Floats, promise_effect: float, waiting_effect: float, delays: Delays
    ) -> tuple[CauseShare, ...]:
        """Return the shares, largest first; they sum to 1, or there are none.

        Args:
            effects: (inputs,) exact effects as `models.at_risk.Prediction` has them; any unit does.
            promise_effect: effect of the promise beyond the inputs, in the same unit.
            waiting_effect: effect of having waited, in the same unit.
            delays: what the order's steps took by then.
        """
        n = len(CAUSES)
        sums: list[float] = np.bincount(self._groups, effects, n + 1).tolist()
        gone = sums.pop() + promise_effect + waiting_effect
        harm = [max(effect, 0.0) for effect in sums]
        if gone > 0:
            self._put_down(gone, waiting_effect, delays, harm)
        return _in_thousandths(harm)

    def _put_down(self, gone: float, waiting: float, delays: Delays, harm: list[float]) -> None:
        """Add the effect of time that goes by to the steps, the promise and the present step."""
        total = sum(delays.beyond.values())
        used = min(1.0, total / delays.buffer) if delays.buffer > total else float(total > 0)
        for cause, days in delays.beyond.items():
            harm[_PLACE[cause]] += gone * used * days / total
        left = gone * (1.0 - used)
        present = left if self._waiting else min(left, max(waiting, 0.0))
        harm[_PLACE[delays.following]] += present
        harm[_PLACE["promise"]] += left - present


def _passes(slot: Slot, slots: dict[str, Slot]) -> bool:
    if slot.feature.row is not None:
        return slot.feature.row in _PASSING
    return slot.feature.derive is not None and any(_passes(slots[name], slots) for name in slot.of)


def _in_thousandths(harm: list[float]) -> tuple[CauseShare, ...]:
    """Return shares that sum to 1 in whole thousandths: largest remainders are rounded up."""
    whole = sum(harm)
    if not whole > 0:
        return ()
    exact = [_THOUSAND * part / whole for part in harm]
    parts = [int(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: parts[at] - exact[at])
    for at in by_remainder[: _THOUSAND - sum(parts)]:
        parts[at] += 1
    largest = sorted(range(len(parts)), key=lambda at: (-parts[at], at))
    return tuple(CauseShare(CAUSES[at], parts[at] / _THOUSAND) for at in largest if parts[at])
