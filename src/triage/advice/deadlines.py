"""Until when an action still works: the promise, less the working days that are needed after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from triage.advice.steps import UsualSteps, WorkingTime
from triage.advice.work_policy import ActionPolicy
from triage.domain.clock import UNKNOWN_TIME
from triage.features.book import OrderBook
from triage.features.facts import TIME

_DELIVERED, _DISPATCHED = TIME["delivered"], TIME["shipment_dispatched"]
_LEAST = 10
Lane = tuple[str | None, ...]
"""Site, destination region and service."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Median working days from hand-over to delivery, by lane and service, and of all.

    Deliveries are told by the day, so half days are as fine as it makes sense.
    """

    by_lane: Mapping[Lane, float]
    every: float

    @classmethod
    def of(cls, book: OrderBook, lanes: Sequence[Lane], moment: int, time: WorkingTime) -> Self:
        """Learn from what was delivered before a moment.

        Args:
            book: the orders.
            lanes: lane of each order, by row.
            moment: UTC micros.
            time: working days.
        """
        n = len(book)
        known, event = book.known[:n], book.event[:n]
        done = np.flatnonzero(
            (known[:, _DELIVERED] != UNKNOWN_TIME) & (known[:, _DELIVERED] < moment)
            & (known[:, _DISPATCHED] != UNKNOWN_TIME)
        )  # fmt: skip
        if not len(done):
            return cls({}, 0.0)
        days = time.of_many(event[done, _DELIVERED]) - time.of_many(event[done, _DISPATCHED])
        by_lane: dict[Lane, list[float]] = {}
        for at, took in zip(done.tolist(), np.maximum(days, 0.0).tolist(), strict=True):
            by_lane.setdefault(lanes[at], []).append(took)
        medians = {lane: _half_days(took) for lane, took in by_lane.items() if len(took) >= _LEAST}
        return cls(medians, _half_days(days.tolist()))

    def days(self, lane: Lane) -> float:
        """Return the usual days of a lane; those of all where it has too little history."""
        return self.by_lane.get(lane, self.every)


def _half_days(took: Sequence[float]) -> float:
    return round(2.0 * float(np.median(took))) / 2.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Last moments by action, from what steps and roads usually take."""

    steps: UsualSteps
    roads: Roads

    def needed(self, action: ActionPolicy, stage: str, lane: Lane) -> float:
        """Return the working days that an order needs from the action until it is delivered.

        Args:
            action: what is done.
            stage: the order's last milestone.
            lane: how it goes.
        """
        if action.until_promise:
            return 0.0
        inside = self.steps.inside(max(TIME[action.stands_in_for or stage], TIME[stage]))
        road = self.roads.days(lane) if action.road_days is None else action.road_days
        return round(action.lead_days + inside + road, 1)

    def usual(self, milestone: str, lane: Lane) -> float:
        """Return the working days that an order usually needs from a milestone until delivered."""
        return self.steps.inside(TIME[milestone]) + self.roads.days(lane)

    def latest(self, promised_by: int, days: float) -> int:
        """Return the last moment from which so many working days still end by the promise.

        Args:
            promised_by: UTC micros.
            days: working days, 0 or more.
        """
        if days <= 0:
            return promised_by
        time = self.steps.time
        return min(time.latest(time.of(promised_by) - days), promised_by)

    def left(self, as_of: int, moment: int) -> float:
        """Return working days from one moment to another, negative if it has passed."""
        of = self.steps.time.of
        return of(moment) - of(as_of)
