"""The warehouse floor between two waves: receive, allocate, release, pick. Compiled.

One call moves one site from a wave to the next. Queues are linked lists by site and priority; what
waits for a moment (an approval, a repaired message, a recount) stands in a heap by that moment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.jit import kernel
from triage.simulation.calendar import Ints
from triage.simulation.draws import Floats

FUTURE, WAITING, RELEASING, QUEUED, PICKED, CANCELLED = range(6)
"""Where an order stands: not there yet, waits for stock, message on its way, to pick, done."""
WAIT, PICK = 0, 1
_NONE = -1
_NEVER = 2**40
PICK_BASE, PICK_LINE = 4.0, 3.0
"""Picker minutes for an order, and for each of its lines."""
ALONE = 45
"""Minutes from wave to packed where pickers are never short."""


class Floor(NamedTuple):
    """Everything that waves read and change. n orders, m lines, c = sites x skus cells.

    Attributes:
        first, lines, work: (n,) lines of an order; picker minutes.
        cell, quantity: (m,) where a line's item lies; pieces.
        phantom: (m,) whether the shelf is empty though the system shows stock.
        gives_up, changes_at, change_takes, repair, recount, partial: (n,) what will befall it.
        site, priority, status, changed, shorted: (n,) state.
        ready, short_since, first_allocated, allocated, released, queued, started, packed,
            cancelled, change_seen, short_at: (n,) moments, NEVER where it did not happen;
            `released` is the first time in a queue, `allocated` and `queued` are the last.
        in_full: (n,) whether everything ordered was shipped.
        on_hand, taken, wanted, inbound: (c,) pieces: on the shelf by the system, promised to
            orders, asked for by orders that wait, on their way.
        link: (n,) next order of the same list.
        ends: (sites, 2, 2, 2) list by kind and priority: head and tail.
        due_time, due_what, due_size: (sites, 3, room) and (sites, 3): heaps of arrivals (0),
            released orders (1) and inbound deliveries (2).
        po_cell, po_pieces: inbound deliveries by number.
        busy: (sites,) until when the pickers are busy.
        touched: (c,) whether something changed since `changed_cells` was last asked.
    """

    first: Ints
    lines: Ints
    work: Floats
    cell: Ints
    quantity: Ints
    phantom: npt.NDArray[np.bool_]
    gives_up: Ints
    changes_at: Ints
    change_takes: Ints
    repair: Ints
    recount: Ints
    partial: npt.NDArray[np.bool_]
    site: Ints
    priority: Ints
    status: Ints
    changed: Ints
    shorted: Ints
    ready: Ints
    short_since: Ints
    first_allocated: Ints
    allocated: Ints
    released: Ints
    queued: Ints
    started: Ints
    packed: Ints
    cancelled: Ints
    change_seen: Ints
    short_at: Ints
    in_full: npt.NDArray[np.bool_]
    on_hand: Ints
    taken: Ints
    wanted: Ints
    inbound: Ints
    link: Ints
    ends: npt.NDArray[np.int64]
    due_time: npt.NDArray[np.int64]
    due_what: npt.NDArray[np.int64]
    due_size: npt.NDArray[np.int64]
    po_cell: Ints
    po_pieces: Ints
    busy: Floats
    touched: npt.NDArray[np.bool_]


@kernel
def push(floor: Floor, site: int, kind: int, time: int, what: int) -> None:
    """Put something into a heap, to be taken out when its time has come (ties: by number)."""
    times, whats = floor.due_time[site, kind], floor.due_what[site, kind]
    at = floor.due_size[site, kind]
    floor.due_size[site, kind] = at + 1
    while at > 0:
        above = (at - 1) // 2
        if times[above] < time or (times[above] == time and whats[above] <= what):
            break
        times[at], whats[at] = times[above], whats[above]
        at = above
    times[at], whats[at] = time, what


@kernel
def _pop(floor: Floor, site: int, kind: int) -> int:
    times, whats = floor.due_time[site, kind], floor.due_what[site, kind]
    found = whats[0]
    size = floor.due_size[site, kind] - 1
    floor.due_size[site, kind] = size
    time, what = times[size], whats[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        right = below + 1
        if right < size and (
            times[right] < times[below]
            or (times[right] == times[below] and whats[right] < whats[below])
        ):
            below = right
        if time < times[below] or (time == times[below] and what <= whats[below]):
            break
        times[at], whats[at] = times[below], whats[below]
        at = below
    times[at], whats[at] = time, what
    return int(found)


@kernel
def _append(floor: Floor, site: int, kind: int, order: int) -> None:
    ends = floor.ends[site, kind, floor.priority[order]]
    floor.link[order] = _NONE
    if ends[0] == _NONE:
        ends[0] = order
    else:
        floor.link[ends[1]] = order
    ends[1] = order


@kernel
def _unlink(floor: Floor, site: int, kind: int, priority: int, before: int, order: int) -> None:
    ends = floor.ends[site, kind, priority]
    if before == _NONE:
        ends[0] = floor.link[order]
    else:
        floor.link[before] = floor.link[order]
    if ends[1] == order:
        ends[1] = before


@kernel
def take_out(floor: Floor, order: int) -> bool:
    """Take an order that waits for stock out of its list; returns whether it was there."""
    if floor.status[order] != WAITING:
        return False
    site, priority = floor.site[order], floor.priority[order]
    before, here = _NONE, floor.ends[site, WAIT, priority, 0]
    while here != order:
        before, here = here, floor.link[here]
    _unlink(floor, site, WAIT, priority, before, order)
    _want(floor, order, -1)
    floor.status[order] = FUTURE
    return True


@kernel
def _want(floor: Floor, order: int, sign: int) -> None:
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        floor.wanted[floor.cell[line]] += sign * floor.quantity[line]


@kernel
def _take(floor: Floor, order: int, sign: int) -> None:
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        floor.taken[floor.cell[line]] += sign * floor.quantity[line]
        floor.touched[floor.cell[line]] = True


@kernel
def _all_there(floor: Floor, order: int) -> bool:
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        cell = floor.cell[line]
        if floor.on_hand[cell] - floor.taken[cell] < floor.quantity[line]:
            return False
    return True


@kernel
def _put_off(floor: Floor, order: int, until: int) -> None:
    floor.status[order] = FUTURE
    floor.ready[order] = until
    push(floor, floor.site[order], 0, until, order)


@kernel
def wave(
    floor: Floor,
    site: int,
    now: int,
    end: int,
    shift: tuple[int, int],
    pace: float,
    held: int,
    endless: bool,
    hands: bool,
) -> None:
    """Move one site from a wave to the next.

    Args:
        floor: the state of all sites.
        site: which one.
        now: minute at which the wave begins.
        end: minute at which the pickers stop for the next.
        shift: minutes at which the shift ends and the next one begins.
        pace: picker minutes that pass in a minute.
        held: until when no message reaches the floor (0: messages pass).
        endless: whether stock is always there.
        hands: whether pickers are ever short; if not, each order is packed `ALONE` later.
    """
    _receive(floor, site, now)
    while floor.due_size[site, 0] > 0 and floor.due_time[site, 0, 0] <= now:
        order = _pop(floor, site, 0)
        if floor.status[order] == FUTURE and floor.site[order] == site:
            floor.status[order] = WAITING
            _want(floor, order, 1)
            _append(floor, site, WAIT, order)
    while floor.due_size[site, 1] > 0 and floor.due_time[site, 1, 0] <= now:
        order = _pop(floor, site, 1)
        if floor.status[order] == RELEASING:
            floor.status[order] = QUEUED
            floor.queued[order] = floor.released[order] = now
            _append(floor, site, PICK, order)
    _allocate(floor, site, now, held, endless)
    _pick(floor, site, now, end, shift, pace, endless, hands)


@kernel
def _receive(floor: Floor, site: int, now: int) -> None:
    while floor.due_size[site, 2] > 0 and floor.due_time[site, 2, 0] <= now:
        delivery = _pop(floor, site, 2)
        cell, pieces = floor.po_cell[delivery], floor.po_pieces[delivery]
        floor.on_hand[cell] += pieces
        floor.inbound[cell] -= pieces
        floor.touched[cell] = True


@kernel
def _allocate(floor: Floor, site: int, now: int, held: int, endless: bool) -> None:
    for priority in range(2):
        before, order = _NONE, floor.ends[site, WAIT, priority, 0]
        while order != _NONE:
            after = floor.link[order]
            if floor.gives_up[order] <= now:
                _unlink(floor, site, WAIT, priority, before, order)
                _want(floor, order, -1)
                floor.status[order], floor.cancelled[order] = CANCELLED, now
            elif floor.changes_at[order] <= now and floor.changed[order] == 0:
                _unlink(floor, site, WAIT, priority, before, order)
                _want(floor, order, -1)
                floor.changed[order], floor.change_seen[order] = 1, floor.changes_at[order]
                _put_off(floor, order, now + floor.change_takes[order])
            elif endless or _all_there(floor, order):
                _unlink(floor, site, WAIT, priority, before, order)
                _want(floor, order, -1)
                _take(floor, order, 1)
                floor.allocated[order] = now
                floor.first_allocated[order] = min(floor.first_allocated[order], now)
                reaches = now
                if floor.released[order] == _NEVER:
                    reaches = max(now + floor.repair[order], held)
                if reaches > now:
                    floor.status[order] = RELEASING
                    push(floor, site, 1, reaches, order)
                else:
                    floor.status[order], floor.queued[order] = QUEUED, now
                    floor.released[order] = min(floor.released[order], now)
                    _append(floor, site, PICK, order)
            else:
                if floor.short_since[order] == _NEVER:
                    floor.short_since[order] = now
                before = order
            order = after


@kernel
def finish(begun: float, minutes: float, shift: tuple[int, int]) -> float:
    """Return when work is done that goes on in the next shift if this one ends before."""
    done = begun + minutes
    return done if done <= shift[0] else shift[1] + done - shift[0]


@kernel
def _pick(
    floor: Floor,
    site: int,
    now: int,
    end: int,
    shift: tuple[int, int],
    pace: float,
    endless: bool,
    hands: bool,
) -> None:
    clock = max(float(now), floor.busy[site])
    for priority in range(2):
        while clock < end:
            order = floor.ends[site, PICK, priority, 0]
            if order == _NONE:
                break
            _unlink(floor, site, PICK, priority, _NONE, order)
            moment = int(clock)
            if floor.gives_up[order] <= moment:
                _take(floor, order, -1)
                floor.status[order], floor.cancelled[order] = CANCELLED, moment
                continue
            if floor.changes_at[order] <= moment and floor.changed[order] == 0:
                _take(floor, order, -1)
                floor.changed[order], floor.change_seen[order] = 1, floor.changes_at[order]
                _put_off(floor, order, moment + floor.change_takes[order])
                continue
            if not endless and floor.shorted[order] == 0 and _short(floor, order, moment):
                continue
            floor.started[order] = moment
            if hands:
                clock = finish(clock, floor.work[order] / pace, shift)
                floor.packed[order] = int(clock)
            else:
                floor.packed[order] = now + ALONE
            floor.status[order] = PICKED
            _take(floor, order, -1)
            if not endless:
                for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
                    floor.on_hand[floor.cell[line]] -= floor.quantity[line]
    floor.busy[site] = clock if hands else float(now)


@kernel
def _short(floor: Floor, order: int, moment: int) -> bool:
    """Find that a shelf is empty; returns whether the order has to wait for a recount."""
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        if not floor.phantom[line]:
            continue
        cell = floor.cell[line]
        floor.shorted[order], floor.short_at[order] = 1, moment
        if floor.partial[order]:
            floor.in_full[order] = False
            return False
        _take(floor, order, -1)
        floor.on_hand[cell] = max(floor.taken[cell], floor.on_hand[cell] - floor.quantity[line])
        _put_off(floor, order, moment + floor.recount[order])
        return True
    return False


@kernel
def reorder(
    floor: Floor,
    site: int,
    skus: int,
    point: Ints,
    target: Ints,
    due: Ints,
    made: int,
) -> int:
    """Order what has run low at a site.

    Args:
        floor: the state of all sites.
        site: which one.
        skus: number of items.
        point: (c,) pieces below which is ordered.
        target: (c,) pieces up to which is ordered.
        due: (skus,) when an order made now arrives.
        made: number of deliveries ordered so far.

    Returns:
        The number ordered after it.
    """
    for sku in range(skus):
        cell = site * skus + sku
        if target[cell] == 0:
            continue
        position = (
            floor.on_hand[cell] - floor.taken[cell] - floor.wanted[cell] + floor.inbound[cell]
        )
        if position < point[cell] and made < len(floor.po_cell):
            floor.po_cell[made], floor.po_pieces[made] = cell, target[cell] - position
            floor.inbound[cell] += target[cell] - position
            push(floor, site, 2, due[sku], made)
            made += 1
    return made


@kernel
def push_all(floor: Floor, orders: Ints, starts: Ints) -> None:
    """Send orders to their sites, each from its own minute on."""
    for at in range(len(orders)):
        floor.ready[orders[at]] = starts[at]
        push(floor, floor.site[orders[at]], 0, starts[at], orders[at])


@kernel
def changed_cells(floor: Floor, site: int, skus: int) -> Ints:
    """Return (k, 4) cell, on hand, taken, inbound of what changed since this was last asked."""
    count = 0
    for cell in range(site * skus, (site + 1) * skus):
        count += floor.touched[cell]
    rows = np.empty((count, 4), dtype=np.int64)
    at = 0
    for cell in range(site * skus, (site + 1) * skus):
        if floor.touched[cell]:
            rows[at] = (cell, floor.on_hand[cell], floor.taken[cell], floor.inbound[cell])
            floor.touched[cell] = False
            at += 1
    return rows


@kernel
def raise_priority(floor: Floor, order: int) -> None:
    """Put an order into the first queue of its site, wherever it stands; it joins at the end."""
    status = floor.status[order]
    if floor.priority[order] == 0:
        return
    if status in (WAITING, QUEUED):
        kind = WAIT if status == WAITING else PICK
        site, priority = floor.site[order], floor.priority[order]
        before, here = _NONE, floor.ends[site, kind, priority, 0]
        while here != order:
            before, here = here, floor.link[here]
        _unlink(floor, site, kind, priority, before, order)
        floor.priority[order] = 0
        _append(floor, site, kind, order)
    floor.priority[order] = 0
