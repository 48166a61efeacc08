"""Whether answers on record hold: late orders against those expected.

The interval knows that orders of one day share their luck. Before outcomes are known there are
estimates of what answers should come to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY
from triage.features.facts import MILESTONES
from triage.training.drift_measures import observed_to_expected
from triage.training.drift_settings import LiveSettings
from triage.training.metrics import losses, score
from triage.training.report_figures import by_value, coverage

Floats = npt.NDArray[np.float64]
ALL = "all stages"
_MOST_VALUES, _LEAST = 8, 30


@dataclass(frozen=True, slots=True)
class Held:
    """Late orders of some answers against those expected.

    Attributes:
        name: of which.
        n: answers.
        late: of orders that were late.
        expected: sum of the probabilities.
        days: days on which promises passed.
        ratio: late over expected; NaN without answers.
        low: lower end of the interval of the ratio.
        high: upper end; infinite where there is only one day.
    """

    name: str
    n: int
    late: int
    expected: float
    days: int
    ratio: float
    low: float
    high: float

    def enough(self, settings: LiveSettings) -> bool:
        """Return whether there is evidence enough to judge."""
        return self.expected >= settings.least_expected and self.days >= settings.least_days

    def rings(self, settings: LiveSettings) -> bool:
        """Return whether the whole interval is outside what is allowed.

        A ratio of 1 rings far more seldom than the confidence says, however often it is looked at.
        """
        low, high = settings.observed_to_expected
        return self.enough(settings) and (self.low > high or self.high < low)


def held(name: str, rows: pd.DataFrame, confidence: float) -> Held:
    """Hold late orders against those expected.

    The error is that of a ratio of sums over days (Cochran 1977, 6.4 and 9A.7: clusters), or that
    of independent orders if the days happen to agree better; Student's t by the number of days.

    Args:
        name: of which answers.
        rows: `late` (0 or 1), `model` (probability), `late_at` (UTC micros).
        confidence: of the interval.
    """
    from scipy.stats import t  # noqa: PLC0415  half a second, only for this

    n = len(rows)
    if not n:
        return Held(name, 0, 0, 0.0, 0, math.nan, 0.0, math.inf)
    late, p = rows["late"].to_numpy(np.float64), rows["model"].to_numpy(np.float64)
    expected = max(float(p.sum()), 1e-9)
    ratio, by_chance = observed_to_expected(late, np.maximum(p, 1e-12))
    names, day = np.unique(
        rows["late_at"].to_numpy(np.int64) // MICROS_PER_DAY, return_inverse=True
    )
    days = len(names)
    low, high = 0.0, math.inf
    if days > 1:
        apart = np.bincount(day, late - ratio * p)
        error = math.sqrt(days / (days - 1) * float((apart**2).sum())) / expected
        half = float(t.ppf(0.5 + confidence / 2, days - 1)) * max(error, by_chance)
        low, high = max(0.0, ratio - half), ratio + half
    return Held(name, n, int(late.sum()), expected, days, ratio, low, high)


def by_stage(rows: pd.DataFrame, confidence: float) -> tuple[Held, ...]:
    """Hold all answers, then those of each stage.

    The error that the confidence allows is shared among them (Bonferroni).
    """
    parts = _all_and_stages(rows)
    shared = 1 - (1 - confidence) / len(parts)
    return tuple(held(name, part, shared) for name, part in parts)


def _all_and_stages(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return all rows, then those of each stage if there is more than one."""
    by_name = {str(name): part for name, part in rows.groupby("landmark")}
    stages = sorted(by_name.items(), key=lambda stage: MILESTONES.index(stage[0]))
    return [(ALL, rows), *(stages if len(stages) > 1 else ())]


