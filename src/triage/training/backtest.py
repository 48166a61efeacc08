"""Rolling temporal evaluation: each month is scored by what was known when it began.

Per test month: trees fitted on the cohorts that had matured at its start, the curve recalibrated
every day from the records before that day, baselines fitted beside them. Tested on every order
whose landmark fell into the month and whose promise has passed; never delivered counts as late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY, from_micros, to_micros
from triage.errors import NotEnoughHistoryError
from triage.features.compile import Floats, Ints
from triage.models.calibration import Residuals, recent_curve
from triage.training.baselines import fit_baselines
from triage.training.fit import FittedLandmark, LandmarkData, fit_landmark
from triage.training.recipe import Recipe

Progress = Callable[[str], None]


def month_start(month: str, time_zone: str) -> int:
    """Return the first moment of a month such as "2017-11" in a zone, UTC micros."""
    return to_micros(datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(time_zone)))


def next_month(month: str) -> str:
    """Return the month after one such as "2017-12"."""
    return str(pd.Period(month, freq="M") + 1)


def months_between(first: str, last: str) -> list[str]:
    """Return the months from first to last, both included."""
    return [str(m) for m in pd.period_range(first, last, freq="M")]


def mature_months(extracted_at: int, time_zone: str, count: int, lag_days: float) -> list[str]:
    """Return the latest `count` whole months that ended at least `lag_days` before the extract."""
    zone = ZoneInfo(time_zone)
    last = from_micros(extracted_at - round(lag_days * MICROS_PER_DAY)).astimezone(zone)
    newest = pd.Period(f"{last:%Y-%m}", freq="M") - 1
    return [str(newest - back) for back in reversed(range(count))]


def backtest(
    data: Sequence[LandmarkData],
    recipe: Recipe,
    months: Sequence[str],
    *,
    time_zone: str,
    known_until: int,
    orders: Sequence[str],
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the prediction frame of the test months.

    Args:
        data: rows and features of each landmark.
        recipe: what is fitted.
        months: test months, for example "2017-11".
        time_zone: zone in which months begin.
        known_until: the extract's moment: outcomes are judged by what was known then (UTC micros).
        orders: order ids by row of the book.
        progress: told what is being fitted.

    Raises:
        NotEnoughHistoryError: if no order of these months can be judged, or too few can teach.

    Returns:
        One row per (order, landmark): order_id, landmark, as_of (UTC micros), month, late,
        delivered (0/1), and p(late) by `model`, `constant`, `rule`, `logistic`.
    """
    frames = []
    for month in months:
        for landmark in data:
            if progress is not None:
                progress(f"{month} {landmark.rows.landmark}")
            frame = _month(landmark, recipe, month, time_zone, known_until)
            if frame is None:
                continue
            frame.insert(0, "order_id", np.array(orders, dtype=object)[frame.pop("order")])
            frames.append(frame)
    if not frames:
        raise NotEnoughHistoryError(
            f"no order of {', '.join(months)} can be judged: its promise has not passed, or the log"
            " holds no such month"
        )
    return pd.concat(frames, ignore_index=True)


def _month(
    data: LandmarkData, recipe: Recipe, month: str, time_zone: str, known_until: int
) -> pd.DataFrame | None:
    start = month_start(month, time_zone)
    end = month_start(next_month(month), time_zone)
    rows = data.rows
    tested = np.flatnonzero((rows.as_of >= start) & (rows.as_of < end) & rows.mature(known_until))
    if not len(tested):
        return None
    fitted = fit_landmark(data, start, recipe)
    p = daily_probabilities(data, fitted, recipe, tested, (start, end))
    baselines = fit_baselines(data, start, recipe.baselines, recipe.evaluation.least_train_rows)
    chosen = rows.take(tested)
    return pd.DataFrame(
        {
            "order": chosen.order,
            "landmark": rows.landmark,
            "as_of": chosen.as_of,
            "month": month,
            "late": chosen.late(),
            "delivered": (chosen.delivered_known < known_until).astype(np.int64),
            "model": p,
            **baselines.predict(data, tested),
        }
    )


def daily_probabilities(
    data: LandmarkData, fitted: FittedLandmark, recipe: Recipe, tested: Ints, span: tuple[int, int]
) -> Floats:
    """Return p(late) of the tested rows, each by the curve as of the start of its day."""
    past = Residuals(data.rows, fitted.mu)
    z = past.promise_z()
    p = np.empty(len(tested))
    day_of = (data.rows.as_of[tested] - span[0]) // MICROS_PER_DAY
    for day in range(int((span[1] - span[0]) // MICROS_PER_DAY) + 1):
        today = day_of == day
        if today.any():
            moment = span[0] + day * MICROS_PER_DAY
            curve = recent_curve(past, moment, fitted.logistic, recipe.calibration)
            p[today] = curve.many(z[tested[today]])
    return p
