"""Heaps and lists give back what was put in, in sequence, and refuse what they cannot hold."""

from __future__ import annotations

import numpy as np
import pytest

from triage.errors import SimulationError
from triage.simulation.causes import EVERY
from triage.simulation.floor import ARRIVALS, NONE, WAIT, Floor
from triage.simulation.queues import append, is_due, leave, pop, push, raise_priority
from triage.simulation.sample import Simulated
from triage.simulation.shelves import reorder
from triage.simulation.sizing import empty_floor, stock_levels


@pytest.fixture
def floor(small: Simulated) -> Floor:
    _, target = stock_levels(small.world, small.orders)
    return empty_floor(small.world, small.orders, EVERY, target)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 63, 400])
def test_what_is_due_first_comes_out_first_and_ties_by_number(floor: Floor, size: int) -> None:
    rng = np.random.default_rng(size)
    times, numbers = rng.integers(0, 50, size), rng.permutation(size)
    for what in numbers:
        push(floor, 0, ARRIVALS, times[what], what)
    assert not is_due(floor, 0, ARRIVALS, -1)
    taken = []
    while is_due(floor, 0, ARRIVALS, 50):
        taken.append(pop(floor, 0, ARRIVALS))
    assert taken == np.lexsort((np.arange(size), times)).tolist()


def test_a_heap_that_is_full_refuses_and_touches_nothing_else(floor: Floor) -> None:
    room = floor.due_time.shape[2]
    for what in range(room):
        push(floor, 0, ARRIVALS, what, what)
    with pytest.raises(SimulationError, match="room"):
        push(floor, 0, ARRIVALS, 0, 0)
    assert floor.due_size.sum() == room
    assert (floor.due_time[0, 1:] == 0).all()


def test_more_deliveries_than_there_is_room_for_are_refused(small: Simulated, floor: Floor) -> None:
    skus = len(small.world.skus.code)
    point, target = stock_levels(small.world, small.orders)
    floor.on_hand[:] = 0
    due = np.zeros(skus, dtype=np.int64)
    with pytest.raises(SimulationError, match="deliveries"):
        reorder(floor, 0, skus, point, target, due, len(floor.po_cell))


def test_an_order_that_becomes_urgent_moves_to_the_end_of_the_first_queue(floor: Floor) -> None:
    orders = np.flatnonzero((floor.site == 1) & (floor.priority == 1))[:4]
    floor.status[orders] = 1
    for order in orders:
        append(floor, WAIT, order)
    raise_priority(floor, orders[2])
    raise_priority(floor, orders[0])
    assert floor.ends[1, WAIT].tolist() == [[orders[2], orders[0]], [orders[1], orders[3]]]
    leave(floor, WAIT, orders[3])
    leave(floor, WAIT, orders[1])
    assert floor.ends[1, WAIT, 1, 0] == NONE
