"""Keeping the survival curve current: recent residuals, open orders included.

Labels come weeks late; residuals of orders that are still open bring bad news at once, and a surge
of orders before any of them is open for long: what it explains (see `surge.py`) is taken out of the
residuals and put back as of the moment. The curve is a pure function of records before a moment,
bundle and moment: a replay gives it bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats, Ints
from triage.models.at_risk import Calibration
from triage.models.landmarks import Rows
from triage.models.surge import surge
from triage.models.survival import SurvivalCurve, fit_logistic, grid, kaplan_meier, logit
from triage.models.trees import TreeEnsemble

_LEAST_EVENTS = 50.0
_LEAST_SLOPE = -0.05
_LEAST_ORDERS_OF_A_KIND = 100
"""Late orders, and punctual ones, that the slow part wants: of few its level is mostly chance."""
_LEAST_OF_A_KIND = 5
TIMES_WEEK_DAYS = 7
"""Days over which curves of times are averaged."""


@dataclass(frozen=True, slots=True)
class Residuals:
    """Landmark rows with the location that the trees in force give each.

    Residuals of the same trees are used throughout: those of older trees, though out of sample, are
    off by what the refit learnt, which cost more than the slight narrowness of fitted ones.

    Attributes:
        rows: n rows of one landmark, sorted by moment.
        mu: (n,) predicted location on the log-days scale.
        reached: (m,) when orders reached the stage, sorted; None: no others than these rows.
    """

    rows: Rows
    mu: Floats
    reached: Ints | None = None

    def promise_z(self) -> Floats:
        """Return the standardised gap at the promise, (n,)."""
        return np.log1p(self.rows.promise_days()) - self.mu

    def slowed(self, moments: Ints, settings: Calibration) -> Floats:
        """Return by how much a surge of orders moves log times at each moment, (k,)."""
        if settings.surge == 0:
            return np.zeros(len(moments))
        reached = self.rows.as_of if self.reached is None else self.reached
        return settings.surge * surge(reached, moments)


def residuals(
    rows: Rows, trees: TreeEnsemble, x: Floats, offset: float, reached: Ints | None = None
) -> Residuals:
    """Return the rows with their location mu = trees(x) + offset x log(1 + days to the promise)."""
    return Residuals(rows, trees.predict(x) + offset * np.log1p(rows.promise_days()), reached)


def slow_logistic(past: Residuals, moment: int, settings: Calibration) -> tuple[float, float]:
    """Return intercept and slope of late ~ z over the cohorts that matured in the last months.

    Where promises are long or orders few, it reaches back until it has some hundred orders of each
    outcome; where hardly any was late (or on time), z says nothing and the level is that of all.

    Args:
        past: residuals.
        moment: what is known before this moment counts (UTC micros).
        settings: how far back (`logistic_days`), and when an open order counts as given up.
    """
    chosen = settled_rows(past.rows, moment, settings)
    late = past.rows.take(chosen).known_late(moment).astype(np.float64)
    if min(late.sum(), len(late) - late.sum()) < _LEAST_OF_A_KIND:
        share = (late.sum() + 0.5) / (len(late) + 1.0)
        return math.log(share / (1.0 - share)), _LEAST_SLOPE
    z = past.promise_z()[chosen] - past.slowed(past.rows.as_of[chosen], settings)
    intercept, slope = fit_logistic(z, late)
    return intercept, min(slope, _LEAST_SLOPE)


def settled_rows(rows: Rows, moment: int, settings: Calibration) -> Ints:
    """Return the settled rows of the last `logistic_days`, or as far back as it takes.

    It takes some hundred late orders and as many punctual ones, not rows: those of an order that
    waits share one outcome. Orders that count as given up by then are not among them.
    """
    settled = np.flatnonzero(rows.mature(moment) & ~rows.abandoned(moment, settings.abandoned_days))
    recent = rows.as_of[settled] > moment - round(settings.logistic_days * MICROS_PER_DAY)
    least = _newest_with_both(rows.take(settled), moment)
    return settled[len(settled) - max(int(recent.sum()), least) :]


def _newest_with_both(rows: Rows, moment: int) -> int:
    """Return how many of the newest rows hold enough orders of each outcome; all if they do not."""
    _, first = np.unique(rows.order[::-1], return_index=True)
    late = rows.known_late(moment)[::-1]
    places = (np.sort(first[late[first] == kind]) for kind in (True, False))
    return max(
        int(place[_LEAST_ORDERS_OF_A_KIND - 1]) + 1
        if len(place) >= _LEAST_ORDERS_OF_A_KIND
        else len(rows)
        for place in places
    )


def recent_curve(
    past: Residuals, moment: int, logistic: tuple[float, float], settings: Calibration
) -> SurvivalCurve:
    """Return the survival curve as of a moment.

    Weighted Kaplan-Meier on the residuals of the last `window_days` (weights halve every
    `half_life_days`; orders still open enter as censored at the time they have waited), averaged on
    the logit scale with the slow logistic: `share_recent` of the former.

    Args:
        past: residuals.
        moment: what is known before this moment counts (UTC micros).
        logistic: intercept and slope of the slow part.
        settings: windows, half-life, smoothing and share.
    """
    slow = logistic[0] + logistic[1] * grid()
    fast = recent_logits(past, moment, settings, settings.bandwidth)
    if fast is None or settings.share_recent == 0:
        return _in_force(slow, past, moment, settings)
    share = settings.share_recent
    return _in_force((1 - share) * slow + share * fast, past, moment, settings)


def _in_force(logits: Floats, past: Residuals, moment: int, settings: Calibration) -> SurvivalCurve:
    """Return the curve of logits on the grid, moved by the surge of the moment."""
    by = float(past.slowed(np.array([moment], dtype=np.int64), settings)[0])
    return SurvivalCurve.of(1.0 / (1.0 + np.exp(-logits))).later(by)


@dataclass(frozen=True, slots=True)
class RecentTimes:
    """Curves of times by moment: recent orders alone, averaged over a week.

    Nobody delivers on a Sunday, so the curve of one day alone swings with the day of the week.

    Attributes:
        past: residuals of the times.
        settings: windows, half-life and smoothing.
        every: days between the curves of the week that are averaged.
    """

    past: Residuals
    settings: Calibration
    every: int = 1
    _known: dict[int, Floats | None] = field(default_factory=dict)

    def at(self, moment: int) -> SurvivalCurve | None:
        """Return the curve as of a moment; None if too few orders arrived lately."""
        moments = [moment - ago * MICROS_PER_DAY for ago in range(0, TIMES_WEEK_DAYS, self.every)]
        if self._logits(moment) is None:
            return None
        known = [logits for logits in map(self._logits, moments) if logits is not None]
        survival = np.mean([1.0 / (1.0 + np.exp(-logits)) for logits in known], axis=0)
        return _in_force(logit(survival), self.past, moment, self.settings)

    def _logits(self, moment: int) -> Floats | None:
        if moment not in self._known:
            settings = self.settings
            faster = settings.model_copy(update={"half_life_days": settings.times_half_life_days})
            self._known[moment] = recent_logits(self.past, moment, faster, settings.times_bandwidth)
        return self._known[moment]


def usual_times(past: Residuals, moment: int, settings: Calibration) -> SurvivalCurve:
    """Return the curve of times of all orders so far, for when too few arrived lately."""
    rows = past.rows
    chosen = (rows.as_of < moment) & (rows.cancelled_known >= moment)
    chosen &= ~rows.abandoned(moment, settings.abandoned_days)
    days, observed = rows.take(chosen).waited_days(moment)
    weight = np.ones(int(chosen.sum()))
    z = np.log1p(days) - past.mu[chosen]
    return SurvivalCurve.of(
        kaplan_meier(z, observed, weight, grid(), bandwidth=settings.times_bandwidth)
    )


def recent_logits(
    past: Residuals, moment: int, settings: Calibration, bandwidth: float
) -> Floats | None:
    """Return the logits of recent survival on the grid; None if too few deliveries are recent."""
    low = int(np.searchsorted(past.rows.as_of, moment - settings.window_days * MICROS_PER_DAY))
    high = int(np.searchsorted(past.rows.as_of, moment))
    recent = past.rows.take(np.arange(low, high))
    mu = past.mu[low:high]
    kept = recent.cancelled_known >= moment
    recent, mu = recent.take(kept), mu[kept]
    days, observed = recent.waited_days(moment, recent.record_lag(moment))
    age = (moment - recent.as_of) / MICROS_PER_DAY
    weight = 0.5 ** (age / settings.half_life_days)
    if weight[observed].sum() < _LEAST_EVENTS:
        return None
    z = np.log1p(days) - mu - past.slowed(recent.as_of, settings)
    return logit(kaplan_meier(z, observed, weight, grid(), bandwidth=bandwidth))
