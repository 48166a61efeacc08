"""Other ways for orders, replayed one after the other against the real run. Compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.jit import kernel
from triage.simulation.calendar import NEVER, Ints
from triage.simulation.replay import Luck, Past, packed_at

ACTIONS = ("other_warehouse", "faster_service", "split", "substitute", "expedite_approval")
MOVE, FASTER, SPLIT, SUBSTITUTE, EXPEDITE = range(5)
Bools = npt.NDArray[np.bool_]


class Baskets(NamedTuple):
    """What n orders ask for, and from where they ship by themselves.

    Attributes:
        site, priority, first, lines: (n,) by order.
        sku, quantity: (m,) by line.
        substitute: (skus,) an item that does the same, or -1.
        stocked: (skus, sites) what is kept where.
    """

    site: Ints
    priority: Ints
    first: Ints
    lines: Ints
    sku: Ints
    quantity: Ints
    substitute: Ints
    stocked: Bools


@kernel
def replay_all(
    past: Past,
    luck: Luck,
    baskets: Baskets,
    order: Ints,
    action: Ints,
    site: Ints,
    priority: Ints,
    ready: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Return when each of k ways is allocated and packed, and for splits the part that stays.

    Args:
        past: the real run.
        luck: what befalls orders.
        baskets: what they ask for.
        order: (k,) which order.
        action: (k,) number in ACTIONS.
        site: (k,) from where (splits: the second part).
        priority: (k,) in which queue.
        ready: (k,) from when on.

    Returns:
        Three arrays (k,) of minutes; NEVER where the way cannot be gone.
    """
    allocated = np.full(len(order), NEVER, dtype=np.int64)
    packed = np.full(len(order), NEVER, dtype=np.int64)
    stays = np.full(len(order), NEVER, dtype=np.int64)
    skus = len(baskets.substitute)
    for at in range(len(order)):
        o = order[at]
        lines = slice(baskets.first[o], baskets.first[o] + baskets.lines[o])
        sku, pieces = baskets.sku[lines], baskets.quantity[lines]
        home, queue = baskets.site[o], baskets.priority[o]
        if action[at] == SPLIT or action[at] == SUBSTITUTE:
            short = _short(past, home, home * skus + sku, pieces, ready[at])
            if not short.any():
                continue
            if action[at] == SUBSTITUTE:
                other = _substituted(past, baskets, home, sku, pieces, short, ready[at])
                if len(other):
                    allocated[at], packed[at] = packed_at(
                        past, luck, o, home, queue, ready[at], home * skus + other, pieces, False
                    )
            elif not short.all() and baskets.stocked[:, site[at]][sku[short]].all():
                there, left = site[at] * skus + sku[short], home * skus + sku[~short]
                _, stays[at] = packed_at(
                    past, luck, o, home, queue, ready[at], left, pieces[~short], False
                )
                allocated[at], packed[at] = packed_at(
                    past, luck, o, site[at], priority[at], ready[at], there, pieces[short], False
                )
            continue
        shelves = site[at] * skus + sku
        allocated[at], packed[at] = packed_at(
            past, luck, o, site[at], priority[at], ready[at], shelves, pieces, site[at] == home
        )
    return allocated, packed, stays


@kernel
def _short(past: Past, site: int, shelves: Ints, pieces: Ints, ready: int) -> Bools:
    """Return which lines are not there at the first wave from a minute on."""
    short = np.zeros(len(shelves), dtype=np.bool_)
    now = _next_wave(past, site, ready)
    for at in range(len(shelves)):
        short[at] = not _is_free(past, shelves[at], pieces[at], now)
    return short


@kernel
def _substituted(
    past: Past, baskets: Baskets, site: int, sku: Ints, pieces: Ints, short: Bools, ready: int
) -> Ints:
    """Return the items with those that are short replaced; none if one cannot be."""
    skus = len(baskets.substitute)
    now = _next_wave(past, site, ready)
    items = sku.copy()
    for at in np.flatnonzero(short):
        other = baskets.substitute[sku[at]]
        if other < 0 or not baskets.stocked[other, site] or (items == other).any():
            return items[:0]
        if not _is_free(past, site * skus + other, pieces[at], now):
            return items[:0]
        items[at] = other
    return items


@kernel
def _next_wave(past: Past, site: int, minute: int) -> int:
    low, high = past.wave_from[site], past.wave_from[site + 1]
    place = low + np.searchsorted(past.wave[low:high], minute)
    return int(past.wave[place]) if place < high else NEVER


@kernel
def _is_free(past: Past, shelf: int, pieces: int, minute: int) -> bool:
    low, high = past.shelf_from[shelf], past.shelf_from[shelf + 1]
    place = low + np.searchsorted(past.shelf_minute[low:high], minute, side="right") - 1
    return place >= low and past.shelf_free[place] >= pieces
