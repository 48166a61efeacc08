"""What an order (line, exception, ...) puts into each stream: a pure function of what is known.

Because it is pure, the live index moves by the difference between the entries before and after a
record, so late, duplicate and disordered records give the same state as the ordered stream. An
entry whose time is before T depends only on records known before T: that is the as-of law.
"""

from __future__ import annotations

import math

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_MINUTE, NEVER, UNKNOWN_TIME
from triage.features.calendar import Calendar, local_time, workdays_between, worktime
from triage.features.compile import Floats, Ints, Program, StreamKind, ValueKind
from triage.features.facts import TIME, TIMES_OF, Subject
from triage.jit import kernel

_CREATED = TIME["order_created"]
_DELIVERED = TIME["delivered"]
_CANCELLED = TIME["order_cancelled"]
_PROMISED = TIME["promised_by"]
_ORDER, _LINE, _POSITION = int(Subject.ORDER), int(Subject.LINE), int(StreamKind.POSITION)
_LINE_CANCELLED = TIMES_OF[Subject.LINE].index("line_cancelled")
_EVENT, _INTERVAL = int(StreamKind.EVENT), int(StreamKind.INTERVAL)
_OUTCOME, _CHECKPOINT = int(StreamKind.OUTCOME), int(StreamKind.CHECKPOINT)
_MINUTES, _LOG_DAYS = int(ValueKind.MINUTES), int(ValueKind.LOG_DAYS)
_AFTER, _NUMBER, _LATE = int(ValueKind.AFTER), int(ValueKind.NUMBER), int(ValueKind.LATE)
_WORKDAYS, _WORKTIME = int(ValueKind.WORKDAYS), int(ValueKind.WORKTIME)
_CLOCK = int(ValueKind.CLOCK)
_MOST_DAYS = 400
_LONGEST = _MOST_DAYS * 24 * 60
_MINUTE, _DAY, _NEVER, _UNKNOWN = MICROS_PER_MINUTE, MICROS_PER_DAY, NEVER, UNKNOWN_TIME


@kernel
def entries_of(  # noqa: PLR0912, PLR0915
    program: Program,
    calendar: Calendar,
    subject: int,
    first: int,
    last: int,
    event: Ints,
    known: Ints,
    numbers: Floats,
    out_stream: Ints,
    out_time: Ints,
    out_values: Ints,
) -> int:
    """Write the entries of one order (line, ...) and return how many there are.

    Args:
        program: compiled tables.
        calendar: local time and working days.
        subject: what it is (`facts.Subject`); streams of other subjects are passed over.
        first: the first stream to look at.
        last: the stream to stop before.
        event: when each time of `facts.TIMES_OF` was (micros; `UNKNOWN_TIME`: not known).
        known: when each became known (same columns).
        numbers: its numbers.
        out_stream: receives the stream of each entry.
        out_time: receives the moment from which the entry is known.
        out_values: receives the columns: count, then sum and number of each value.
    """
    n = 0
    if known[_CREATED] == _UNKNOWN:
        return 0
    cancelled, delivered, late_at = _NEVER, _NEVER, _NEVER
    if subject == _ORDER:
        cancelled = known[_CANCELLED] if known[_CANCELLED] != _UNKNOWN else _NEVER
        delivered = known[_DELIVERED] if known[_DELIVERED] != _UNKNOWN else _NEVER
        late_at = event[_PROMISED] + program.tolerance
    elif subject == _LINE and known[_LINE_CANCELLED] != _UNKNOWN:
        cancelled = known[_LINE_CANCELLED]
    for stream in range(first, last):
        if program.streams[stream, 9] != subject:
            continue
        kind = program.streams[stream, 0]
        start = program.streams[stream, 1]
        if kind in (_EVENT, _POSITION):
            if known[start] == _UNKNOWN:
                continue
            _open_entry(out_stream, out_time, out_values, n, stream, known[start])
            out_values[n, 0] = 1
            moment = known[start]
            _values(program, calendar, stream, event, known, numbers, moment, 0, out_values[n])
            n += 1
        elif kind == _INTERVAL:
            if known[start] == _UNKNOWN:
                continue
            opened = max(known[start], event[start])
            begin = max(opened + program.streams[stream, 3], known[start])
            end = opened + program.streams[stream, 4]
            stop = known[program.streams[stream, 2]]
            if stop != _UNKNOWN:
                end = min(end, stop)
            end = min(end, cancelled)
            if end <= begin:
                continue
            for moment, sign in ((begin, 1), (end, -1)):
                _open_entry(out_stream, out_time, out_values, n, stream, moment)
                out_values[n, 0] = 1
                _values(program, calendar, stream, event, known, numbers, moment, 0, out_values[n])
                out_values[n] *= sign
                n += 1
        elif kind == _CHECKPOINT:
            if known[start] == _UNKNOWN:
                continue
            opened = max(known[start], event[start])
            wait = program.streams[stream, 3]
            if program.streams[stream, 8] > 0:
                wait = (event[_PROMISED] - opened) // 1000 * program.streams[stream, 8]
            moment = opened + max(wait, 0)
            stop = known[program.streams[stream, 2]]
            if cancelled < moment:
                continue
            _open_entry(out_stream, out_time, out_values, n, stream, moment)
            out_values[n, 0] = 1
            open_ = 1 if stop == _UNKNOWN or stop >= moment else 0
            _values(program, calendar, stream, event, known, numbers, moment, open_, out_values[n])
            n += 1
        elif kind == _OUTCOME:
            decided = max(late_at, known[_CREATED])
            if cancelled <= min(delivered, decided):
                continue
            truly_late = 1 if delivered == _NEVER or event[_DELIVERED] >= late_at else 0
            in_time = delivered <= decided
            moment = delivered if in_time else decided
            late = truly_late if in_time else 1
            if start >= 0 and (known[start] == _UNKNOWN or known[start] > moment):
                continue
            _open_entry(out_stream, out_time, out_values, n, stream, moment)
            out_values[n, 0] = 1
            _values(program, calendar, stream, event, known, numbers, moment, late, out_values[n])
            n += 1
            if not in_time and truly_late == 0:
                # delivered in time, recorded after the promise: counted late until it was known
                _open_entry(out_stream, out_time, out_values, n, stream, delivered)
                _correct_late(program, stream, out_values[n])
                n += 1
    return n


