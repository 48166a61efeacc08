"""Time inside a simulation: whole minutes of local clock time since the first day, working days.

Days are counted from the first day (a Monday) too. Nothing here knows a wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from triage.domain.free_days import free_days

Ints = npt.NDArray[np.int64]

START = np.datetime64("2025-01-06", "D")
"""The first simulated day of every world (a Monday)."""
HOUR = 60
DAY = 24 * HOUR
OFFICE_OPENS, OFFICE_CLOSES = 8 * HOUR, 17 * HOUR
NEVER = 2**40
"""Stands for a minute after every other one."""
_MARGIN = 500
_WORKED = (
    *(
        "Martin Luther King Jr. Day",
        "Washington's Birthday",
        "Juneteenth National Independence Day",
    ),
    *("Columbus Day", "Veterans Day"),
)


@dataclass(frozen=True)
class Calendar:
    """Working days of a world that lasts `days`: Monday to Friday without the great holidays."""

    days: int

    @cached_property
    def workdays(self) -> Ints:
        """Return the day numbers of all working days, ascending; runs past the end."""
        span = START + np.arange(self.days + _MARGIN)
        return np.flatnonzero(np.is_busday(span, holidays=free_days("US", _WORKED))).astype(
            np.int64
        )

    @cached_property
    def before(self) -> Ints:
        """Return, for each day, the number of working days before it."""
        return np.searchsorted(self.workdays, np.arange(self.days + _MARGIN)).astype(np.int64)

    def ahead(self, day: Ints, working_days: Ints | int) -> Ints:
        """Return the working day so many after the first one that is not before `day`."""
        place = np.minimum(self.before[day] + working_days, len(self.workdays) - 1)
        found: Ints = self.workdays[place]
        return found

    def is_workday(self, day: Ints) -> npt.NDArray[np.bool_]:
        """Return whether each day is a working day."""
        return self.ahead(day, 0) == day

    def after(self, minute: Ints, work: Ints) -> Ints:
        """Return when `work` minutes of office time, counted from `minute`, have passed."""
        length = OFFICE_CLOSES - OFFICE_OPENS
        day = minute // DAY
        worked = np.where(
            self.is_workday(day), np.clip(minute - day * DAY - OFFICE_OPENS, 0, length), 0
        )
        total = worked + work
        return self.ahead(day, total // length) * DAY + OFFICE_OPENS + total % length

    def after_one(self, minute: int, work: int) -> int:
        """Return what `after` says of a single moment, many times as fast."""
        day, length = minute // DAY, OFFICE_CLOSES - OFFICE_OPENS
        number = int(self.before[day])
        worked = 0
        if int(self.workdays[number]) == day:
            worked = min(max(minute - day * DAY - OFFICE_OPENS, 0), length)
        total = worked + work
        begins = int(self.workdays[min(number + total // length, len(self.workdays) - 1)])
        return begins * DAY + OFFICE_OPENS + total % length

    def date(self, day: Ints) -> npt.NDArray[np.datetime64]:
        """Return dates of day numbers."""
        dates: npt.NDArray[np.datetime64] = START + day.astype("timedelta64[D]")
        return dates
