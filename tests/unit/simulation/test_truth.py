"""The truth about delays is exact, and the replay of other ways agrees with the world run anew."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from triage.errors import SimulationError
from triage.simulation import transit
from triage.simulation.alternatives import Alternatives, alternatives, befalls, remember
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY, INSIDE, NAMES, Cause
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import Action, Proposal, Staff, nobody
from triage.simulation.replay import packed_at
from triage.simulation.sample import Simulated, simulate
from triage.simulation.truth import WHOLE, Blame, blame
from triage.simulation.ways import ACTIONS, EXPEDITE, FASTER, MOVE, SPLIT, SUBSTITUTE


@pytest.fixture(scope="module")
def tiny() -> Simulated:
    return simulate(seed=9, orders=1_500, days=120)


@pytest.fixture(scope="module")
def blamed(tiny: Simulated) -> Blame:
    return blame(tiny.world, tiny.shocks, tiny.orders, tiny.run)


@pytest.fixture(scope="module")
def ways(small: Simulated) -> Alternatives:
    return alternatives(small.world, small.shocks, small.orders, small.run)


def test_causes_add_up_to_the_minutes_late_exactly(blamed: Blame) -> None:
    assert (blamed.late > 0).sum() > 50
    assert (blamed.parts.sum(axis=0) + WHOLE * blamed.unavoidable == WHOLE * blamed.late).all()


def test_shares_of_late_orders_sum_to_one_and_others_have_none(blamed: Blame) -> None:
    shares = blamed.shares()
    late = blamed.late > 0
    assert np.allclose(shares[:, late].sum(axis=0), 1)
    assert (shares[:, ~late] == 0).all()
    assert (shares >= 0).all()


def test_the_values_are_those_of_every_sequence_of_causes_averaged(
    tiny: Simulated, blamed: Blame
) -> None:
    """Shapley's definition, by brute force over all 5,040 sequences, for the latest orders."""
    latest = np.argsort(-blamed.late, kind="stable")[:15]
    minutes = {}
    for inside in range(INSIDE.value + 1):
        run = Operations(tiny.world, tiny.shocks, tiny.orders, Cause(inside)).run()
        for road in range(4):
            causes = Cause(inside) | Cause(road * Cause.CARRIER.value)
            came = transit.deliver(tiny.world, tiny.shocks, tiny.orders, run.dispatched, causes)
            past = np.maximum(came - tiny.orders.late_from + 1, 0)
            minutes[causes] = np.where(came >= NEVER, 0, past)[latest]
    total = np.zeros((len(NAMES), len(latest)))
    for sequence in permutations(range(len(NAMES))):
        there = Cause(0)
        for at in sequence:
            more = there | Cause(1 << at)
            total[at] += minutes[more] - minutes[there]
            there = more
    assert (total == blamed.parts[:, latest]).all()


def test_the_number_of_processes_changes_nothing(tiny: Simulated, blamed: Blame) -> None:
    side_by_side = blame(tiny.world, tiny.shocks, tiny.orders, tiny.run, processes=2)
    assert (side_by_side.parts == blamed.parts).all()


def test_a_process_that_is_ended_from_outside_is_told_in_words(tiny: Simulated) -> None:
    def end(words: str) -> None:
        if "1 of 32" in words:
            multiprocessing.active_children()[0].kill()

    with pytest.raises(SimulationError, match="a process ended"):
        blame(tiny.world, tiny.shocks, tiny.orders, tiny.run, processes=2, progress=end)


def test_an_order_that_is_never_delivered_is_late_until_the_end_of_the_run(
    tiny: Simulated,
) -> None:
    run, order = tiny.run, int(np.flatnonzero(tiny.run.delivered < NEVER)[0])
    dispatched = np.where(np.arange(len(tiny.orders)) == order, NEVER, run.dispatched)
    delivered = np.where(np.arange(len(tiny.orders)) == order, NEVER, run.delivered)
    stuck = replace(run, dispatched=dispatched, delivered=delivered)
    found = blame(tiny.world, tiny.shocks, tiny.orders, stuck)
    assert found.late[order] > (tiny.world.calendar.days - 10) * DAY - tiny.orders.promised[order]
    assert (found.parts.sum(axis=0) + WHOLE * found.unavoidable == WHOLE * found.late).all()


