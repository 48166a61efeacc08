"""How many more orders than usual there are: a surge slows everybody before any outcome shows it.

Residuals tell of a peak only once deliveries fail to come. The load is known at once: the log of
orders that reached a stage in the last week against those of the last eight. As a queue lengthens
with its arrivals, log times are taken to rise in proportion; the factor is a setting, since a
company may train on calm months alone.
"""

from __future__ import annotations

import numpy as np

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats, Ints

_RECENT_DAYS, _USUAL_DAYS, _LEAST_DAYS = 7, 56, 28
_PRIOR = 10.0
_MOST = 1.0


def surge(reached: Ints, moments: Ints) -> Floats:
    """Return log(orders of the last week / those of a usual week) at each moment, (n,).

    Each is as of the start of its day, between -1 and 1, drawn towards 0 where orders are few; 0
    within the first weeks of the log.

    Args:
        reached: (m,) when orders reached the stage, sorted (UTC micros).
        moments: (n,) only what was reached before each counts (UTC micros).
    """
    if not len(reached):
        return np.zeros(len(moments))
    begins = moments // MICROS_PER_DAY * MICROS_PER_DAY
    before = np.searchsorted(reached, begins)
    week, usual = (
        before - np.searchsorted(reached, begins - days * MICROS_PER_DAY)
        for days in (_RECENT_DAYS, _USUAL_DAYS)
    )
    known_days = np.minimum((begins - reached[0]) / MICROS_PER_DAY, _USUAL_DAYS)
    expected = usual * _RECENT_DAYS / np.maximum(known_days, 1.0)
    ratio = np.log((week + _PRIOR) / (expected + _PRIOR))
    held: Floats = np.where(known_days < _LEAST_DAYS, 0.0, np.clip(ratio, -_MOST, _MOST))
    return held
