"""How many working days each step of an order has taken beyond what that step usually takes.

Steps lie between the milestones that a log has. An order that stands at a stage is in the step that
ends with the next milestone; that step has taken as long as until now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME
from triage.features import calendar
from triage.features.book import OrderBook
from triage.features.compile import Floats, Ints
from triage.features.declarations import Cause
from triage.features.facts import MILESTONES, TIME

_CREATED, _DELIVERED = TIME["order_created"], TIME["delivered"]
_STARTS, _PROMISED = TIME["starts_at"], TIME["promised_by"]
_ALLOCATED = TIME["allocation_confirmed"]
_CAUSES: dict[str, Cause] = {
    "order_validated": "approval",
    "allocation_confirmed": "inventory",
    "pick_released": "integration",
    "shipment_dispatched": "warehouse",
    "delivered": "carrier",
}
"""What a step is put down to, by the milestone that ends it; an allocated order that is not on the
floor waits for a message."""


class WorkingTime:
    """Working days (see `features.calendar`) up to a moment, with parts of days."""

    def __init__(self, time_zone: str, country: str, worked_holidays: tuple[str, ...] = ()) -> None:
        self._tables = calendar.build(time_zone, country, worked_holidays)
        self._changes = self._tables.changes.tolist()
        self._offsets = self._tables.offsets.tolist()
        self._before = self._tables.workdays.tolist()
        self._first = int(self._tables.first_day)
        self._of = lru_cache(maxsize=16_384)(self._counted)

    def of(self, moment: int) -> float:
        """Return working days before a moment (UTC micros)."""
        return self._of(moment)

    def _counted(self, moment: int) -> float:
        local = moment + self._offsets[bisect_right(self._changes, moment) - 1]
        day, part = divmod(local, MICROS_PER_DAY)
        at = min(max(day - self._first, 0), len(self._before) - 2)
        before = self._before[at]
        return float(before + (self._before[at + 1] - before) * part / MICROS_PER_DAY)

    def latest(self, days: float) -> int:
        """Return the last moment (UTC micros) before which lie so many working days, or fewer."""
        at = min(max(bisect_right(self._before, days), 1), len(self._before) - 1) - 1
        part = min(max(days - self._before[at], 0.0), 1.0)
        local = (self._first + at) * MICROS_PER_DAY + int(part * MICROS_PER_DAY)
        moment = local - self._offsets[bisect_right(self._changes, local) - 1]
        return local - self._offsets[bisect_right(self._changes, moment) - 1]

    def of_many(self, moments: Ints) -> Floats:
        """Return working days before each of (n,) moments."""
        tables = self._tables
        offset = tables.offsets[np.searchsorted(tables.changes, moments, side="right") - 1]
        day, part = np.divmod(moments + offset, MICROS_PER_DAY)
        at = np.clip(day - self._first, 0, len(tables.workdays) - 2)
        before = tables.workdays[at]
        days: Floats = before + (tables.workdays[at + 1] - before) * (part / MICROS_PER_DAY)
        return days


@dataclass(frozen=True, slots=True)
class Delays:
    """What an order's own time says, in working days.

    Attributes:
        beyond: days that finished steps and the present one took beyond their usual time, by cause;
            also, as "promise", how much shorter than all usual steps the promise is.
        buffer: days that the promise leaves beside the usual steps; negative if it is too short.
        following: the cause of the step that the order is in.
    """

    beyond: dict[Cause, float]
    buffer: float
    following: Cause


@dataclass(frozen=True, slots=True)
class UsualSteps:
    """The usual working days of each step, as known before one moment.

    Attributes:
        columns: columns of the milestones that end a step, in sequence.
        causes: what each step is put down to.
        days: the median of each step; the first is that from the order to when it was known.
    """

    columns: tuple[int, ...]
    causes: tuple[Cause, ...]
    days: tuple[float, ...]
    time: WorkingTime

    @classmethod
    def of(cls, book: OrderBook, moment: int, time: WorkingTime) -> Self:
        """Return the medians of the steps that ended before a moment (UTC micros)."""
        event, known = book.event[: len(book)], book.known[: len(book)]
        seen = (known != UNKNOWN_TIME) & (known < moment)
        there = [TIME[name] for name in MILESTONES if name in _CAUSES and seen[:, TIME[name]].any()]
        columns = tuple(dict.fromkeys([*there, _DELIVERED]))
        starts = event[:, _STARTS]
        entered = known[:, _CREATED]
        days = [_usual(time, event[:, _CREATED], entered, starts, seen[:, _CREATED])]
        begin, begun = entered, seen[:, _CREATED]
        for column in columns:
            ended = begun & seen[:, column]
            days.append(_usual(time, begin, event[:, column], starts, ended))
            begin = np.where(seen[:, column], event[:, column], begin)
            begun = seen[:, column]
        return cls(columns, _causes(columns), tuple(days), time)

    def inside(self, last: int) -> float:
        """Return the usual days of the steps after a milestone (a column), up to hand-over."""
        return sum(
            days
            for column, days in zip(self.columns, self.days[1:], strict=True)
            if last < column < _DELIVERED
        )

    def delays(self, event: Sequence[int], known: Sequence[int], as_of: int) -> Delays:
        """Return what the steps of one order took by a moment.

        Args:
            event: when each time of `facts.TIMES` was (UTC micros).
            known: when each became known.
            as_of: nothing that became known after it counts.
        """
        starts, of = event[_STARTS], self.time.of
        begins = of(max(event[_CREATED], starts))
        entered = max(of(max(min(known[_CREATED], as_of), starts)), begins)
        beyond: dict[Cause, float] = {}
        buffer = of(event[_PROMISED]) - of(starts) - sum(self.days)
        _add(beyond, "integration", entered - begins - self.days[0])
        if buffer < 0:
            beyond["promise"] = -buffer
        done = [known[c] != UNKNOWN_TIME and known[c] <= as_of for c in self.columns]
        last = max((at for at, is_done in enumerate(done) if is_done), default=-1)
        reached, usual = entered, 0.0
        for at in range(min(last + 2, len(self.columns))):
            usual += self.days[at + 1]
            if at <= last and not done[at]:
                continue
            moment = event[self.columns[at]] if at <= last else as_of
            ended = of(max(min(moment, as_of), starts))
            _add(beyond, self.causes[at], ended - reached - usual)
            reached, usual = max(reached, ended), 0.0
        return Delays(beyond, buffer, self.causes[min(last + 1, len(self.causes) - 1)])


def _causes(columns: tuple[int, ...]) -> tuple[Cause, ...]:
    names = {TIME[name]: cause for name, cause in _CAUSES.items()}
    if _ALLOCATED not in columns:
        names[TIME["pick_released"]] = "warehouse"
    return tuple(names[column] for column in columns)


def _add(beyond: dict[Cause, float], cause: Cause, days: float) -> None:
    if days > 0:
        beyond[cause] = beyond.get(cause, 0.0) + days


def _usual(
    time: WorkingTime, begin: Ints, end: Ints, starts: Ints, ended: np.ndarray[tuple[int]]
) -> float:
    if not ended.any():
        return 0.0
    first = time.of_many(np.maximum(begin, starts)[ended])
    return float(np.median(np.maximum(time.of_many(np.maximum(end, starts)[ended]) - first, 0.0)))
