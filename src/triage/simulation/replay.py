"""One order again, by another way, in a world that otherwise stays as it was. Compiled.

The queues, shelves and waves of the real run are looked up, so a million orders can be asked "what
if" in seconds. The order itself is small against the world: that others would have had to wait for
it, or not, is left out (`tests` compare with whole runs of the world).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from triage.jit import kernel
from triage.simulation.calendar import NEVER, Ints
from triage.simulation.draws import Floats
from triage.simulation.waves import finish

_MOST_TURNS = 6


class Past(NamedTuple):
    """What the real run left behind; lists by site or shelf are laid end to end (`*_from`).

    Attributes:
        wave, wave_from: minutes of waves by site.
        held, pace, closes, resumes: by wave: until when messages stood still; picker minutes a
            minute; ends of this shift and beginning of the next.
        shelf_minute, shelf_free, shelf_from: pieces free by shelf, from each minute on.
        turn_key, turn_started, turn_from: by site x 2 + priority: (queued, ready) of the orders
            picked there as one number, ascending, and when each was begun.
        idle, idle_from: minutes at which the pickers of a site ran out of work.
    """

    wave: Ints
    wave_from: Ints
    held: Ints
    pace: Floats
    closes: Ints
    resumes: Ints
    shelf_minute: Ints
    shelf_free: Ints
    shelf_from: Ints
    turn_key: Ints
    turn_started: Ints
    turn_from: Ints
    idle: Ints
    idle_from: Ints


class Luck(NamedTuple):
    """What befalls each order whichever way it goes, by order (n,); NEVER or 0 for nothing."""

    changes_at: Ints
    change_takes: Ints
    repair: Ints
    recount: Ints
    work: Floats
    allocated: Ints


READY_BITS = 20
"""Bits for the minutes between ready and queued in a turn's key."""


@kernel
def turn_key(queued: int, ready: int) -> int:
    """Return a number that sorts like (queued, ready)."""
    most = (1 << READY_BITS) - 1
    return (queued << READY_BITS) + max(0, min(ready - queued + most, most))


@kernel
def turn_keys(queued: Ints, ready: Ints) -> Ints:
    """Return the keys of (n,) turns."""
    keys = np.empty(len(queued), dtype=np.int64)
    for at in range(len(queued)):
        keys[at] = turn_key(queued[at], ready[at])
    return keys


@kernel
def _first(values: Ints, low: int, high: int, wanted: int) -> int:
    """Return the first place in values[low:high], ascending, that is not below `wanted`."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _free_from(past: Past, shelf: int, pieces: int, minute: int, own: int, own_from: int) -> int:
    """Return the first minute from `minute` on at which so many pieces are free."""
    low, high = past.shelf_from[shelf], past.shelf_from[shelf + 1]
    at = _first(past.shelf_minute, low, high, minute + 1) - 1
    at = max(at, low)
    while at < high:
        since = max(past.shelf_minute[at], minute)
        given_back = own if since >= own_from else 0
        if past.shelf_free[at] + given_back >= pieces:
            return int(since)
        if own > 0 and since < own_from:
            until = past.shelf_minute[at + 1] if at + 1 < high else NEVER
            if own_from < until and past.shelf_free[at] + own >= pieces:
                return int(max(own_from, minute))
        at += 1
    return NEVER


@kernel
def _allocation(
    past: Past, site: int, minute: int, shelves: Ints, pieces: Ints, own: bool, own_from: int
) -> int:
    """Return the number of the first wave from `minute` on at which everything is there, or -1."""
    low, high = past.wave_from[site], past.wave_from[site + 1]
    place = _first(past.wave, low, high, minute)
    while place < high:
        now = past.wave[place]
        needed = now
        for at in range(len(shelves)):
            back = pieces[at] if own else 0
            needed = max(needed, _free_from(past, shelves[at], pieces[at], now, back, own_from))
        if needed == now:
            return int(place)
        if needed >= NEVER:
            return -1
        place = _first(past.wave, place + 1, high, needed)
    return -1


@kernel
def packed_at(
    past: Past,
    luck: Luck,
    order: int,
    site: int,
    priority: int,
    ready: int,
    shelves: Ints,
    pieces: Ints,
    own: bool,
) -> tuple[int, int]:
    """Return when an order would be allocated first and packed, by another way.

    Args:
        past: the real run.
        luck: what befalls orders.
        order: its number.
        site: from where.
        priority: in which queue.
        ready: from when on it may be allocated.
        shelves: where its items lie.
        pieces: how many it takes from each.
        own: whether these are the shelves that it took from in the real run.

    Returns:
        Minutes; NEVER if it would not be packed within the run.
    """
    changed, recounted, released = False, luck.recount[order] == 0, False
    first = NEVER
    for _ in range(_MOST_TURNS):
        place = _allocation(past, site, ready, shelves, pieces, own, luck.allocated[order])
        if place < 0:
            return first, NEVER
        now = past.wave[place]
        if luck.changes_at[order] <= now and not changed:
            changed, ready = True, now + luck.change_takes[order]
            continue
        first = min(first, now)
        queued = now
        if not released:
            reaches = max(now + luck.repair[order], past.held[place])
            if reaches > now:
                place = _first(past.wave, place, past.wave_from[site + 1], reaches)
                if place == past.wave_from[site + 1]:
                    return first, NEVER
                queued = past.wave[place]
            released = True
        started = _started(past, site, priority, queued, ready)
        if started >= NEVER:
            return first, NEVER
        if luck.changes_at[order] <= started and not changed:
            changed, ready = True, started + luck.change_takes[order]
            continue
        if not recounted:
            recounted, ready = True, started + luck.recount[order]
            continue
        place = _first(past.wave, past.wave_from[site], past.wave_from[site + 1], started + 1) - 1
        shift = (past.closes[place], past.resumes[place])
        return first, int(finish(float(started), luck.work[order] / past.pace[place], shift))
    return first, NEVER


@kernel
def _started(past: Past, site: int, priority: int, queued: int, ready: int) -> int:
    """Return when the pickers would begin with an order that joins a queue."""
    lane = 2 * site + priority
    low, high = past.turn_from[lane], past.turn_from[lane + 1]
    behind = _first(past.turn_key, low, high, turn_key(queued, ready))
    begun = past.turn_started[behind] if behind < high else NEVER
    idle = _first(past.idle, past.idle_from[site], past.idle_from[site + 1], queued)
    if idle < past.idle_from[site + 1]:
        begun = min(begun, past.idle[idle])
    return int(max(queued, begun)) if begun < NEVER else NEVER
