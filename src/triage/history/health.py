"""What of a log matters for prediction: how much, how complete, how late known, how coarse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, UNKNOWN_TIME
from triage.history.tables import History

_COARSE = 0.95
_AT_ONCE = 0.999
_STALE_GAPS = 10.0
_LEAST_STALE_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class MilestoneHealth:
    """One milestone.

    Attributes:
        kind: the milestone.
        share: of the orders that have it.
        lag_hours: median and 90th percentile from when it happened to when it was known.
        at_once: share that was known the moment it happened.
        only_days: whether (nearly) all of its times are local midnights: days without a time.
        silent_days: days from the last one to the extract.
        usual_gap_days: 99th percentile of the days between two of them, lately.
    """

    kind: str
    share: float
    lag_hours: tuple[float, float]
    at_once: float
    only_days: bool
    silent_days: float
    usual_gap_days: float

    @property
    def stale(self) -> bool:
        """Return whether it has been silent for much longer than ever before lately."""
        return self.silent_days > max(_STALE_GAPS * self.usual_gap_days, _LEAST_STALE_DAYS)

    @property
    def known_at_once(self) -> bool:
        """Return whether its record times look like copies of its event times."""
        return self.at_once >= _AT_ONCE


@dataclass(frozen=True, slots=True)
class Month:
    """Orders placed in one local month, those whose promise has passed, and the late of these."""

    month: str
    orders: int
    judged: int
    late: int


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a log.

    Attributes:
        orders: number of orders.
        lines: number of order lines.
        months: first to last, those without orders included.
        milestones: those that occur, by how many orders have them.
        promise_only_days: whether (nearly) all promises end with a local day.
        promise_days: 10th, 50th and 90th percentile from the order to its promise.
        promised_before: share of orders promised for a time before they were placed.
        unresolved: share of judged orders that were neither delivered nor cancelled.
        stock_age_days: days from the last stock count to the extract; None without counts.
    """

    orders: int
    lines: int
    months: tuple[Month, ...]
    milestones: tuple[MilestoneHealth, ...]
    promise_only_days: bool
    promise_days: tuple[float, float, float]
    promised_before: float
    unresolved: float
    stock_age_days: float | None


def examine(history: History) -> Health:
    """Return the health of a log.

    Args:
        history: everything that is known; months and days are local to its first source's zone.
    """
    zone = history.sources[0].time_zone
    orders = history.orders
    placed = orders["event_time"].to_numpy(np.int64)
    promised = orders["promised_by"].to_numpy(np.int64)
    days = (promised - placed) / MICROS_PER_DAY
    delivered, cancelled = (_event(history, kind) for kind in ("delivered", "order_cancelled"))
    judged = (promised <= history.extracted_at) & (cancelled == UNKNOWN_TIME)
    late = judged & ((delivered == UNKNOWN_TIME) | (delivered >= promised))
    open_ = judged & (delivered == UNKNOWN_TIME)
    counted = history.positions["record_time"]
    low, middle, high = np.quantile(days, [0.1, 0.5, 0.9]) if len(days) else (np.nan,) * 3
    return Health(
        orders=len(orders),
        lines=len(history.lines),
        months=_months(placed, judged, late, zone),
        milestones=_milestones(history, zone),
        promise_only_days=_midnights(promised, zone) >= _COARSE,
        promise_days=(float(low), float(middle), float(high)),
        promised_before=float((days <= 0).mean()) if len(days) else 0.0,
        unresolved=float(open_.sum() / max(judged.sum(), 1)),
        stock_age_days=None
        if counted.empty
        else (history.extracted_at - int(counted.max())) / MICROS_PER_DAY,
    )


def _event(history: History, kind: str) -> npt.NDArray[np.int64]:
    own = history.milestones[history.milestones["milestone"] == kind]
    times = np.full(len(history.orders), UNKNOWN_TIME, dtype=np.int64)
    times[own["order"].to_numpy(np.int64)] = own["event_time"].to_numpy(np.int64)
    return times


def _months(
    placed: npt.NDArray[np.int64], judged: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_],
    zone: str,
) -> tuple[Month, ...]:  # fmt: skip
    if not len(placed):
        return ()
    month = _local(placed, zone).to_period("M")
    table = pd.DataFrame({"orders": 1, "judged": judged, "late": late}).groupby(month).sum()
    table = table.reindex(pd.period_range(month.min(), month.max(), freq="M"), fill_value=0)
    counted = table.to_numpy(np.int64).tolist()
    return tuple(
        Month(str(name), orders, past, missed)
        for name, (orders, past, missed) in zip(table.index, counted, strict=True)
    )


def _milestones(history: History, zone: str) -> tuple[MilestoneHealth, ...]:
    found = []
    for kind, own in history.milestones.groupby("milestone", sort=True):
        event = own["event_time"].to_numpy(np.int64)
        known = own["record_time"].to_numpy(np.int64)
        lag = (known - event) / MICROS_PER_HOUR
        gaps = np.diff(np.sort(known)[-1000:]) / MICROS_PER_DAY
        found.append(
            MilestoneHealth(
                kind=str(kind),
                share=len(own) / max(len(history.orders), 1),
                lag_hours=(float(np.median(lag)), float(np.quantile(lag, 0.9))),
                at_once=float((lag <= 0).mean()),
                only_days=_midnights(event, zone) >= _COARSE,
                silent_days=(history.extracted_at - int(known.max())) / MICROS_PER_DAY,
                usual_gap_days=float(np.quantile(gaps, 0.99)) if len(gaps) else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda health: (-health.share, health.kind)))


def _local(times: npt.NDArray[np.int64], zone: str) -> pd.DatetimeIndex:
    return (
        pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC")
        .tz_convert(zone)
        .tz_localize(None)
    )


def _midnights(times: npt.NDArray[np.int64], zone: str) -> float:
    """Return the share of times that are the first moment of a local day."""
    local = _local(times, zone)
    return float((local == local.normalize()).mean()) if len(times) else 0.0
