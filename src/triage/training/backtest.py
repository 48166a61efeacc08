"""Rolling temporal evaluation: each month is scored by what was known when it began.

Per test month: trees fitted on the cohorts that had matured at its start, the curve recalibrated
every day from the records before that day, baselines fitted beside them. Tested on every order
whose landmark fell into the month and whose promise has passed; never delivered counts as late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY, from_micros, to_micros
from triage.errors import NotEnoughHistoryError
from triage.features.compile import Floats, Ints
from triage.models.at_risk import fresh_delays
from triage.models.calibration import RecentTimes, Residuals, recent_curve
from triage.models.landmarks import Rows
from triage.training.baselines import fit_baselines
from triage.training.fit import THREADS, FittedLandmark, fit_landmark
from triage.training.landmark_data import LandmarkData
from triage.training.metrics import DELAYS
from triage.training.recipe import Evaluation, Recipe
from triage.training.spread import moves_by_row

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


def evaluation_months(
    rows: Rows, known_until: int, time_zone: str, settings: Evaluation
) -> list[str]:
    """Return the latest whole months of orders whose promises had passed, first to last.

    At least `settings.months`, and more until `enough_late` late orders are in them: a company
    with thirty orders a month needs a year to be judged on.

    Args:
        rows: rows of the first stage.
        known_until: the extract's moment (UTC micros).
        time_zone: zone in which months begin.
        settings: how many.
    """
    settled = rows.take(rows.mature(known_until))
    if not len(settled):
        return []
    zone = ZoneInfo(time_zone)
    promise = np.quantile(settled.promise_days(), 0.5) * MICROS_PER_DAY
    until = min(known_until - round(promise), int(settled.as_of[-1]) + MICROS_PER_DAY)
    newest = pd.Period(f"{from_micros(until).astimezone(zone):%Y-%m}", freq="M") - 1
    months: list[str] = []
    found = 0
    while len(months) < settings.most_months and (
        len(months) < settings.months or found < settings.enough_late
    ):
        month = str(newest - len(months))
        begin, end = (month_start(m, time_zone) for m in (month, next_month(month)))
        if settled.as_of[0] >= end:
            break
        months.insert(0, month)
        of_month = (settled.as_of >= begin) & (settled.as_of < end)
        found += int(settled.take(of_month).late().sum())
    return months


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
        One row per (order, landmark, as_of): order_id, landmark, as_of (UTC micros), month, late,
        delivered, abandoned (0/1), p(late) by `model`, `constant`, `rule`, `logistic`, days to the
        promise, delay against it (NaN: not delivered) and its p10, p50, p90.
    """
    ids = np.array(orders, dtype=object)

    def tested(month: str, landmark: LandmarkData) -> pd.DataFrame | NotEnoughHistoryError | None:
        if progress is not None:
            progress(f"{month} {landmark.rows.landmark}")
        try:
            return _month(landmark, recipe, month, time_zone, known_until)
        except NotEnoughHistoryError as error:
            return error

    frames, refusals = [], []
    with ThreadPoolExecutor(THREADS) as pool:
        asked = [(month, landmark) for month in months for landmark in data]
        for frame in pool.map(tested, *zip(*asked, strict=True)) if asked else ():
            if isinstance(frame, NotEnoughHistoryError):
                refusals.append(str(frame))
            elif frame is not None:
                frame.insert(0, "order_id", ids[frame.pop("order")])
                frames.append(frame)
    if not frames and refusals:
        raise NotEnoughHistoryError(refusals[0])
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
    fitted = fit_landmark(data, start, recipe, until=end, threads=1)
    p, delays = daily_predictions(data, fitted, tested, (start, end))
    baselines = fit_baselines(data, start, recipe.baselines)
    chosen = rows.take(tested)
    delivered = chosen.delivered_known < known_until
    days = (chosen.delivered - chosen.late_at) / MICROS_PER_DAY
    abandoned = chosen.abandoned(known_until, fitted.calibration.abandoned_days)
    return pd.DataFrame(
        {
            "order": chosen.order,
            "landmark": rows.landmark,
            "as_of": chosen.as_of,
            "month": month,
            "late": chosen.late(),
            "delivered": delivered.astype(np.int64),
            "abandoned": abandoned.astype(np.int64),
            "model": p,
            **baselines.predict(data, tested),
            "promise_days": chosen.promise_days(),
            "delay_days": np.where(delivered, days, np.nan),
            **dict(zip(DELAYS, delays.T, strict=True)),
        }
    )


def daily_predictions(
    data: LandmarkData, fitted: FittedLandmark, tested: Ints, span: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return p(late), (n,), and p10, p50, p90 of the delay in days, (n, 3), of the tested rows.

    Each is by the curve as of the start of its day.
    """
    past = Residuals(data.rows, fitted.mu)
    recent = RecentTimes(Residuals(data.rows, fitted.middle), fitted.calibration)
    moves = moves_by_row(fitted.spread, data.categories.iloc[tested])
    z, promise = past.promise_z(), data.rows.promise_days()
    p, delays = np.empty(len(tested)), np.empty((len(tested), len(DELAYS)))
    day_of = (data.rows.as_of[tested] - span[0]) // MICROS_PER_DAY
    for day in np.unique(day_of):
        today = day_of == day
        rows = tested[today]
        moment = span[0] + int(day) * MICROS_PER_DAY
        curve = recent_curve(past, moment, fitted.logistic, fitted.calibration)
        p[today] = curve.many(z[rows])
        times = recent.at(moment) or fitted.usual_times
        delays[today] = fresh_delays(
            times, fitted.middle[rows], promise[rows], p[today], moves[today]
        )
    return p, delays