def test_an_order_that_was_only_damaged_on_the_way_blames_the_carrier(
    tiny: Simulated, blamed: Blame
) -> None:
    run = tiny.run
    untouched = ~run.entry.held & ~run.entry.failed & (run.short_since == NEVER)
    in_time = run.dispatched // DAY <= tiny.orders.ship_by
    only = untouched & in_time & transit.damaged(tiny.orders) & (blamed.late > 0)
    assert only.sum() >= 3
    shares = blamed.shares()[NAMES.index("carrier"), only]
    assert shares.min() > 0.5
    assert np.median(shares) > 0.95


def test_every_action_has_feasible_ways(ways: Alternatives) -> None:
    assert set(np.unique(ways.action)) == set(range(len(ACTIONS)))


def test_no_way_ships_dangerous_goods_by_express_or_from_the_3pl(
    small: Simulated, ways: Alternatives
) -> None:
    regulated = small.orders.regulated[ways.order]
    third_party = small.world.sites.third_party[ways.site]
    assert not (regulated & (ways.action == FASTER)).any()
    assert not (regulated & (ways.action == MOVE) & third_party).any()


def test_another_warehouse_keeps_every_item_of_the_order(
    small: Simulated, ways: Alternatives
) -> None:
    own = small.orders.own
    for at in np.flatnonzero(ways.action == MOVE)[::97].tolist():
        order = ways.order[at]
        first = small.orders.first_line[order]
        skus = own.sku[first : first + small.orders.lines[order]]
        assert small.world.skus.stocked[skus, ways.site[at]].all()


def test_splits_and_substitutes_are_offered_only_where_stock_was_short(
    small: Simulated, ways: Alternatives
) -> None:
    offered = np.isin(ways.action, (SPLIT, SUBSTITUTE))
    assert (small.run.short_since[ways.order[offered]] < NEVER).all()


def test_expediting_never_makes_an_approval_slower(small: Simulated, ways: Alternatives) -> None:
    faster = ways.action == EXPEDITE
    assert (ways.packed[faster] <= small.run.packed[ways.order[faster]]).mean() > 0.99


def test_an_order_replayed_as_it_was_leaves_when_it_left(small: Simulated) -> None:
    """The same way again: what is looked up is where the order really stood."""
    orders, run = small.orders, small.run
    past, luck = remember(small.world, run), befalls(small.world, orders, run)
    there = np.flatnonzero((run.packed < NEVER) & (run.cancelled >= NEVER))[::7]
    ready = np.maximum(run.validated, orders.not_before)
    skus = len(small.world.skus.code)
    packed = np.zeros(len(there), dtype=np.int64)
    for at, order in enumerate(there.tolist()):
        first, last = orders.first_line[order], orders.first_line[order] + orders.lines[order]
        shelves = orders.site[order] * skus + orders.own.sku[first:last]
        _, packed[at] = packed_at(
            past, luck, order, orders.site[order], orders.priority[order], ready[order], shelves,
            orders.own.quantity[first:last], True,
        )  # fmt: skip
    leaves = transit.pickup(small.world, packed, orders.carrier[there])
    assert (leaves == run.dispatched[there]).mean() > 0.985


@pytest.mark.parametrize(
    ("way", "action"),
    [
        (MOVE, Action.OTHER_WAREHOUSE),
        (FASTER, Action.FASTER_SERVICE),
        (EXPEDITE, Action.EXPEDITE_APPROVAL),
    ],
)
def test_the_replay_of_a_way_agrees_with_the_world_run_anew(
    small: Simulated, ways: Alternatives, way: int, action: Action
) -> None:
    rng = np.random.default_rng(0)
    early = small.orders.created[ways.order] < 390 * DAY
    asked = rng.permutation(np.flatnonzero((ways.action == way) & early))[:8]
    agree = 0
    for at in asked.tolist():
        order = int(ways.order[at])
        run = Operations(small.world, small.shocks, small.orders, EVERY)
        people = People(run, nobody, Staff())
        when = small.run.asked[order] if way == EXPEDITE else small.run.entry.checked[order]
        people.at(int(when), Proposal(order, action, int(ways.site[at])))
        again = run.run()
        assert [deed.done for deed in people.deeds] == [True]
        agree += int(again.delivered[order] // DAY == ways.delivered[at] // DAY)
    assert agree >= 7
