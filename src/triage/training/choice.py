"""How much of the late-or-not trees, and of recent residuals: chosen on the newest outcomes.

The usual values hold unless others are clearly better: forward in time, on the newest quarter of
the outcomes, with everything before it fitted as it was known then. Where lateness is a lookup (the
promise fixes it), learning "late" directly wins; where it is a matter of days, the time does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats, Ints
from triage.models.at_risk import Calibration
from triage.models.calibration import Residuals, recent_logits, slow_logistic
from triage.models.landmarks import Rows
from triage.models.survival import SurvivalCurve, grid
from triage.training.metrics import losses as log_losses

_LEAST_LATE = 20
_LEAST_ROWS = 200
_PERIODS = 12
_SHARES = (1.0, 0.4, 0.0)
_STANDARD_ERRORS = 2.0
_LEAST_GAIN = 0.03


@dataclass(frozen=True, slots=True)
class Option:
    """What is chosen for a landmark.

    Attributes:
        weight: of the late-or-not trees' log-odds in the location.
        share_recent: weight of recent residuals in the curve.
    """

    weight: float
    share_recent: float


def choose(
    rows: Rows,
    mu: Floats,
    odds: Floats,
    moment: int,
    settings: Calibration,
    weights: Sequence[float],
) -> Option:
    """Return the option with the lowest log loss if it beats the usual one beyond chance.

    Args:
        rows: n landmark rows.
        mu: (n,) location without the late-or-not trees.
        odds: (n,) their log-odds of being late.
        moment: what is known before this moment counts (UTC micros).
        settings: of the curve; its `share_recent` is the usual one.
        weights: weights to try, the usual one first.
    """
    usual = Option(weights[0], settings.share_recent)
    judged, begins = _newest(rows, moment, settings)
    late = rows.take(judged).known_late(moment)
    if len(judged) < _LEAST_ROWS or late.sum() < _LEAST_LATE:
        return usual
    shares = tuple(part * usual.share_recent for part in _SHARES)
    options = [Option(weight, share) for weight in weights for share in shares]
    losses = {
        option: losses
        for weight in weights
        for option, losses in _losses(
            rows, mu + weight * odds, judged, late, begins, settings,
            [option for option in options if option.weight == weight],
        )
    }  # fmt: skip
    period = np.minimum(_period_of(rows.as_of[judged], begins, moment), _PERIODS - 1)
    by_share = _better(usual, [Option(usual.weight, share) for share in shares], losses, period)
    return _better(by_share, options, losses, period)


def _better(
    held: Option, options: Sequence[Option], losses: Mapping[Option, Floats], period: Ints
) -> Option:
    """Return the best option if it is better than the one held beyond chance, else that one."""
    best = min(options, key=lambda option: float(losses[option].mean()))
    gain = losses[held] - losses[best]
    sums = np.bincount(period, gain, _PERIODS)
    error = float(np.sqrt(((sums - sums.mean()) ** 2).sum())) / len(gain)
    least = max(_STANDARD_ERRORS * error, _LEAST_GAIN * float(losses[held].mean()))
    return best if gain.mean() > least else held


def _newest(rows: Rows, moment: int, settings: Calibration) -> tuple[Ints, int]:
    """Return the newest quarter of the settled rows, and the moment at which it begins."""
    settled = np.flatnonzero(rows.mature(moment) & ~rows.abandoned(moment, settings.abandoned_days))
    judged = settled[len(settled) * 3 // 4 :]
    return judged, int(rows.as_of[judged[0]]) if len(judged) else moment


def _losses(
    rows: Rows,
    mu: Floats,
    judged: Ints,
    late: npt.NDArray[np.bool_],
    begins: int,
    settings: Calibration,
    options: Sequence[Option],
) -> list[tuple[Option, Floats]]:
    """Return the log loss of each judged row by option, period by period as it was known."""
    past = Residuals(rows, mu)
    intercept, slope = slow_logistic(past, begins, settings)
    slow = intercept + slope * grid()
    z = past.promise_z()[judged] - past.slowed(rows.as_of[judged], settings)
    found = [np.empty(len(judged)) for _ in options]
    period = _period_of(rows.as_of[judged], begins, int(rows.as_of[judged[-1]]) + 1)
    for at in np.unique(period):
        today = period == at
        fast = recent_logits(past, int(rows.as_of[judged[today][0]]), settings, settings.bandwidth)
        for option, losses in zip(options, found, strict=True):
            share = 0.0 if fast is None else option.share_recent
            logits = slow if fast is None else (1 - share) * slow + share * fast
            p = SurvivalCurve.of(1.0 / (1.0 + np.exp(-logits))).many(z[today])
            losses[today] = log_losses(late[today], p)
    return list(zip(options, found, strict=True))


def _period_of(as_of: Ints, begins: int, ends: int) -> Ints:
    """Return in which of the equal periods from `begins` to `ends` each moment lies."""
    length = max((ends - begins) // _PERIODS, MICROS_PER_DAY)
    periods: Ints = (as_of - begins) // length
    return periods