def by_segment(rows: pd.DataFrame, columns: tuple[str, ...], confidence: float) -> Iterator[Held]:
    """Hold the answers of the largest values of some columns; shown, not judged."""
    for column in columns:
        if column in rows and rows[column].nunique() > 1:
            for value, part in by_value(rows, column, _MOST_VALUES):
                if len(part) >= _LEAST:
                    yield held(f"{column.replace('_', ' ')} {value}", part, confidence)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good answers were; NaN where there are too few.

    Attributes:
        name: of which.
        n: answers with an outcome.
        base_rate: share late.
        roc_auc: chance that a late one had the higher probability.
        brier: mean squared error.
        brier_constant: of the best constant, chosen in hindsight.
        log_loss: natural logarithm.
        log_loss_constant: of the best constant.
        delivered: how many of them were delivered.
        within: share of these between p10 and p90 of the delay; 80 % is right.
        below_p90: share of these up to p90.
    """

    name: str
    n: int
    base_rate: float
    roc_auc: float
    brier: float
    brier_constant: float
    log_loss: float
    log_loss_constant: float
    delivered: int
    within: float
    below_p90: float


def qualities(rows: pd.DataFrame) -> tuple[Quality, ...]:
    """Return how good all answers were, then those of each stage."""
    return tuple(_quality(name, part) for name, part in _all_and_stages(rows) if len(part))


def _quality(name: str, rows: pd.DataFrame) -> Quality:
    made = score(rows["late"], rows["model"])
    rate = made.base_rate
    found = coverage(rows)
    share = (lambda k: k / found.n) if found.n else (lambda _: math.nan)
    return Quality(
        name, made.n, rate, made.roc_auc, made.brier, rate * (1 - rate), made.log_loss,
        float(losses([rate], [rate])[0]), found.n, share(found.within), share(found.below_p90),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """What answers should come to if their probabilities hold, and what they came to.

    Confidence-based performance estimation (NannyML's CBPE): each figure is taken over outcomes
    drawn with the probabilities themselves. It knows nothing of a world that has changed: it says
    what follows if calibration holds, which is why the realised figure stands beside it.

    Attributes:
        name: of which.
        n: answers.
        late: share that should be late.
        roc_auc: to be expected.
        brier: to be expected.
        log_loss: to be expected.
    """

    name: str
    n: int
    late: float
    roc_auc: float
    brier: float
    log_loss: float


def estimate(name: str, p: npt.ArrayLike) -> Estimate:
    """Return what probabilities should come to if they hold; NaN without any.

    Args:
        name: of which answers.
        p: (n,) probabilities.
    """
    chance = np.asarray(p, dtype=np.float64)
    if not len(chance):
        return Estimate(name, 0, *[math.nan] * 4)
    return Estimate(
        name, len(chance), float(chance.mean()), expected_auc(chance),
        float((chance * (1 - chance)).mean()), float(losses(chance, chance).mean()),
    )  # fmt: skip


def expected_auc(p: Floats) -> float:
    """Return late-above-punctual pairs over all pairs, both as expected; NaN without a pair."""
    values, ties = np.unique(p, return_inverse=True)
    size = np.bincount(ties)
    late, punctual = size * values, size * (1 - values)
    below = np.cumsum(punctual) - punctual
    own = values * (1 - values)
    above = float((late * below).sum() + (size * (size - 1) * own).sum() / 2)
    pairs = float(late.sum() * punctual.sum() - (size * own).sum())
    return above / pairs if pairs > 0 else math.nan


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """What people find who work the answers of a day in the order of the list, as far as they get.

    Attributes:
        days: days with answers.
        looked_at: answers that they get to.
        late: how many of these were late.
        precision: the same as a share.
        recall: share of all late ones that they meet.
        base_rate: share late of all answers.
    """

    days: int
    looked_at: int
    late: int
    precision: float
    recall: float
    base_rate: float


def at_capacity(rows: pd.DataFrame, minutes: float) -> AtCapacity:
    """Return what is found within so many minutes a day.

    Args:
        rows: `as_of` (UTC micros), `late`, `priority` (score) and `minutes` of each answer.
        minutes: of all people together.
    """
    ranked = rows[rows["priority"].notna() & (rows["minutes"] > 0)].sort_values(
        "priority", ascending=False, kind="stable"
    )
    day = ranked["as_of"] // MICROS_PER_DAY
    reached = ranked[ranked["minutes"].groupby(day).cumsum() <= minutes]
    found, total = int(reached["late"].sum()), int(rows["late"].sum())
    return AtCapacity(
        int(day.nunique()), len(reached), found, found / len(reached) if len(reached) else math.nan,
        found / total if total else math.nan, float(rows["late"].mean()) if len(rows) else math.nan,
    )  # fmt: skip