@kernel
def _open_entry(
    out_stream: Ints, out_time: Ints, out_values: Ints, n: int, stream: int, moment: int
) -> None:
    out_stream[n] = stream
    out_time[n] = moment
    out_values[n, :] = 0


@kernel
def _values(  # noqa: PLR0912 - one branch a kind of value
    program: Program,
    calendar: Calendar,
    stream: int,
    event: Ints,
    known: Ints,
    numbers: Floats,
    moment: int,
    flag: int,
    out: Ints,
) -> None:
    first = program.streams[stream, 6]
    for j in range(program.streams[stream, 7]):
        kind, a, b, per = program.values[first + j]
        column = 1 + 2 * j
        if kind in (_MINUTES, _LOG_DAYS, _AFTER, _WORKDAYS, _WORKTIME, _CLOCK):
            if known[a] == _UNKNOWN or known[b] == _UNKNOWN:
                continue
            if known[a] > moment or known[b] > moment:
                continue
            minutes = max(-_LONGEST, min(_LONGEST, (event[b] - event[a]) // _MINUTE))
            if kind == _MINUTES:
                out[column] = minutes
            elif kind == _WORKDAYS:
                out[column] = _within_reach(workdays_between(calendar, event[a], event[b]))
            elif kind == _WORKTIME:
                out[column] = worktime(calendar, event[a])
            elif kind == _CLOCK:
                out[column] = local_time(calendar, event[a]) % _DAY // _MINUTE
            elif kind == _LOG_DAYS:
                out[column] = int(np.rint(10_000 * math.log1p(max(minutes, 0) / 1440)))
            else:
                out[column] = 1 if event[b] > event[a] else 0
        elif kind == _NUMBER:
            if np.isnan(numbers[a]):
                continue
            out[column] = int(np.rint(numbers[a] * per))
        else:
            out[column] = flag
        out[column + 1] = 1


@kernel
def _within_reach(days: int) -> int:
    return max(-_MOST_DAYS, min(_MOST_DAYS, days))


@kernel
def _correct_late(program: Program, stream: int, out: Ints) -> None:
    first = program.streams[stream, 6]
    for j in range(program.streams[stream, 7]):
        if program.values[first + j, 0] == _LATE:
            out[1 + 2 * j] = -1
