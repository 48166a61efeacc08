"""Fitting by how much intervals are moved for sites, regions, carriers and services.

Group-conditional conformal prediction (Gibbs, Cherian & Candes 2023): quantile regression of
residuals on overlapping groups makes each group's coverage right. Here residuals are out of fold,
against the curve of times as it stood before each few days, so that drift is in them; effects are
shrunken to those of all orders where a group is thin, and the loss is smoothed (He et al. 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats, Ints
from triage.models.at_risk import QUANTILES, Calibration, Spread
from triage.models.calibration import RecentTimes, Residuals
from triage.models.spread import FIELDS, Moves
from triage.models.survival import SurvivalCurve

_STEP_DAYS = 3
_LEAST_ROWS = 500
_LEAST_OF_A_VALUE = 50
_SHARE_OF_EVERY = 0.3
"""Share of the common move that is kept: the curve of tomorrow drifts on its own."""
_UNDELIVERED = 9.0
_ROUNDS, _SMOOTHING, _PRIOR_ROWS, _LONGEST_STEP, _LEAST_DENSITY = 40, 0.08, 30.0, 0.1, 0.3


class _Group(NamedTuple):
    """Values of a field: names, and each row's number (0: none of these)."""

    names: list[str]
    of_row: Ints


def fit_spread(
    timed: Residuals,
    categories: pd.DataFrame,
    usual: SurvivalCurve,
    moment: int,
    settings: Calibration,
) -> Spread:
    """Return the moves that make the intervals of the last `spread_days` cover what they say.

    Args:
        timed: n out-of-fold residuals of the times.
        categories: n rows of the order's own codes.
        usual: curve of times for days of which too few orders arrived.
        moment: what is known before this moment counts (UTC micros).
        settings: of the curves, and how far back.
    """
    rows = timed.rows
    begins = moment - round(settings.spread_days * MICROS_PER_DAY)
    taught = np.flatnonzero(
        rows.mature(moment)
        & ~rows.abandoned(moment, settings.abandoned_days)
        & (rows.as_of > begins)
    )
    if len(taught) < _LEAST_ROWS:
        return Spread()
    days, observed = rows.take(taught).waited_days(moment)
    gaps = np.log1p(days) - timed.mu[taught]
    past = _past_gaps(timed, taught, usual, moment, settings)
    groups = _groups(categories, taught)
    effects = []
    for at, quantile in enumerate(QUANTILES):
        off = np.where(observed, gaps - past[:, at], _UNDELIVERED)
        effects.append(
            _quantile_effects(off, [group.of_row for group in groups.values()], quantile)
        )
    by_field = {
        field: {
            name: _moves([found.by_group[number][value] for found in effects])
            for value, name in enumerate(group.names, start=1)
        }
        for number, (field, group) in enumerate(groups.items())
    }
    return Spread(
        every=_moves([_SHARE_OF_EVERY * found.every for found in effects]), by_field=by_field
    )


def moves_by_row(spread: Spread, categories: pd.DataFrame) -> Floats:
    """Return the moves of each row, (n, 3), as `Spread.moves` does of one."""
    moves = np.tile(np.array(spread.every), (len(categories), 1))
    for field, table in spread.by_field.items():
        values = np.array([*table.values(), (0.0, 0.0, 0.0)])
        place = {value: at for at, value in enumerate(table)}
        moves += values[categories[field].map(place).fillna(len(table)).to_numpy(np.int64)]
    return moves


def _past_gaps(
    timed: Residuals, taught: Ints, usual: SurvivalCurve, moment: int, settings: Calibration
) -> Floats:
    """Return p10, p50, p90 of the curve of times before each row's days, (n, 3), with its surge."""
    step = _STEP_DAYS * MICROS_PER_DAY
    period = (moment - timed.rows.as_of[taught]) // step
    recent = RecentTimes(timed, settings, every=_STEP_DAYS)
    found = np.empty((len(taught), len(QUANTILES)))
    for ago in np.unique(period):
        curve = recent.at(moment - (int(ago) + 1) * step) or usual
        found[period == ago] = [curve.inverse(1.0 - quantile) for quantile in QUANTILES]
    return found


def _groups(categories: pd.DataFrame, taught: Ints) -> dict[str, _Group]:
    """Return the fields that tell rows apart, with the values that enough of them have."""
    found = {}
    for field in FIELDS:
        if field not in categories:
            continue
        own = categories[field].iloc[taught]
        counts = own.value_counts()
        names = sorted(str(value) for value in counts[counts >= _LEAST_OF_A_VALUE].index)
        if len(names) > 1:
            place = {name: at for at, name in enumerate(names, start=1)}
            found[field] = _Group(names, np.array(own.map(place).fillna(0), dtype=np.int64))
    return found


class _Effects(NamedTuple):
    every: float
    by_group: list[Floats]


def _quantile_effects(off: Floats, groups: Sequence[Ints], quantile: float) -> _Effects:
    """Return what to add, for every row and by group, so that such a share is at or below it.

    Newton's steps on the smoothed check loss, group after group; sums run row by row, so that the
    numbers do not depend on threads.
    """
    every = float(np.quantile(off, quantile))
    effects = [np.zeros(int(group.max()) + 1) for group in groups]
    fitted = np.full(len(off), every)
    for _ in range(_ROUNDS):
        above, density = _smoothed(fitted - off)
        least = _LEAST_DENSITY * len(off)
        step = _held(-(above - quantile).sum() / max(float(density.sum()), least))
        every += float(step)
        fitted = fitted + step
        for at, group in enumerate(groups):
            effect = effects[at]
            above, density = _smoothed(fitted - off)
            usual = max(float(density.mean()), 1e-3)
            slope = np.bincount(group, above - quantile, len(effect))
            steepness = np.bincount(group, density, len(effect))
            rows = np.bincount(group, minlength=len(effect))
            steps = _held(
                -(slope + _PRIOR_ROWS * usual * effect)
                / (np.maximum(steepness, _LEAST_DENSITY * usual * rows) + _PRIOR_ROWS * usual)
            )
            steps[0] = 0.0
            effects[at] = effect + steps
            fitted = fitted + steps[group]
    common = [float(effect[of_row].mean()) for of_row, effect in zip(groups, effects, strict=True)]
    own = [effect - shared for effect, shared in zip(effects, common, strict=True)]
    return _Effects(every + sum(common), own)


def _smoothed(over: Floats) -> tuple[Floats, Floats]:
    """Return the share of a narrow band around each row that lies below, and its density."""
    scaled = over / _SMOOTHING
    inside = np.abs(scaled) < 1
    return 0.5 * (1.0 + np.clip(scaled, -1, 1)), inside / (2 * _SMOOTHING)


def _held(step: npt.ArrayLike) -> Floats:
    return np.clip(np.asarray(step, dtype=np.float64), -_LONGEST_STEP, _LONGEST_STEP)


def _moves(values: Sequence[float]) -> Moves:
    low, middle, high = (round(float(value), 6) for value in values)
    return low, middle, high
