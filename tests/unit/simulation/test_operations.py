"""What happens to orders obeys the warehouse: stock is kept, queues are served, causes can go."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY, Cause
from triage.simulation.operations import Operations
from triage.simulation.sample import Simulated, simulate


def test_moments_of_an_order_follow_each_other(small: Simulated) -> None:
    run = small.run
    stages = (
        small.orders.created, run.entry.entered, run.validated, run.allocated, run.queued,
        run.started, run.packed, run.dispatched, run.delivered,
    )  # fmt: skip
    gone = run.delivered < NEVER
    for earlier, later in pairwise(stages):
        assert (earlier[gone] <= later[gone]).all()


def test_every_order_is_delivered_or_cancelled_in_the_end(small: Simulated) -> None:
    early = small.orders.promised < small.world.calendar.days - 20
    ended = (small.run.delivered < NEVER) ^ (small.run.cancelled < NEVER)
    assert ended[early].mean() > 0.999
    assert not ((small.run.delivered < NEVER) & (small.run.cancelled < NEVER)).any()


def test_no_shelf_ever_holds_less_than_is_promised_from_it(small: Simulated) -> None:
    stock = small.run.stock
    assert (stock.taken >= 0).all()
    assert (stock.on_hand >= stock.taken).all()
    assert (stock.inbound >= 0).all()


def test_nothing_is_packed_or_handed_over_on_a_closed_day(small: Simulated) -> None:
    for moment in (small.run.packed, small.run.dispatched, small.run.delivered):
        done = moment[moment < NEVER]
        assert small.world.calendar.is_workday(done // DAY).all()


def test_pickers_do_one_thing_after_the_other(small: Simulated) -> None:
    run = small.run
    for site in range(len(small.world.sites.code)):
        begun = np.flatnonzero((run.started < NEVER) & (run.site == site))
        begun = begun[np.lexsort((run.packed[begun], run.started[begun]))]
        assert (run.started[begun][1:] >= run.packed[begun][:-1] - 1).all()


def test_an_order_that_is_later_in_the_same_queue_is_begun_later(small: Simulated) -> None:
    run = small.run
    begun = np.flatnonzero(run.started < NEVER)
    queue = run.site[begun] * 2 + run.priority[begun]
    for number in np.unique(queue):
        own = begun[queue == number]
        own = own[np.lexsort((run.started[own], run.queued[own]))]
        assert (np.diff(run.started[own]) >= 0).all()


@pytest.mark.parametrize("cause", list(Cause))
def test_a_world_without_a_cause_is_later_for_fewer_orders(small: Simulated, cause: Cause) -> None:
    without = Operations(small.world, small.shocks, small.orders, EVERY & ~cause).run()

    def late(delivered: np.ndarray) -> float:
        known = delivered < NEVER
        return float((delivered >= small.orders.late_from)[known].mean())

    assert late(without.delivered) < late(small.run.delivered)


def test_a_world_without_any_cause_is_almost_never_late(small: Simulated) -> None:
    ideal = Operations(small.world, small.shocks, small.orders, Cause(0)).run()
    known = ideal.delivered < NEVER
    assert (ideal.delivered >= small.orders.late_from)[known].mean() < 0.01


def test_what_a_cause_touches_is_gone_with_it(small: Simulated) -> None:
    ideal = Operations(small.world, small.shocks, small.orders, Cause(0)).run()
    assert (ideal.short_since == NEVER).all()
    assert (ideal.short_at == NEVER).all()
    assert not ideal.entry.held.any()
    assert not ideal.entry.failed.any()
    assert not ideal.held_release.any()
    assert (ideal.change_seen == NEVER).all()


def test_luck_is_the_same_in_every_run(small: Simulated) -> None:
    again = Operations(small.world, small.shocks, small.orders, EVERY, watch=True).run()
    assert (again.delivered == small.run.delivered).all()
    assert (again.stock.on_hand == small.run.stock.on_hand).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), orders=st.integers(60, 700), days=st.integers(35, 120))
def test_any_distributor_keeps_its_books(seed: int, orders: int, days: int) -> None:
    done = simulate(seed, orders, days)
    run, stock = done.run, done.run.stock
    assert (stock.on_hand >= stock.taken).all()
    assert (stock.taken >= 0).all()
    gone = run.packed < NEVER
    assert (run.packed[gone] >= run.entry.entered[gone]).all()
    assert not ((run.cancelled < NEVER) & gone).any()
