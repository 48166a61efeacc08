"""Figures of a run that only its page shows: capacity, cost, coverage, slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.training import metrics

Floats = npt.NDArray[np.float64]

NOT_PREDICTORS = frozenset(
    {"promise_days", "delay_days", "delay_p10", "delay_p50", "delay_p90", "delay_rule"}
)
SEGMENTS = ("site", "region", "destination_region", "carrier")
CAPACITIES = (0.01, 0.02, 0.05, 0.1, 0.2)
COST_RATIOS = (2, 5, 10, 20, 50)
PROMISE_DAYS = (0, 1, 2, 4, 7, 14, 21, 30, math.inf)
_ORDER = ("model", "rule", "logistic", "constant")
_LEAST_FLAGGED = 25  # fewer flagged orders (or a fortieth of the rows) say little about precision


def predictors(frame: pd.DataFrame) -> list[str]:
    """Return the predictors of a prediction frame, the model first."""
    found = [name for name in metrics.predictors(frame) if name not in NOT_PREDICTORS]
    return sorted(found, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def wilson(hits: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) without rows."""
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def recall_at(late: npt.ArrayLike, p: npt.ArrayLike, share: float) -> float:
    """Return the share of the late orders in the riskiest `share` (rounded up); NaN if none is.

    Rows with the same probability share their outcomes, so the order of the rows is no matter.
    """
    outcome, chance = np.asarray(late, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if not outcome.sum():
        return float("nan")
    order = np.argsort(-chance, kind="stable")
    _, ties = np.unique(-chance[order], return_inverse=True)
    shared = (np.bincount(ties, outcome[order]) / np.bincount(ties))[ties]
    return float(shared[: math.ceil(share * len(shared))].sum() / outcome.sum())


def precision_recall(late: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return recall and precision by threshold, highest first, without the first few orders."""
    flagged, found = _flagged(late, p)
    kept = flagged >= min(_LEAST_FLAGGED, flagged[-1] / 40)
    return found[kept] / max(found[-1], 1.0), found[kept] / flagged[kept]


@dataclass(frozen=True, slots=True)
class Threshold:
    """What alerting from the best threshold on would have cost, in alerts, per 1,000 orders.

    Attributes:
        ratio: what a missed late order costs, in alerts.
        p: the threshold; infinite if no alert at all is best.
        flagged: share of the orders that get an alert.
        found: share of the late orders among them; NaN if none was late.
        cost: alerts + ratio x missed late orders, per 1,000 orders.
        blind: the same for the better of no alert and an alert for every order.
    """

    ratio: float
    p: float
    flagged: float
    found: float
    cost: float
    blind: float


def cost_curve(late: npt.ArrayLike, p: npt.ArrayLike, ratio: float) -> tuple[Floats, Floats]:
    """Return share of orders with an alert (rising from 0), and cost per 1,000 orders."""
    flagged, found = _flagged(late, p)
    n, total = flagged[-1], found[-1]
    cost = np.concatenate([[ratio * total], flagged + ratio * (total - found)])
    return np.concatenate([[0.0], flagged / n]), 1000 * cost / n


def best_threshold(late: npt.ArrayLike, p: npt.ArrayLike, ratio: float) -> Threshold:
    """Return the threshold at which alerts and missed late orders cost least together."""
    share, cost = cost_curve(late, p, ratio)
    at = int(cost.argmin())
    chance = np.sort(np.unique(np.asarray(p, dtype=np.float64)))[::-1]
    _, found = _flagged(late, p)
    total = found[-1]
    recall = float("nan") if not total else (float(found[at - 1] / total) if at else 0.0)
    threshold = float(chance[at - 1]) if at else math.inf
    return Threshold(
        ratio, threshold, float(share[at]), recall, float(cost[at]), float(min(cost[0], 1000.0))
    )


def _flagged(late: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return orders and late orders at or above each distinct probability, highest first."""
    outcome, chance = np.asarray(late, dtype=np.float64), np.asarray(p, dtype=np.float64)
    _, ties = np.unique(-chance, return_inverse=True)
    return (
        np.cumsum(np.bincount(ties)).astype(np.float64),
        np.cumsum(np.bincount(ties, outcome)).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often delivered orders came within what was said of them: n, and how many."""

    n: int
    below_p90: int
    within: int


def coverage(rows: pd.DataFrame) -> Coverage:
    """Return coverage of p90 and of p10 to p90 by the delivered orders of a prediction frame."""
    known = rows[rows["delay_days"].notna() & rows["delay_p90"].notna()]
    below = known["delay_days"] <= known["delay_p90"]
    within = below & (known["delay_days"] >= known["delay_p10"])
    return Coverage(len(known), int(below.sum()), int(within.sum()))


def delay_errors(rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean absolute error of the delay in days by who says it; delivered orders only."""
    known = rows[rows["delay_days"].notna()]
    said: dict[str, pd.Series[float] | float] = {"model": known["delay_p50"], "promise": 0.0}
    if "delay_rule" in known:
        said["rule"] = known["delay_rule"]
    return {who: float((known["delay_days"] - days).abs().mean()) for who, days in said.items()}


def promise_buckets(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the bucket of days to the promise of each row, an ordered category."""
    edges = PROMISE_DAYS
    names = [
        f"{low} to {high} days" if high < math.inf else f"{low} days or more"
        for low, high in pairwise(edges)
    ]
    return pd.cut(rows["promise_days"], edges, right=False, labels=names)


def segments(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a prediction frame that name a segment of at least two values."""
    return [name for name in SEGMENTS if name in frame and frame[name].nunique() > 1]


def landmark_title(landmark: str) -> str:
    """Return a landmark in words."""
    stage, _, waiting = landmark.partition(":")
    return stage.replace("_", " ") + (f", {waiting}" if waiting else "")


def capital(landmark: str) -> str:
    """Return a landmark in words, as they begin a line."""
    return landmark_title(landmark).capitalize()


def by_landmark(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each landmark of a prediction frame with its rows."""
    for landmark in metrics.landmarks(frame):
        yield landmark, frame[frame["landmark"] == landmark]


def by_value(rows: pd.DataFrame, column: str, most: int) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of the largest values of a column, and those of all others together."""
    counts = rows[column].value_counts()
    chosen = list(counts.index[:most])
    found = [(str(value), rows[rows[column] == value]) for value in chosen]
    others = rows[rows[column].notna() & ~rows[column].isin(chosen)]
    return [*found, (f"{len(counts) - most} others", others)] if len(others) else found


def shares(values: Sequence[float]) -> list[float]:
    """Return values as shares of the largest, for bars."""
    top = max(values, default=0.0)
    return [value / top if top > 0 else 0.0 for value in values]
