"""The one kernel that computes a feature row; the matrix is the same kernel, row after row."""

from __future__ import annotations

import math

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, UNKNOWN_TIME
from triage.features.calendar import (
    Calendar,
    day_at,
    days_counted,
    local_time,
    workdays_between,
    worktime,
)
from triage.features.compile import Floats, Ints, Op, Program
from triage.features.facts import STARTS_AT, TIME
from triage.features.index_arrays import IndexArrays, position_from_end, running, segment_of
from triage.features.needs import Needs
from triage.jit import kernel

_NUMBER, _BETWEEN, _SINCE, _UNTIL = int(Op.NUMBER), int(Op.BETWEEN), int(Op.SINCE), int(Op.UNTIL)
_LOG_UNTIL, _HOUR_OF_WEEK = int(Op.LOG_DAYS_UNTIL), int(Op.HOUR_OF_WEEK)
_HOUR, _WEEKDAY, _YEARDAY = int(Op.HOUR_OF_DAY), int(Op.DAY_OF_WEEK), int(Op.DAY_OF_YEAR)
_WEEKDAY_OF, _HOLIDAYS = int(Op.DAY_OF_WEEK_OF), int(Op.HOLIDAYS_UNTIL)
_AHEAD, _LOG_SINCE = int(Op.WORKDAYS_AHEAD), int(Op.LOG_DAYS_SINCE)
_LOG_BETWEEN, _SCARCE_QUANTITY = int(Op.LOG_DAYS_BETWEEN), int(Op.SCARCE_QUANTITY)
_WORKDAYS_BETWEEN = int(Op.WORKDAYS_BETWEEN)
_WORKTIME_UNTIL, _WORKTIME_SINCE = int(Op.WORKTIME_UNTIL), int(Op.WORKTIME_SINCE)
_WORKTIME_AHEAD = int(Op.WORKTIME_AHEAD)
_COUNT, _SUM, _MEAN = int(Op.COUNT), int(Op.SUM), int(Op.MEAN)
_SINCE_LAST, _LAST, _LEVEL = int(Op.SINCE_LAST), int(Op.LAST), int(Op.LEVEL)
_SINCE_NEWEST, _SINCE_MEAN = int(Op.SINCE_NEWEST), int(Op.SINCE_MEAN)
_DIFFERENCE, _RATIO, _TOTAL = int(Op.DIFFERENCE), int(Op.RATIO), int(Op.TOTAL)
_UNKNOWN, _DAY, _A_HOUR = UNKNOWN_TIME, MICROS_PER_DAY, MICROS_PER_HOUR
_DAYS_A_YEAR = 365.2425
_STARTS = TIME[STARTS_AT]
_MINUTES_A_DAY = 1440.0
LOOKED_AT = 512
"""Entries of a window of which `since_newest` takes the newest moment, at most, and those that
became known together with the last of these."""


@kernel
def fill_row(
    program: Program,
    needs: Needs,
    calendar: Calendar,
    index: IndexArrays,
    event: Ints,
    known: Ints,
    numbers: Floats,
    keys: Ints,
    lines: Ints,
    as_of: int,
    spans: Ints,
    out: Floats,
) -> None:
    """Compute the needed slots of one order as of one moment.

    History slots read entries known in [as_of - window, as_of); the order's own facts count from
    the moment they are known, as_of included.

    Args:
        program: compiled tables.
        needs: which slots and cursors.
        calendar: local time and working days.
        index: the as-of index.
        event: the order's times (micros).
        known: when each became known (micros).
        numbers: the order's numbers.
        keys: the order's key numbers.
        lines: (lines, 2 or more): stock key and quantity (thousandths) of each line, the main line
            first.
        as_of: the moment (micros).
        spans: scratch, (cursors, 4).
        out: receives the needed slots; NaN where there is no history or the fact is not known.
    """
    scarce = _scarcest(program, index, lines, as_of)
    scarce_key = lines[scarce, 0] if scarce >= 0 else -1
    _place_cursors(program, needs.cursors, index, keys, scarce_key, as_of, spans)
    for slot in needs.slots:
        op = program.slots[slot, 0]
        if op == _NUMBER:
            out[slot] = numbers[program.slots[slot, 1]] * program.factors[slot, 0]
        elif op == _SCARCE_QUANTITY:
            out[slot] = lines[scarce, 1] * program.factors[slot, 0] if scarce >= 0 else math.nan
        elif op < _COUNT:
            out[slot] = program.factors[slot, 0] * _own(
                op, program.slots[slot, 1], program.slots[slot, 2], calendar, event, known, as_of
            )
        elif op < _DIFFERENCE:
            out[slot] = _history(program, calendar, index, slot, op, as_of, spans, out)
        else:
            a, b = out[program.slots[slot, 1]], out[program.slots[slot, 2]]
            if op == _DIFFERENCE:
                value = a - b
            elif op == _RATIO:
                a, b = a + program.factors[slot, 1], b + program.factors[slot, 2]
                value = a / b if b != 0.0 else math.nan
            elif op == _TOTAL:
                value = a + b
            else:
                value = a * b
            out[slot] = value * program.factors[slot, 0]


