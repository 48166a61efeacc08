"""Lists and heaps of the floor: who stands where, and what is due when. Compiled."""

from __future__ import annotations

from triage.errors import SimulationError
from triage.jit import kernel
from triage.simulation.calendar import Ints
from triage.simulation.floor import ARRIVALS, NONE, PICK, QUEUED, WAIT, WAITING, Floor


@kernel
def push(floor: Floor, site: int, kind: int, time: int, what: int) -> None:
    """Put something into a heap, to be taken out when its time has come (ties: by number)."""
    times, whats = floor.due_time[site, kind], floor.due_what[site, kind]
    at = floor.due_size[site, kind]
    if at == len(times):
        raise SimulationError("more waits at one warehouse than there is room for")
    floor.due_size[site, kind] = at + 1
    while at > 0:
        above = (at - 1) // 2
        if times[above] < time or (times[above] == time and whats[above] <= what):
            break
        times[at], whats[at] = times[above], whats[above]
        at = above
    times[at], whats[at] = time, what


@kernel
def is_due(floor: Floor, site: int, kind: int, now: int) -> bool:
    """Return whether something in a heap has come to its time."""
    return floor.due_size[site, kind] > 0 and floor.due_time[site, kind, 0] <= now


@kernel
def pop(floor: Floor, site: int, kind: int) -> int:
    """Take out of a heap what is due first."""
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
def push_all(floor: Floor, orders: Ints, starts: Ints) -> None:
    """Send orders to their sites, each from its own minute on."""
    for at in range(len(orders)):
        floor.ready[orders[at]] = starts[at]
        push(floor, floor.site[orders[at]], ARRIVALS, starts[at], orders[at])


@kernel
def append(floor: Floor, kind: int, order: int) -> None:
    """Put an order at the end of a list of its site, by its priority."""
    ends = floor.ends[floor.site[order], kind, floor.priority[order]]
    floor.link[order] = NONE
    if ends[0] == NONE:
        ends[0] = order
    else:
        floor.link[ends[1]] = order
    ends[1] = order


@kernel
def unlink(floor: Floor, kind: int, before: int, order: int) -> None:
    """Take an order out of its list, where it stands after another one or first (NONE)."""
    ends = floor.ends[floor.site[order], kind, floor.priority[order]]
    if before == NONE:
        ends[0] = floor.link[order]
    else:
        floor.link[before] = floor.link[order]
    if ends[1] == order:
        ends[1] = before


@kernel
def leave(floor: Floor, kind: int, order: int) -> None:
    """Take an order out of its list, wherever in it it stands."""
    before, here = NONE, floor.ends[floor.site[order], kind, floor.priority[order], 0]
    while here != order:
        before, here = here, floor.link[here]
    unlink(floor, kind, before, order)


@kernel
def raise_priority(floor: Floor, order: int) -> None:
    """Put an order into the first queue of its site, wherever it stands; it joins at the end."""
    status = floor.status[order]
    if floor.priority[order] == 0:
        return
    if status in (WAITING, QUEUED):
        kind = WAIT if status == WAITING else PICK
        leave(floor, kind, order)
        floor.priority[order] = 0
        append(floor, kind, order)
    floor.priority[order] = 0
