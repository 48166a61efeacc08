"""How good predicted probabilities are: one set of rows, and every predictor, landmark and month.

Every figure is free of the order of the rows: rows with the same probability share their outcomes,
so a figure is its mean over all orders of the ties.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

CLIP = 1e-6
BINS = 10
KEYS = ("order_id", "landmark", "as_of", "month", "late")
DELAYS = ("delay_p10", "delay_p50", "delay_p90")
BESIDE = ("promise_days", "delay_days", *DELAYS)
"""Columns of floats that are no predictors: days to the promise, delay and its quantiles (days)."""
POOLED = "pooled"
WITHIN_MONTH = "within_month"


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures of one predictor on one set of rows; NaN where the set does not define one.

    Attributes:
        n: rows.
        base_rate: share that was late.
        mean_p: mean probability.
        roc_auc: area under the ROC curve (chance that a late one is ranked above a punctual one).
        pr_auc: average precision.
        log_loss: natural logarithm, probabilities clipped to [1e-6, 1 - 1e-6].
        brier: mean squared error.
        ece: expected calibration error, 10 bins of equal count (Naeini et al. 2015).
        recall_at_10: share of the late ones found in the riskiest 10 % (rounded up).
    """

    n: int
    base_rate: float
    mean_p: float
    roc_auc: float
    pr_auc: float
    log_loss: float
    brier: float
    ece: float
    recall_at_10: float


NAMES = tuple(field.name for field in fields(Metrics))
_NONE = Metrics(0, *[float("nan")] * (len(NAMES) - 1))