@kernel
def fill_matrix(
    program: Program,
    needs: Needs,
    calendar: Calendar,
    index: IndexArrays,
    event: Ints,
    known: Ints,
    numbers: Floats,
    keys: Ints,
    lines: Ints,
    line_at: Ints,
    rows: Ints,
    as_of: Ints,
    out: Floats,
) -> None:
    """Compute a feature row for each pair of an order (row of the book) and a moment.

    `line_at` (orders, 2) says where in `lines` those of an order begin and how many they are.
    """
    spans = np.empty((program.cursors.shape[0], 4), dtype=np.int64)
    for i in range(rows.shape[0]):
        r = rows[i]
        fill_row(
            program, needs, calendar, index, event[r], known[r], numbers[r], keys[r],
            lines[line_at[r, 0] : line_at[r, 0] + line_at[r, 1]], as_of[i], spans, out[i],
        )  # fmt: skip


@kernel
def _scarcest(program: Program, index: IndexArrays, lines: Ints, as_of: int) -> int:
    """Return the line of whose quantity the last known stock covers least, else the main line.

    -1 if no feature asks for it or the order has no lines.
    """
    table, column = program.scarcity[0], program.scarcity[1]
    if table < 0 or lines.shape[0] == 0:
        return -1
    best, least = 0, math.inf
    if lines.shape[0] == 1:
        return best
    for i in range(lines.shape[0]):
        segment = segment_of(index, table, lines[i, 0])
        upto = _known_before(index, segment, as_of)
        if upto > 0:
            columns = program.tables[table, 2]
            cover = _column(index, segment, columns, column, upto - 1, upto) / lines[i, 1]
            if cover < least:
                best, least = i, cover
    return best


@kernel
def _place_cursors(
    program: Program,
    cursors: Ints,
    index: IndexArrays,
    keys: Ints,
    scarce: int,
    as_of: int,
    spans: Ints,
) -> None:
    before = -1
    for cursor in cursors:
        table, window = program.cursors[cursor, 0], program.cursors[cursor, 1]
        of_scarce = program.cursors[cursor, 2]
        if (
            before >= 0
            and program.cursors[before, 0] == table
            and program.cursors[before, 2] == of_scarce
        ):  # another window of the same
            spans[cursor, 0], spans[cursor, 2] = spans[before, 0], spans[before, 2]
        else:
            key = scarce if of_scarce else keys[program.tables[table, 1]]
            segment = segment_of(index, table, key)
            spans[cursor, 0] = segment
            spans[cursor, 2] = _known_before(index, segment, as_of)
        before = cursor
        spans[cursor, 1] = 0
        since = program.cursors[cursor, 3]
        if (window > 0 or since >= 0) and spans[cursor, 2] > 0:
            begins = as_of - window
            if since >= 0:
                key = scarce if of_scarce else keys[program.tables[since, 1]]
                begins = _after_last(index, since, key, as_of)
            start = index.segments[spans[cursor, 0], 0]
            spans[cursor, 1] = position_from_end(index.times, start, spans[cursor, 2], begins)


@kernel
def _after_last(index: IndexArrays, table: int, key: int, as_of: int) -> int:
    """Return the first moment after the last entry became known; `as_of` if there is none.

    What was recorded together with a count is in it.
    """
    segment = segment_of(index, table, key)
    upto = _known_before(index, segment, as_of)
    return index.times[index.segments[segment, 0] + upto - 1] + 1 if upto > 0 else as_of


@kernel
def _known_before(index: IndexArrays, segment: int, as_of: int) -> int:
    """Return how many entries of a segment (-1: there is none) were known before a moment."""
    if segment < 0:
        return 0
    start, count = index.segments[segment, 0], index.segments[segment, 2]
    return position_from_end(index.times, start, count, as_of)


@kernel
def _column(
    index: IndexArrays, segment: int, columns: int, column: int, low: int, high: int
) -> int:
    if segment < 0 or high <= low:
        return 0
    upto = running(index, segment, columns, column, high - 1)
    return upto - running(index, segment, columns, column, low - 1)


@kernel
def _newest(
    index: IndexArrays, segment: int, columns: int, column: int, low: int, high: int
) -> int:
    """Return the largest value of a column among the entries of a span; -1 if none has one."""
    best = -1
    start = index.segments[segment, 0]
    for at in range(high - 1, low - 1, -1):
        if high - at > LOOKED_AT and index.times[start + at] != index.times[start + at + 1]:
            break
        if _column(index, segment, columns, column + 1, at, at + 1):
            best = max(best, _column(index, segment, columns, column, at, at + 1))
    return best


