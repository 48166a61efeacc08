"""One wave of a site: receive, allocate, release, pick. Compiled."""

from __future__ import annotations

from triage.jit import kernel
from triage.simulation.calendar import NEVER
from triage.simulation.floor import (
    ARRIVALS,
    CANCELLED,
    FUTURE,
    NONE,
    PICK,
    PICKED,
    QUEUED,
    RELEASES,
    RELEASING,
    WAIT,
    WAITING,
    Floor,
)  # fmt: skip
from triage.simulation.queues import append, is_due, leave, pop, push, unlink
from triage.simulation.shelves import all_there, receive, take, want

ALONE = 45
"""Minutes from wave to packed where pickers are never short."""


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
    receive(floor, site, now)
    while is_due(floor, site, ARRIVALS, now):
        order = pop(floor, site, ARRIVALS)
        if floor.status[order] == FUTURE and floor.site[order] == site:
            floor.status[order] = WAITING
            want(floor, order, 1)
            append(floor, WAIT, order)
    while is_due(floor, site, RELEASES, now):
        order = pop(floor, site, RELEASES)
        if floor.status[order] == RELEASING:
            floor.status[order] = QUEUED
            floor.queued[order] = floor.released[order] = now
            append(floor, PICK, order)
    _allocate(floor, site, now, held, endless)
    _pick(floor, site, now, end, shift, pace, endless, hands)


@kernel
def _allocate(floor: Floor, site: int, now: int, held: int, endless: bool) -> None:
    for priority in range(2):
        before, order = NONE, floor.ends[site, WAIT, priority, 0]
        while order != NONE:
            after = floor.link[order]
            if _is_called_off(floor, order, now):
                unlink(floor, WAIT, before, order)
                want(floor, order, -1)
            elif endless or all_there(floor, order):
                unlink(floor, WAIT, before, order)
                want(floor, order, -1)
                take(floor, order, 1)
                floor.allocated[order] = now
                floor.first_allocated[order] = min(floor.first_allocated[order], now)
                reaches = now
                if floor.released[order] == NEVER:
                    reaches = max(now + floor.repair[order], held)
                if reaches > now:
                    floor.status[order] = RELEASING
                    push(floor, site, RELEASES, reaches, order)
                else:
                    floor.status[order], floor.queued[order] = QUEUED, now
                    floor.released[order] = min(floor.released[order], now)
                    append(floor, PICK, order)
            else:
                if floor.short_since[order] == NEVER:
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
            if order == NONE:
                break
            unlink(floor, PICK, NONE, order)
            moment = int(clock)
            if _is_called_off(floor, order, moment):
                take(floor, order, -1)
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
            take(floor, order, -1)
            if not endless:
                for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
                    floor.on_hand[floor.cell[line]] -= floor.quantity[line]
    floor.busy[site] = clock if hands else float(now)


@kernel
def _is_called_off(floor: Floor, order: int, now: int) -> bool:
    """Return whether the customer takes an order off the floor: for good, or to change it."""
    if floor.gives_up[order] <= now:
        floor.status[order], floor.cancelled[order] = CANCELLED, now
        return True
    if floor.changes_at[order] <= now and floor.changed[order] == 0:
        floor.changed[order], floor.change_seen[order] = 1, floor.changes_at[order]
        _put_off(floor, order, now + floor.change_takes[order])
        return True
    return False


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
        take(floor, order, -1)
        floor.on_hand[cell] = max(floor.taken[cell], floor.on_hand[cell] - floor.quantity[line])
        _put_off(floor, order, moment + floor.recount[order])
        return True
    return False


@kernel
def _put_off(floor: Floor, order: int, until: int) -> None:
    floor.status[order] = FUTURE
    floor.ready[order] = until
    push(floor, floor.site[order], ARRIVALS, until, order)


@kernel
def take_out(floor: Floor, order: int) -> bool:
    """Take an order that waits for stock out of its list; returns whether it was there."""
    if floor.status[order] != WAITING:
        return False
    leave(floor, WAIT, order)
    want(floor, order, -1)
    floor.status[order] = FUTURE
    return True
