"""The label contract: what late means, and from when on a row may teach or test.

Late: not delivered (proof of delivery) before promise + tolerance; an order that is undelivered
when that moment passes is late *then*. Cohort by promise date: a row may be used from `as_of` only
if promise + tolerance <= `as_of`. Cancelled orders are out as far as the cancellation is known.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, NEVER, UNKNOWN_TIME
from triage.features.book import OrderBook
from triage.features.compile import Floats, Ints
from triage.features.facts import MILESTONES, TIME

_DELIVERED, _CANCELLED = TIME["delivered"], TIME["order_cancelled"]
_PROMISED, _STARTS = TIME["promised_by"], TIME["starts_at"]

WAITING = ":waiting"
"""Ends the name of a landmark whose orders have stood at a stage for a while."""
WAITING_FROM = 0.125
"""Share of the time to the promise after which an order counts as waiting."""
_SHARES = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True)
class Rows:
    """Landmark rows: one order at one moment at which it would be scored.

    Attributes:
        landmark: name of the stage that all rows share.
        order: (n,) row numbers of the book.
        as_of: (n,) moment of the landmark, UTC micros.
        late_at: (n,) promise + tolerance, UTC micros.
        delivered: (n,) when it was delivered (event time); NEVER if that is not known.
        delivered_known: (n,) when the delivery became known; NEVER if it is not.
        cancelled_known: (n,) when a cancellation became known; NEVER if none did.
    """

    landmark: str
    order: Ints
    as_of: Ints
    late_at: Ints
    delivered: Ints
    delivered_known: Ints
    cancelled_known: Ints

    def __len__(self) -> int:
        return len(self.order)

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.landmark, self.order[chosen], self.as_of[chosen], self.late_at[chosen],
            self.delivered[chosen], self.delivered_known[chosen], self.cancelled_known[chosen],
        )  # fmt: skip

    def promise_days(self) -> Floats:
        """Return days from the landmark to promise + tolerance (positive)."""
        return (self.late_at - self.as_of) / MICROS_PER_DAY

    def first_as_of(self) -> Ints:
        """Return the earliest moment of each row's order among these rows, (n,), UTC micros."""
        _, place = np.unique(self.order, return_inverse=True)
        first = np.full(int(place.max()) + 1 if len(place) else 0, NEVER, dtype=np.int64)
        np.minimum.at(first, place, self.as_of)
        return first[place]

    def late(self) -> npt.NDArray[np.int64]:
        """Return 1 where the order was late, by everything that is known."""
        return (self.delivered >= self.late_at).astype(np.int64)

    def known_late(self, moment: int) -> npt.NDArray[np.bool_]:
        """Return which mature rows were late by what was known before a moment."""
        return (self.delivered_known >= moment) | (self.delivered >= self.late_at)

    def mature(self, moment: int) -> npt.NDArray[np.bool_]:
        """Return which rows may be used from a moment on: promise passed, not cancelled by then."""
        return (self.late_at <= moment) & (self.cancelled_known >= moment)

    def abandoned(self, moment: int, days: float) -> npt.NDArray[np.bool_]:
        """Return which rows had been undelivered for so many days after the promise by a moment."""
        return (self.delivered_known >= moment) & (
            self.late_at + round(days * MICROS_PER_DAY) <= moment
        )

    def record_lag(self, moment: int) -> int:
        """Return after which time nine in ten deliveries known by then were recorded, micros."""
        known = self.delivered_known < moment
        if not known.any():
            return 0
        return int(np.quantile((self.delivered_known - self.delivered)[known], 0.9))

    def waited_days(self, moment: int, lag: int = 0) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return days to delivery, or until when it was open for sure, and whether observed.

        Args:
            moment: what is known before it counts (UTC micros).
            lag: micros by which records come late: of the last of them nothing is concluded, since
                an order without proof of delivery may have been delivered then.
        """
        observed = (self.delivered_known < moment) & (self.delivered < moment - lag)
        until = np.where(observed, self.delivered, moment - lag)
        return np.maximum(until - self.as_of, 0) / MICROS_PER_DAY, observed


def landmark_rows(
    book: OrderBook, landmark: str, tolerance: int, stages: Collection[str] = ()
) -> Rows:
    """Return the rows of one landmark, sorted by moment.

    An order has a row if the landmark is known while the order is open: before its delivery or
    cancellation is known and before promise + tolerance passes. An order that was placed for a
    later day has its row when work on it may begin: the time before says nothing about delays.

    A landmark such as "order_validated:waiting" has rows for orders that still stand at that stage
    after `WAITING_SHARES` of the time between the stage and promise + tolerance.

    Args:
        book: the orders.
        landmark: a milestone's name, or that and ":waiting".
        tolerance: micros after the promise that still count as on time.
        stages: milestones that end the waiting at an earlier one; only for waiting.
    """
    stage = stage_of(landmark)
    n = len(book)
    known, event = book.known[:n], book.event[:n]
    reached = known[:, TIME[stage]]
    begins = np.maximum(reached, event[:, _STARTS])
    delivered_known = _or_never(known[:, _DELIVERED])
    cancelled_known = _or_never(known[:, _CANCELLED])
    late_at = event[:, _PROMISED] + tolerance
    closed = np.minimum(np.minimum(delivered_known, cancelled_known), late_at)
    usable = (reached != UNKNOWN_TIME) & (begins < closed)
    if stage == landmark:
        order = np.flatnonzero(usable)
        as_of = begins[order]
    else:
        for later in MILESTONES[MILESTONES.index(stage) + 1 :]:
            if later in stages:
                closed = np.minimum(closed, _or_never(known[:, TIME[later]]))
        moments = [begins + ((late_at - begins) * share).astype(np.int64) for share in _SHARES]
        still = [np.flatnonzero(usable & (moment < closed)) for moment in moments]
        order = np.concatenate(still)
        as_of = np.concatenate([m[rows] for m, rows in zip(moments, still, strict=True)])
    by_moment = np.argsort(as_of, kind="stable")
    return rows_at(book, landmark, order[by_moment], as_of[by_moment], tolerance)


def rows_at(book: OrderBook, landmark: str, order: Ints, as_of: Ints, tolerance: int) -> Rows:
    """Return rows of some orders at given moments.

    Args:
        book: the orders.
        landmark: what the rows are called.
        order: (n,) row numbers of the book.
        as_of: (n,) moments, UTC micros.
        tolerance: micros after the promise that still count as on time.
    """
    known, event = book.known[order], book.event[order]
    delivered_known = _or_never(known[:, _DELIVERED])
    delivered = np.where(delivered_known == NEVER, NEVER, event[:, _DELIVERED])
    return Rows(
        landmark, order, as_of, event[:, _PROMISED] + tolerance, delivered, delivered_known,
        _or_never(known[:, _CANCELLED]),
    )  # fmt: skip


def stage_of(landmark: str) -> str:
    """Return the milestone that a landmark belongs to."""
    return landmark.removesuffix(WAITING)


def _or_never(times: Ints) -> Ints:
    return np.where(times == UNKNOWN_TIME, NEVER, times)
