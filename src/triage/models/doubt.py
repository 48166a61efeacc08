"""How sure a probability itself is, and whether an order is like those the model learnt from.

Doubt: Venn-Abers bounds (Vovk & Petej 2014). Isotonic calibration on past outcomes is fitted twice,
once as if the order in question turned out on time and once as if late; where outcomes are few or
disagree the two differ. They are computed on the grid of the survival curve, so an answer looks
them up. Support: how many inputs lie outside the range of nearly all training rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage.features.compile import Floats
from triage.models.survival import GRID_FROM, GRID_POINTS, GRID_TO, logit

_TAIL = 0.001
_USUAL_ROWS = 0.995


def venn_abers(z: Floats, late: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the lower and upper bound of p(late) at every point of the grid, (GRID_POINTS,) each.

    Args:
        z: (n,) standardised gaps at the promise of settled orders; outcomes are pooled by the
            nearest point of the grid.
        late: (n,) whether each was late.
    """
    step = (GRID_TO - GRID_FROM) / (GRID_POINTS - 1)
    place = np.clip(np.rint((z - GRID_FROM) / step), 0, GRID_POINTS - 1).astype(np.int64)
    rows = np.bincount(place, minlength=GRID_POINTS).astype(np.float64)
    lates = np.bincount(place, late, GRID_POINTS).astype(np.float64)
    low, high = np.empty(GRID_POINTS), np.empty(GRID_POINTS)
    for at in range(GRID_POINTS):
        rows[at] += 1
        low[at] = _falling(lates, rows)[at]
        lates[at] += 1
        high[at] = _falling(lates, rows)[at]
        rows[at] -= 1
        lates[at] -= 1
    return low, high


def margins(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the bounds as distances on the logit scale from the probability that merges them.

    The merged probability is high / (1 - low + high), the minimax choice for log loss.
    """
    merged = logit(high / (1.0 - low + high))
    return np.maximum(merged - logit(low), 0.0), np.maximum(logit(high) - merged, 0.0)


def _falling(lates: Floats, rows: Floats) -> Floats:
    """Return the best non-increasing shares for counts by z (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - only training fits

    used = rows > 0
    fitted = isotonic_regression(lates[used] / rows[used], weights=rows[used], increasing=False)
    found = np.full(len(rows), np.nan)
    found[used] = fitted.x
    return found


def usual_range(x: Floats) -> tuple[Floats, Floats, int]:
    """Return the range of each input over nearly all rows, and how many may lie outside it.

    Args:
        x: (n, inputs) training rows; NaN where a value is missing.

    Returns:
        (inputs,) lower and upper ends (infinite for an input without values), and the number of
        inputs outside that nearly every training row keeps below.
    """
    low, high = np.full(x.shape[1], -np.inf), np.full(x.shape[1], np.inf)
    for at, column in enumerate(x.T):
        known = column[~np.isnan(column)]
        if len(known):
            low[at], high[at] = np.quantile(known, [_TAIL, 1 - _TAIL])
    outside = ((x < low) | (x > high)).sum(axis=1)
    return low, high, int(np.quantile(outside, _USUAL_ROWS)) if len(x) else 0
