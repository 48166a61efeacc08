"""How good the best possible predictions are against what happened, without Monte Carlo noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, NEVER
from triage.simulation.ceiling import Ceiling
from triage.simulation.draws import Floats
from triage.simulation.sample import Simulated
from triage.training.metrics import score

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CeilingFigures:
    """Figures of a ceiling on a set of orders.

    Attributes:
        orders: how many.
        base_rate: share that was late: the PR-AUC of a guess.
        mean_p: mean chance; near the base rate if the chances are right.
        pr_auc, roc_auc: with all futures and none of their noise: extrapolated in 1 / futures.
        pr_auc_full, pr_auc_half: with all futures, and with half of them (mean of two halves).
        expected: PR-AUC that chances with this noise expect of themselves.
    """

    orders: int
    base_rate: float
    mean_p: float
    pr_auc: float
    roc_auc: float
    pr_auc_full: float
    pr_auc_half: float
    expected: float


def judged(done: Simulated, found: Ceiling) -> Bools:
    """Return (k,) which orders count: promise passed within the days, never cancelled, p known."""
    passed = done.orders.late_from[found.order] <= done.world.calendar.days * DAY
    kept = done.run.cancelled[found.order] >= NEVER
    return passed & kept & ~np.isnan(found.halves).any(axis=0)


def figures(found: Ceiling, late: Bools, chosen: Bools) -> CeilingFigures:
    """Return the figures of some of a ceiling's orders.

    An average over K futures has noise of variance proportional to 1 / K, and so has, to first
    order, what the noise takes from an area: twice the figure of K less that of K / 2 is free of it
    (Richardson's extrapolation).

    Args:
        found: chances of k orders.
        late: (k,) what happened.
        chosen: (k,) which of them; their p must be known.
    """
    outcome = late[chosen].astype(np.int64)
    full = score(outcome, found.p[chosen])
    halves = [score(outcome, half[chosen]) for half in found.halves]
    half_pr = float(np.mean([half.pr_auc for half in halves]))
    half_roc = float(np.mean([half.roc_auc for half in halves]))
    return CeilingFigures(
        orders=full.n,
        base_rate=full.base_rate,
        mean_p=full.mean_p,
        pr_auc=2 * full.pr_auc - half_pr,
        roc_auc=2 * full.roc_auc - half_roc,
        pr_auc_full=full.pr_auc,
        pr_auc_half=half_pr,
        expected=_expected(found.p[chosen]),
    )


def share_of_lift(base: float, model: float, best: float) -> float:
    """Return which share of the lift that can be had over the base rate a model has."""
    return (model - base) / (best - base) if best > base else float("nan")


def _expected(p: Floats, repeats: int = 20) -> float:
    """Return the mean PR-AUC of chances over outcomes drawn from them."""
    rng = np.random.default_rng(0)
    return float(
        np.mean(
            [score((rng.random(len(p)) < p).astype(np.int64), p).pr_auc for _ in range(repeats)]
        )
    )
