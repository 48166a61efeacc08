"""How good answers on record were: of all, by stage and by segment.

Whether they hold is judged by `triage.models.held`. Before outcomes are known there are estimates
of what answers should come to.
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
from triage.models.held import ALL, Days, Held, Stages, Sums
from triage.models.held import held as held_by_day
from triage.training.metrics import losses, score
from triage.training.report_figures import by_value, coverage

Floats = npt.NDArray[np.float64]
_MOST_VALUES, _LEAST = 8, 30


def held(name: str, rows: pd.DataFrame, confidence: float) -> Held:
    """Hold late orders against those expected; see `triage.models.held.held`.

    Args:
        name: of which answers.
        rows: `late` (0 or 1), `model` (probability), `late_at` (UTC micros).
        confidence: of the interval.
    """
    return held_by_day(name, _days(rows), confidence)


def stages(rows: pd.DataFrame) -> Stages:
    """Return sums of answers, by stage and by the day on which their promises passed."""
    return {str(name): _days(part) for name, part in rows.groupby("landmark")}


def _days(rows: pd.DataFrame) -> Days:
    p = rows["model"]
    told = pd.DataFrame({"n": 1, "late": rows["late"], "p": p, "variance": p * (1 - p)})
    sums = told.groupby(rows["late_at"] // MICROS_PER_DAY).sum()
    return {
        int(day): Sums(int(n), int(late), float(expected), float(variance))
        for day, n, late, expected, variance in sums.itertuples()
    }


def _all_and_stages(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return all rows, then those of each stage if there is more than one."""
    by_name = {str(name): part for name, part in rows.groupby("landmark")}
    stages = sorted(by_name.items(), key=lambda stage: MILESTONES.index(stage[0]))
    return [(ALL, rows), *(stages if len(stages) > 1 else ())]


def segments(rows: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the answers of the largest values of some columns, with the name of each."""
    for column in columns:
        if column in rows and rows[column].nunique() > 1:
            for value, part in by_value(rows, column, _MOST_VALUES):
                if len(part) >= _LEAST:
                    yield f"{column.replace('_', ' ')} {value}", part


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
    return found_of(rows.assign(reached=reached(rows, minutes)))


def reached(rows: pd.DataFrame, minutes: float) -> npt.NDArray[np.bool_]:
    """Return which answers people get to within so many minutes a day, (n,); see `at_capacity`."""
    ranked = _ranked(rows.reset_index(drop=True)).sort_values(
        "priority", ascending=False, kind="stable"
    )
    spent = ranked["minutes"].groupby(ranked["as_of"] // MICROS_PER_DAY).cumsum()
    met = np.zeros(len(rows), dtype=np.bool_)
    met[ranked.index[spent <= minutes]] = True
    return met


def found_of(rows: pd.DataFrame) -> AtCapacity:
    """Return what people find who get to the answers that are `reached`; see `at_capacity`."""
    met = rows[rows["reached"]]
    found, total = int(met["late"].sum()), int(rows["late"].sum())
    return AtCapacity(
        int((_ranked(rows)["as_of"] // MICROS_PER_DAY).nunique()), len(met), found,
        found / len(met) if len(met) else math.nan, found / total if total else math.nan,
        float(rows["late"].mean()) if len(rows) else math.nan,
    )  # fmt: skip


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["priority"].notna() & (rows["minutes"] > 0)]
