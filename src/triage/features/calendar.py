"""Local time and working days as lookup tables, so that a kernel can read them.

Holidays come from the `holidays` package; offsets from the IANA zone. Days are counted from
1970-01-01 local; tables span 2000 to 2060.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_MINUTE, MICROS_PER_SECOND, to_micros
from triage.domain.free_days import FIRST_YEAR, LAST_YEAR, free_days
from triage.errors import DeclarationError
from triage.jit import kernel

_DAY = MICROS_PER_DAY
_MINUTES_A_DAY = MICROS_PER_DAY // MICROS_PER_MINUTE
_EPOCH = date(1970, 1, 1)


class Calendar(NamedTuple):
    """Tables of one time zone and country.

    Attributes:
        changes: UTC micros at which the offset changes, ascending; first entry is the smallest.
        offsets: offset to add to UTC micros from that moment on.
        first_day: day number (since 1970-01-01) of the first entry of the day tables.
        holidays: number of public holidays before each day.
        workdays: number of working days before each day: Monday to Friday, no holiday on which
            nobody works.
    """

    changes: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    first_day: int
    holidays: npt.NDArray[np.int64]
    workdays: npt.NDArray[np.int64]


@cache
def build(time_zone: str, country: str, worked_holidays: tuple[str, ...] = ()) -> Calendar:
    """Return the tables of an IANA zone and an ISO 3166 country.

    Args:
        time_zone: the zone.
        country: the country.
        worked_holidays: names of public holidays that count as any other day (see `free_days`).

    Raises:
        DeclarationError: if the zone, the country or a holiday is not known.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DeclarationError(f"time zone {time_zone!r} is not an IANA zone") from error
    free = free_days(country, worked_holidays)
    changes, offsets = _offsets(zone)
    first = (date(FIRST_YEAR, 1, 1) - _EPOCH).days
    last = (date(LAST_YEAR, 12, 31) - _EPOCH).days
    days = np.arange(first, last + 1)
    off = np.zeros(len(days), dtype=bool)
    for day in free:
        number = (day - _EPOCH).days - first
        if 0 <= number < len(off):
            off[number] = True
    weekend = (days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    before_holidays = np.concatenate([[0], np.cumsum(off)]).astype(np.int64)
    before_work = np.concatenate([[0], np.cumsum(~off & ~weekend)]).astype(np.int64)
    return Calendar(changes, offsets, first, before_holidays, before_work)


def _offsets(zone: ZoneInfo) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    def offset(moment: datetime) -> int:
        shift = moment.astimezone(zone).utcoffset() or timedelta()
        return int(shift.total_seconds()) * MICROS_PER_SECOND

    start = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    days = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - start).days
    changes, values = [-(2**62)], [offset(start)]
    previous = start
    for number in range(1, days):
        moment = start + timedelta(days=number)
        if offset(moment) != values[-1]:
            low, high = to_micros(previous), to_micros(moment)
            while high - low > MICROS_PER_SECOND:
                middle = (low + high) // 2 // MICROS_PER_SECOND * MICROS_PER_SECOND
                at = datetime.fromtimestamp(middle // MICROS_PER_SECOND, tz=UTC)
                low, high = (middle, high) if offset(at) == values[-1] else (low, middle)
            changes.append(high)
            values.append(offset(moment))
        previous = moment
    return np.array(changes, dtype=np.int64), np.array(values, dtype=np.int64)


@kernel
def local_time(calendar: Calendar, moment: int) -> int:
    """Return local time (micros since 1970-01-01 local) at a moment in UTC micros."""
    low, high = 0, calendar.changes.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if calendar.changes[middle] <= moment:
            low = middle + 1
        else:
            high = middle
    return moment + calendar.offsets[low - 1]


@kernel
def day_at(calendar: Calendar, moment: int) -> int:
    """Return the local day of a moment as a place in the day tables."""
    return local_time(calendar, moment) // _DAY - calendar.first_day


@kernel
def days_counted(table: npt.NDArray[np.int64], first: int, until: int) -> int:
    """Return how many of the days from `first` on, before `until`, a day table counts."""
    last = table.shape[0] - 1
    return table[min(max(until, 0), last)] - table[min(max(first, 0), last)]


@kernel
def worktime(calendar: Calendar, moment: int) -> int:
    """Return minutes of working days, midnight to midnight, that have passed before a moment.

    They count from the first day of the tables, and stand still on other days.
    """
    here = local_time(calendar, moment)
    day = here // _DAY - calendar.first_day
    whole = days_counted(calendar.workdays, 0, day) * _MINUTES_A_DAY
    if days_counted(calendar.workdays, day, day + 1) == 0:
        return whole
    return whole + here % _DAY // MICROS_PER_MINUTE


@kernel
def workdays_between(calendar: Calendar, begin: int, end: int) -> int:
    """Return working days from the day after `begin` to the day of `end` (UTC micros).

    An end at midnight belongs to the day that it ends; negative if the end comes first.
    """
    first, last = day_at(calendar, begin) + 1, day_at(calendar, end - 1) + 1
    return days_counted(calendar.workdays, first, last)
