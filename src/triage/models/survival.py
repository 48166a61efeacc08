"""One curve answers everything: P(T > t) as a function of the standardised gap z.

The curve is carried as plain numbers: logits of survival on an even grid of z, falling strictly.
p(late), delay quantiles and the update while an order waits are read off the same numbers, so they
cannot contradict each other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from operator import neg

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GRID_FROM, GRID_TO, GRID_POINTS = -3.0, 3.0, 241
_LOGIT_LIMIT = 9.0
_LEAST_SLOPE = 1e-3


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """P(T > t) by z = log1p(t) - mu, as logits on an even grid; linear between and beyond."""

    start: float
    step: float
    logits: tuple[float, ...]

    @classmethod
    def of(cls, survival: Floats) -> SurvivalCurve:
        """Make a curve from survival on the grid (GRID_POINTS,), forced to fall strictly."""
        logits = np.clip(logit(survival), -_LOGIT_LIMIT, _LOGIT_LIMIT)
        step = (GRID_TO - GRID_FROM) / (GRID_POINTS - 1)
        falling = np.minimum.accumulate(logits)
        falling = falling - np.arange(GRID_POINTS) * _LEAST_SLOPE * step
        return cls(GRID_FROM, step, tuple(float(v) for v in falling))

    def later(self, by: float) -> SurvivalCurve:
        """Return the curve of times that are longer by so much on the log scale."""
        return SurvivalCurve(self.start + by, self.step, self.logits)

    def at(self, z: float) -> float:
        """Return survival at one z."""
        return 1.0 / (1.0 + math.exp(-self._logit_at(z)))

    def many(self, z: Floats) -> Floats:
        """Return survival at each z, equal to `at` up to rounding."""
        place = (z - self.start) / self.step
        low = np.clip(np.floor(place).astype(np.int64), 0, len(self.logits) - 2)
        logits = np.array(self.logits)
        value = logits[low] + (place - low) * (logits[low + 1] - logits[low])
        survival: Floats = 1.0 / (1.0 + np.exp(-np.clip(value, -40.0, 40.0)))
        return survival

    def inverse(self, survival: float) -> float:
        """Return the z at which survival falls to a value strictly between 0 and 1."""
        wanted = math.log(survival / (1.0 - survival))
        above = bisect_right(self.logits, -wanted, key=neg)  # logits fall, so negated they rise
        low = min(max(above - 1, 0), len(self.logits) - 2)
        slope = self.logits[low + 1] - self.logits[low]
        return self.start + self.step * (low + (wanted - self.logits[low]) / slope)

    def _logit_at(self, z: float) -> float:
        place = (z - self.start) / self.step
        low = min(max(math.floor(place), 0), len(self.logits) - 2)
        here, there = self.logits[low], self.logits[low + 1]
        return min(max(here + (place - low) * (there - here), -40.0), 40.0)


def grid() -> Floats:
    """Return the z values of the grid."""
    return np.linspace(GRID_FROM, GRID_TO, GRID_POINTS)


def logit(p: Floats) -> Floats:
    """Return log(p / (1 - p)), with p held away from 0 and 1."""
    held: Floats = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(held / (1 - held))


def kaplan_meier(
    z: Floats, observed: npt.NDArray[np.bool_], weight: Floats, at: Floats, *, bandwidth: float
) -> Floats:
    """Return weighted Kaplan-Meier survival, smoothed by a narrow Gaussian (Kaplan & Meier 1958).

    Args:
        z: (n,) standardised residuals; for open orders of the time waited so far.
        observed: (n,) whether the delivery was observed (else censored).
        weight: (n,) positive weights.
        at: (m,) where to evaluate.
        bandwidth: standard deviation of the smoothing, in units of z.
    """
    by_z = np.lexsort((~observed, z))
    z, observed, weight = z[by_z], observed[by_z], weight[by_z]
    at_risk = np.cumsum(weight[::-1])[::-1]
    factors = np.where(observed, 1.0 - weight / (at_risk + 1e-12), 1.0)
    survival = np.maximum(np.cumprod(factors), 1e-5)
    knots = z[observed]
    values = np.concatenate([[1.0], survival[observed]])
    offsets = np.linspace(-2.0, 2.0, 9)
    kernel = np.exp(-0.5 * offsets**2)
    kernel /= kernel.sum()
    smooth = np.zeros(len(at))
    for offset, share in zip(offsets, kernel, strict=True):
        smooth += share * values[np.searchsorted(knots, at + offset * bandwidth, side="right")]
    return smooth


def fit_logistic(
    x: Floats, y: Floats, weight: Floats | None = None, *, ridge: float = 1e-3
) -> tuple[float, float]:
    """Return intercept and slope of a one-variable logistic regression (Newton's method).

    Args:
        x: (n,) the variable.
        y: (n,) 0 or 1.
        weight: (n,) positive weights; None weighs all alike.
        ridge: penalty on the squared slope.
    """
    weight = np.ones(len(y)) if weight is None else weight
    design = np.column_stack([np.ones(len(y)), x])
    penalty = np.diag([1e-9, ridge])
    beta = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weight * (y - p)) - penalty @ beta
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1])
