"""What one run of a world leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import Ints
from triage.simulation.entry import Entry


@dataclass(frozen=True, slots=True)
class Stock:
    """What changed on the shelves, wave by wave: (k,) cell, minute, pieces."""

    cell: Ints
    minute: Ints
    on_hand: Ints
    taken: Ints
    inbound: Ints


@dataclass(frozen=True, slots=True)
class Supply:
    """Inbound deliveries: (k,) cell, pieces, minutes at which ordered, expected and arrived."""

    cell: Ints
    pieces: Ints
    ordered: Ints
    expected: Ints
    arrives: Ints


@dataclass(frozen=True, slots=True)
class Waves:
    """The waves of a run, (k,): site, minute, until when messages stood still, picking pace.

    `closes` and `resumes` are the end of the shift and the beginning of the next; `idle` is the
    minute at which the pickers ran out of work before the next wave, NEVER if they did not.
    """

    site: Ints
    minute: Ints
    held: Ints
    pace: npt.NDArray[np.float64]
    closes: Ints
    resumes: Ints
    idle: Ints


@dataclass(frozen=True, slots=True)
class Result:
    """What happened to n orders. Moments are minutes, NEVER for what did not happen.

    Attributes:
        entry: how each came in.
        site, service, carrier, priority: as shipped (an intervention may have changed them).
        asked: when the office had done its part and waited for an answer; NEVER if not held.
        ready: when it last became free for allocation.
        validated, first_allocated, allocated, released, queued, started, packed, dispatched,
            delivered, cancelled: moments (see `floor.Floor` for first and last ones).
        short_since: first wave at which stock was short.
        short_at: when a picker found the shelf empty.
        change_seen: when a change took it off the floor.
        held_release: whether its message to the floor was lost or stood still.
        in_full: whether all was shipped.
        stock, supply: what happened on the shelves, if it was watched.
        waves: how the sites worked.
    """

    entry: Entry
    site: Ints
    service: Ints
    carrier: Ints
    priority: Ints
    asked: Ints
    ready: Ints
    validated: Ints
    first_allocated: Ints
    allocated: Ints
    released: Ints
    queued: Ints
    started: Ints
    packed: Ints
    dispatched: Ints
    delivered: Ints
    cancelled: Ints
    short_since: Ints
    short_at: Ints
    change_seen: Ints
    held_release: npt.NDArray[np.bool_]
    in_full: npt.NDArray[np.bool_]
    stock: Stock
    supply: Supply
    waves: Waves