def score(late: npt.ArrayLike, p: npt.ArrayLike) -> Metrics:
    """Return the figures of one set of rows.

    Args:
        late: (n,) 0 or 1.
        p: (n,) probabilities of being late.

    Raises:
        ValueError: if lengths differ, an outcome is not 0 or 1, or a probability is not in [0, 1].
    """
    outcome, chance = _checked(late, p)
    n = len(outcome)
    if n == 0:
        return _NONE
    order = np.argsort(-chance, kind="stable")
    chance, ties = chance[order], _ties(chance[order])
    shared = (np.bincount(ties, outcome[order]) / np.bincount(ties))[ties]
    total = outcome.sum()
    mixed = 0 < total < n
    return Metrics(
        n=n,
        base_rate=float(total / n),
        mean_p=float(chance.mean()),
        roc_auc=_roc_auc(shared, ties) if mixed else float("nan"),
        pr_auc=_average_precision(shared, ties) if mixed else float("nan"),
        log_loss=float(losses(shared, chance).mean()),
        brier=float((chance**2 - 2 * chance * shared + shared).mean()),
        ece=sum(abs(b.observed - b.predicted) * b.n for b in _bins(shared, chance)) / n,
        recall_at_10=float(shared[: (n + 9) // 10].sum() / total) if mixed else float("nan"),
    )


def losses(late: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Return the log loss of each row (natural logarithm, clipped)."""
    outcome = np.asarray(late, dtype=np.float64)
    chance = np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)
    return -(outcome * np.log(chance) + (1 - outcome) * np.log1p(-chance))


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability diagram: rows, mean probability, observed share."""

    n: int
    predicted: float
    observed: float


def reliability(late: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Bin, ...]:
    """Return 10 bins of equal count from the least to the most risky (fewer for under 10 rows)."""
    outcome, chance = _checked(late, p)
    order = np.argsort(-chance, kind="stable")
    chance, ties = chance[order], _ties(chance[order])
    shared = (np.bincount(ties, outcome[order]) / np.maximum(np.bincount(ties), 1))[ties]
    return tuple(reversed(_bins(shared, chance)))


def evaluate(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of every predictor, landmark and month of a prediction frame.

    Args:
        frame: one row an order and landmark: order_id, landmark, as_of (UTC micros), month
            ("2017-11"), late (0 or 1), and one column of probabilities (float) a predictor; whole
            numbers beside them are left alone.

    Returns:
        One row a predictor, landmark and month, with the fields of `Metrics`. Besides the months
        there are "pooled" (all rows) and "within_month" (the unweighted mean over the months that
        define the figure; `n` is then the number of rows of all months).
    """
    rows = []
    for landmark, own in frame.groupby("landmark", sort=False):
        for predictor in predictors(frame):
            monthly = [
                {"predictor": predictor, "landmark": landmark, "month": month}
                | asdict(score(part["late"], part[predictor]))
                for month, part in own.groupby("month", sort=True)
            ]
            pooled = asdict(score(own["late"], own[predictor]))
            keys = {"predictor": predictor, "landmark": landmark}
            mean = pd.DataFrame(monthly)[list(NAMES)].mean().to_dict() | {"n": len(own)}
            rows += [*monthly, keys | {"month": POOLED} | pooled]
            rows.append(keys | {"month": WITHIN_MONTH} | mean)
    return pd.DataFrame(rows, columns=["predictor", "landmark", "month", *NAMES])


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a prediction frame without orders that were given up: nobody knows their outcome."""
    return frame[frame["abandoned"] == 0].reset_index(drop=True)


def predictors(frame: pd.DataFrame) -> list[str]:
    """Return the names of the predictors of a prediction frame, in order.

    They are its columns of floats, but for those `BESIDE` them.
    """
    floats = frame.select_dtypes("float").columns
    return [str(name) for name in floats if name not in KEYS and name not in BESIDE]


def figure(
    tidy: pd.DataFrame, landmark: str, predictor: str, metric: str, month: str = POOLED
) -> float:
    """Return one figure of the frame that `evaluate` gives; NaN if there is none."""
    row = tidy[
        (tidy["landmark"] == landmark) & (tidy["predictor"] == predictor) & (tidy["month"] == month)
    ]
    return float(row[metric].iloc[0]) if len(row) else float("nan")


def landmarks(tidy: pd.DataFrame) -> list[str]:
    """Return the landmarks of a prediction frame or of its figures, in their order."""
    return [str(name) for name in tidy["landmark"].unique()]


def months(tidy: pd.DataFrame) -> list[str]:
    """Return the months of the figures, first to last."""
    return sorted({str(month) for month in tidy["month"]} - {POOLED, WITHIN_MONTH})


def paired_gain(
    difference: npt.ArrayLike, resamples: int, seed: int
) -> tuple[float, float, float, float]:
    """Return the mean of paired differences with its bootstrap error and 95 % interval.

    Percentile bootstrap (Efron & Tibshirani 1993) over orders; the same seed gives the same answer.

    Args:
        difference: (n,) one value an order: loss of the reference minus loss of the model.
        resamples: how many samples are drawn.
        seed: of the draws.

    Returns:
        mean, standard error, lower and upper end of the interval.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(difference, dtype=np.float64)
    n = len(values)
    means = [values[rng.integers(0, n, size=n)].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(np.std(means, ddof=1)), float(low), float(high)


def auc_error(auc: float, late: int, punctual: int) -> float:
    """Return the standard error of a ROC-AUC (Hanley & McNeil 1982)."""
    if math.isnan(auc) or not late or not punctual:
        return 0.0
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (late - 1) * (one - auc**2) + (punctual - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0.0) / (late * punctual))


def _checked(late: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    outcome = np.asarray(late, dtype=np.float64)
    chance = np.asarray(p, dtype=np.float64)
    if outcome.shape != chance.shape or outcome.ndim != 1:
        raise ValueError(f"{outcome.shape} outcomes for {chance.shape} probabilities")
    wrong = np.flatnonzero(~((chance >= 0) & (chance <= 1)))
    if len(wrong):
        raise ValueError(f"row {wrong[0]}: {chance[wrong[0]]} is not a probability")
    wrong = np.flatnonzero((outcome != 0) & (outcome != 1))
    if len(wrong):
        raise ValueError(f"row {wrong[0]}: late is {outcome[wrong[0]]}, not 0 or 1")
    return outcome, chance


def _ties(descending: Floats) -> npt.NDArray[np.int64]:
    """Return the number of each row's group of equal values, 0 for the largest."""
    return np.cumsum(np.r_[False, descending[1:] != descending[:-1]][: len(descending)])


def _roc_auc(shared: Floats, ties: npt.NDArray[np.int64]) -> float:
    """Mann-Whitney: half a point for a pair in one tie group."""
    late = np.bincount(ties, shared)
    punctual = np.bincount(ties, 1 - shared)
    above = np.cumsum(late) - late
    return float((punctual * (above + late / 2)).sum() / (late.sum() * punctual.sum()))


def _average_precision(shared: Floats, ties: npt.NDArray[np.int64]) -> float:
    late, rows = np.bincount(ties, shared), np.bincount(ties)
    precision = np.cumsum(late) / np.cumsum(rows)
    return float((late * precision).sum() / late.sum())


def _bins(shared: Floats, chance: Floats) -> list[Bin]:
    edges = np.linspace(0, len(chance), min(BINS, len(chance)) + 1).round().astype(int)
    return [
        Bin(int(end - start), float(chance[start:end].mean()), float(shared[start:end].mean()))
        for start, end in pairwise(edges)
        if end > start
    ]