@kernel
def _history(  # noqa: PLR0911 - one return an aggregate
    program: Program,
    calendar: Calendar,
    index: IndexArrays,
    slot: int,
    op: int,
    as_of: int,
    spans: Ints,
    out: Floats,
) -> float:
    cursor, column = program.slots[slot, 3], program.slots[slot, 4]
    segment, low, high = spans[cursor, 0], spans[cursor, 1], spans[cursor, 2]
    columns = program.tables[program.cursors[cursor, 0], 2]
    scale, weight = program.factors[slot, 0], program.factors[slot, 1]
    if (
        segment < 0 or high == 0
    ):  # this key has no history at all, which is not the same as none lately
        parent = program.slots[slot, 5]
        shrinks = op in (_MEAN, _SINCE_NEWEST) and parent >= 0
        return out[parent] if shrinks else program.factors[slot, 2]
    if op in (_COUNT, _LEVEL):
        return scale * _column(index, segment, columns, column, low, high)
    if op == _SINCE_LAST:
        return scale * (as_of - index.times[index.segments[segment, 0] + high - 1]) / _A_HOUR
    if op == _LAST:
        return scale * _column(index, segment, columns, column, high - 1, high)
    if op == _SINCE_NEWEST:
        newest = _newest(index, segment, columns, column, low, high)
        parent = program.slots[slot, 5]
        if newest < 0:
            return out[parent] if parent >= 0 else math.nan
        return scale * (worktime(calendar, as_of) - newest) / _MINUTES_A_DAY
    if op == _SINCE_MEAN:
        held = _column(index, segment, columns, column + 1, low, high)
        if held <= 0:
            return program.factors[slot, 2]
        mean = _column(index, segment, columns, column, low, high) / held
        return scale * (worktime(calendar, as_of) - mean) / _MINUTES_A_DAY
    total = scale * _column(index, segment, columns, column, low, high)
    if op == _SUM:
        return total
    n = float(_column(index, segment, columns, column + 1, low, high))
    parent = program.slots[slot, 5]
    if parent >= 0 and not math.isnan(out[parent]):
        total, n = total + weight * out[parent], n + weight
    return total / n if n > 0 else math.nan


@kernel
def _own(  # noqa: PLR0911, PLR0912 - one branch an operation
    op: int, a: int, b: int, calendar: Calendar, event: Ints, known: Ints, as_of: int
) -> float:
    """Return what one operation makes of the order's own times.

    The time that a deadline leaves counts from `as_of`, or from the start of work if that is later.
    """
    if a >= 0 and (known[a] == _UNKNOWN or known[a] > as_of):
        return math.nan
    begin = max(as_of, event[_STARTS])
    if op == _BETWEEN:
        if known[b] == _UNKNOWN or known[b] > as_of:
            return math.nan
        return float(event[b] - event[a])
    if op == _LOG_BETWEEN:
        if known[b] == _UNKNOWN or known[b] > as_of:
            return math.nan
        return math.log1p(max(event[b] - event[a], 0) / _DAY)
    if op == _WORKDAYS_BETWEEN:
        if known[b] == _UNKNOWN or known[b] > as_of:
            return math.nan
        return float(workdays_between(calendar, event[a], event[b]))
    if op == _SINCE:
        return float(as_of - event[a])
    if op == _LOG_SINCE:
        return math.log1p(max(as_of - event[a], 0) / _DAY)
    if op == _UNTIL:
        return float(event[a] - begin)
    if op == _LOG_UNTIL:
        return math.log1p(max(event[a] - begin, 0) / _DAY)
    if op == _WORKTIME_UNTIL:
        return (worktime(calendar, event[a]) - worktime(calendar, begin)) / _MINUTES_A_DAY
    if op == _WORKTIME_SINCE:
        return (worktime(calendar, as_of) - worktime(calendar, event[a])) / _MINUTES_A_DAY
    if op == _WORKTIME_AHEAD:
        left = worktime(calendar, event[a]) - worktime(calendar, as_of)
        return max(left, 0) / _MINUTES_A_DAY
    here = local_time(calendar, as_of)
    if op == _HOUR_OF_WEEK:
        return float((here + 3 * _DAY) % (7 * _DAY) / _A_HOUR)
    if op == _HOUR:
        return float((here % _DAY) / _A_HOUR)
    if op == _WEEKDAY:
        return float((here // _DAY + 3) % 7)
    if op == _YEARDAY:
        return float((here / _DAY) % _DAYS_A_YEAR)
    if op == _AHEAD:
        tomorrow = day_at(calendar, as_of) + 1
        return float(days_counted(calendar.workdays, tomorrow, tomorrow + b))
    # a deadline at midnight belongs to the day that it ends
    if op == _WEEKDAY_OF:
        return float((local_time(calendar, event[a] - 1) // _DAY + 3) % 7)
    if op == _HOLIDAYS:
        until = day_at(calendar, event[a] - 1) + 1
        return float(days_counted(calendar.holidays, day_at(calendar, begin) + 1, until))
    return float(workdays_between(calendar, begin, event[a]))
