"""The state of the warehouse floor at all sites, as compiled code reads and changes it.

`queues` keeps its lists (by site and priority) and its heaps (what waits for a moment: an approval,
a repaired message, a recount); `shelves` moves pieces, `waves` orders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import Ints
from triage.simulation.draws import Floats

FUTURE, WAITING, RELEASING, QUEUED, PICKED, CANCELLED = range(6)
"""Where an order stands: not there yet, waits for stock, message on its way, to pick, done."""
WAIT, PICK = 0, 1
"""Lists: orders that wait for stock, orders to pick."""
ARRIVALS, RELEASES, INBOUND = range(3)
"""Heaps: orders on their way to the site, messages on their way to its floor, deliveries."""
NONE = -1
"""End of a list, or an empty one."""
PICK_BASE, PICK_LINE = 4.0, 3.0
"""Picker minutes for an order, and for each of its lines."""


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
        due_time, due_what, due_size: (sites, 3, room) and (sites, 3): heaps by kind.
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
