"""Pieces on the shelves: promised, asked for, there or not, ordered anew. Compiled."""

from __future__ import annotations

import numpy as np

from triage.errors import SimulationError
from triage.jit import kernel
from triage.simulation.calendar import Ints
from triage.simulation.floor import INBOUND, Floor
from triage.simulation.queues import is_due, pop, push


@kernel
def want(floor: Floor, order: int, sign: int) -> None:
    """Ask for the pieces of an order that waits (1), or no longer (-1)."""
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        floor.wanted[floor.cell[line]] += sign * floor.quantity[line]


@kernel
def take(floor: Floor, order: int, sign: int) -> None:
    """Promise the pieces of an order to it (1), or no longer (-1)."""
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        floor.taken[floor.cell[line]] += sign * floor.quantity[line]
        floor.touched[floor.cell[line]] = True


@kernel
def all_there(floor: Floor, order: int) -> bool:
    """Return whether every piece of an order is free; no item stands in an order twice."""
    for line in range(floor.first[order], floor.first[order] + floor.lines[order]):
        cell = floor.cell[line]
        if floor.on_hand[cell] - floor.taken[cell] < floor.quantity[line]:
            return False
    return True


@kernel
def receive(floor: Floor, site: int, now: int) -> None:
    """Put on the shelves of a site what has been delivered to it."""
    while is_due(floor, site, INBOUND, now):
        delivery = pop(floor, site, INBOUND)
        cell, pieces = floor.po_cell[delivery], floor.po_pieces[delivery]
        floor.on_hand[cell] += pieces
        floor.inbound[cell] -= pieces
        floor.touched[cell] = True


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
        if position < point[cell]:
            if made == len(floor.po_cell):
                raise SimulationError("more deliveries are ordered than there is room for")
            floor.po_cell[made], floor.po_pieces[made] = cell, target[cell] - position
            floor.inbound[cell] += target[cell] - position
            push(floor, site, INBOUND, due[sku], made)
            made += 1
    return made


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
