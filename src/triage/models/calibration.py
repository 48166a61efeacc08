"""Keeping the survival curve current: recent residuals, open orders included.

Labels come weeks late; residuals of orders that are still open bring bad news at once. The curve is
a pure function of records before a moment, bundle and moment: a replay gives it bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats
from triage.models.at_risk import Calibration
from triage.models.landmarks import Rows
from triage.models.survival import SurvivalCurve, fit_logistic, grid, kaplan_meier, logit
from triage.models.trees import TreeEnsemble

_LEAST_EVENTS = 50.0


@dataclass(frozen=True, slots=True)
class Residuals:
    """Landmark rows with the location that the trees in force give each.

    Residuals of the same trees are used throughout: those of older trees, though out of sample, are
    off by what the refit learnt, which cost more than the slight narrowness of fitted ones.

    Attributes:
        rows: n rows of one landmark, sorted by moment.
        mu: (n,) predicted location on the log-days scale.
    """

    rows: Rows
    mu: Floats

    def promise_z(self) -> Floats:
        """Return the standardised gap at the promise, (n,)."""
        return np.log1p(self.rows.promise_days()) - self.mu


def residuals(rows: Rows, trees: TreeEnsemble, x: Floats, offset: float) -> Residuals:
    """Return the rows with their location mu = trees(x) + offset x log(1 + days to the promise)."""
    return Residuals(rows, trees.predict(x) + offset * np.log1p(rows.promise_days()))


def slow_logistic(past: Residuals, moment: int, settings: Calibration) -> tuple[float, float]:
    """Return intercept and slope of late ~ z over the cohorts that matured in the last months.

    Args:
        past: residuals.
        moment: what is known before this moment counts (UTC micros).
        settings: how far back (`logistic_days`).
    """
    rows = past.rows
    mature = rows.mature(moment)
    mature &= rows.as_of > moment - round(settings.logistic_days * MICROS_PER_DAY)
    if mature.sum() < _LEAST_EVENTS:
        return 0.0, -1.0
    late = rows.take(mature).known_late(moment).astype(np.float64)
    intercept, slope = fit_logistic(past.promise_z()[mature], late)
    return intercept, min(slope, -0.05)


def recent_curve(
    past: Residuals, moment: int, logistic: tuple[float, float], settings: Calibration
) -> SurvivalCurve:
    """Return the survival curve as of a moment.

    Weighted Kaplan-Meier on the residuals of the last `window_days` (weights halve every
    `half_life_days`; orders still open enter as censored at the time they have waited), averaged on
    the logit scale with the slow logistic: `share_recent` of the former, by landmark.

    Args:
        past: residuals.
        moment: what is known before this moment counts (UTC micros).
        logistic: intercept and slope of the slow part.
        settings: windows, half-life, smoothing and share.
    """
    z = grid()
    slow = logistic[0] + logistic[1] * z
    low = int(np.searchsorted(past.rows.as_of, moment - settings.window_days * MICROS_PER_DAY))
    high = int(np.searchsorted(past.rows.as_of, moment))
    recent = past.rows.take(np.arange(low, high))
    mu = past.mu[low:high]
    kept = recent.cancelled_known >= moment
    recent, mu = recent.take(kept), mu[kept]
    days, observed = recent.waited_days(moment)
    age = (moment - recent.as_of) / MICROS_PER_DAY
    weight = 0.5 ** (age / settings.half_life_days)
    if weight[observed].sum() < _LEAST_EVENTS:
        return SurvivalCurve.of(1.0 / (1.0 + np.exp(-slow)))
    fast = kaplan_meier(np.log1p(days) - mu, observed, weight, z, bandwidth=settings.bandwidth)
    share = settings.share_recent[past.rows.landmark]
    return SurvivalCurve.of(1.0 / (1.0 + np.exp(-((1 - share) * slow + share * logit(fast)))))
