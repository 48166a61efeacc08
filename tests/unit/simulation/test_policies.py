"""A policy acts on what is recorded, within people's time, and the world answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from triage.errors import SimulationError
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import (
    Action,
    Proposal,
    Situation,
    Staff,
    by_promise,
    by_value,
    nobody,
    static_rules,
)
from triage.simulation.sample import Simulated
from triage.simulation.systems import happened, milestones
from triage.simulation.value import Value, run_policy, value


@pytest.fixture(scope="module")
def idle(small: Simulated) -> Value:
    figures, _, _ = run_policy(small.world, small.shocks, small.orders, nobody)
    return figures


def test_advice_from_nobody_leaves_the_world_as_it_was(small: Simulated, idle: Value) -> None:
    figures, run, deeds = run_policy(small.world, small.shocks, small.orders, nobody)
    assert (run.delivered == small.run.delivered).all()
    assert deeds == []
    assert figures == idle
    assert figures.minutes == 0


def test_static_rules_save_late_orders_and_cost_people_their_time(
    small: Simulated, idle: Value
) -> None:
    figures, _, deeds = run_policy(small.world, small.shocks, small.orders, static_rules)
    assert figures.late < 0.97 * idle.late
    assert figures.otif > idle.otif
    assert figures.penalties < idle.penalties
    assert figures.minutes > 0
    assert figures.proposals == len(deeds) > figures.followed > figures.worked > 0


def test_other_rankings_take_the_usual_action_in_their_own_order(small: Simulated) -> None:
    seen = 0

    def watch(now: Situation) -> Sequence[Proposal]:
        nonlocal seen
        for policy, key in ((by_value, -now.orders.value), (by_promise, now.orders.promised)):
            order = [each.order for each in policy(now)]
            assert (np.diff(key[order]) >= 0).all()
            assert len(set(order)) == len(order)
            seen += len(order)
        held = set(now.order[now.held].tolist())
        today = now.now // DAY
        for each in by_value(now):
            if each.order in held and now.orders.promised[each.order] != today:
                assert each.action is Action.EXPEDITE_APPROVAL
        return ()

    run_policy(small.world, small.shocks, small.orders, watch)
    assert seen > 1_000


def test_free_stock_in_a_situation_is_that_of_the_last_midnight(small: Simulated) -> None:
    run = Operations(small.world, small.shocks, small.orders, EVERY, watch=True)
    shelves: list[tuple[int, np.ndarray]] = []

    def watch(now: Situation) -> Sequence[Proposal]:
        if now.now // DAY in (100, 101, 200):
            shelves.append((now.now // DAY * DAY, now.free.copy()))
        assert (now.site == small.orders.site[now.order]).all()
        return ()

    People(run, watch, Staff()).start()
    stock = run.run().stock
    assert len(shelves) >= 4
    for midnight, free in shelves:
        before = np.flatnonzero(stock.minute < midnight)
        last = {int(stock.cell[at]): at for at in before.tolist()}
        cells, rows = np.array(list(last)), np.array(list(last.values()))
        assert (free.reshape(-1)[cells] == (stock.on_hand - stock.taken)[rows]).all()


def test_more_people_do_more_and_none_do_nothing(small: Simulated, idle: Value) -> None:
    few, _, _ = run_policy(
        small.world, small.shocks, small.orders, static_rules, Staff(people=0.05)
    )
    none, _, _ = run_policy(small.world, small.shocks, small.orders, static_rules, Staff(people=0))
    assert few.proposals > 0
    assert few.minutes <= 0.05 * 180 * 300
    assert none.late == idle.late


def test_people_who_follow_nothing_change_nothing(small: Simulated, idle: Value) -> None:
    figures, _, deeds = run_policy(
        small.world, small.shocks, small.orders, static_rules, Staff(adoption=0.0)
    )
    assert figures.late == idle.late
    assert figures.minutes > 0
    assert not any(deed.followed for deed in deeds)


def test_an_advice_function_sees_only_what_is_recorded_and_open(small: Simulated) -> None:
    told = milestones(small.world, happened(small.orders, small.run))
    seen = 0

    def watch(now: Situation) -> Sequence[Proposal]:
        nonlocal seen
        for name, minute in now.known.items():
            there = minute < NEVER
            assert (told[name].record[now.order[there]] < now.now).all()
            assert (told[name].record[now.order[~there]] >= now.now).all()
        assert (now.known["delivered"] == NEVER).all()
        seen += len(now.order)
        return ()

    run_policy(small.world, small.shocks, small.orders, watch)
    assert seen > 10_000


@pytest.mark.parametrize("order", [-1, 5_999, 10**9])
def test_advice_on_an_order_that_is_not_open_is_refused(small: Simulated, order: int) -> None:
    with pytest.raises(SimulationError, match="not open"):
        run_policy(
            small.world, small.shocks, small.orders,
            lambda _: [Proposal(order, Action.PICK_NEXT)],
        )  # fmt: skip


def test_what_cannot_be_done_is_not_done(small: Simulated) -> None:
    """No order goes to a warehouse that is not there, nor freight by Express, nor danger to 3PL."""
    world, orders = small.world, small.orders
    third_party = int(np.flatnonzero(world.sites.third_party)[0])

    def odd(now: Situation) -> Sequence[Proposal]:
        away = [-1, len(world.sites.code), third_party]
        fresh = now.order[(now.tried == 0) & (orders.regulated | (orders.service > 1))[now.order]]
        moves = [Proposal(int(order), Action.OTHER_WAREHOUSE, to) for order in fresh for to in away]
        return [*moves, *(Proposal(int(order), Action.FASTER_SERVICE) for order in fresh)]

    _, run, deeds = run_policy(world, small.shocks, orders, odd, Staff(people=50, adoption=1.0))
    assert len(deeds) > 100
    assert (run.site >= 0).all()
    assert not (orders.regulated & (run.site == third_party)).any()
    assert (run.service == orders.service).all()


def test_no_shelf_is_emptied_twice_by_substitutes_and_moves(small: Simulated) -> None:
    def anything(now: Situation) -> Sequence[Proposal]:
        found = []
        for order in now.order[now.short].tolist():
            found += [Proposal(order, Action.SUBSTITUTE)]
            found += [Proposal(order, Action.OTHER_WAREHOUSE, (order + now.now) % 6)]
        return found

    run = Operations(small.world, small.shocks, small.orders, EVERY, watch=True)
    people = People(run, anything, Staff(people=50, adoption=1.0))
    people.start()
    stock = run.run().stock
    done = [deed.proposal.action for deed in people.deeds if deed.done]
    assert done.count(Action.SUBSTITUTE) > 10
    assert done.count(Action.OTHER_WAREHOUSE) > 10
    assert (stock.on_hand >= stock.taken).all()
    assert (stock.taken >= 0).all()


def test_a_world_in_which_nothing_was_promised_yet_has_figures(small: Simulated) -> None:
    soon = replace(small.orders, promised=np.full(len(small.orders), 10**6))
    figures = value(small.world, soon, small.run, [], 0.0, Staff())
    assert (figures.orders, figures.late, figures.otif, figures.margin) == (0, 0, 0, 0)


def test_proposals_are_taken_from_the_top_until_the_time_is_over(small: Simulated) -> None:
    staff = Staff(people=1, minutes=20, sessions=(9 * 60,), adoption=1.0)

    def same(now: Situation) -> Sequence[Proposal]:
        return [Proposal(int(order), Action.PICK_NEXT) for order in now.order]

    _, _, deeds = run_policy(small.world, small.shocks, small.orders, same, staff)
    days = np.array([deed.minute // DAY for deed in deeds])
    assert np.bincount(days).max() == 6


def test_a_customer_who_is_told_in_time_costs_less(small: Simulated, idle: Value) -> None:
    def tell(now: Situation) -> Sequence[Proposal]:
        return [
            Proposal(int(order), Action.TELL_CUSTOMER)
            for order, tried in zip(now.order, now.tried, strict=True)
            if not tried and small.run.delivered[order] >= small.orders.late_from[order]
        ]

    figures, _, _ = run_policy(
        small.world, small.shocks, small.orders, tell, Staff(people=50, adoption=1.0)
    )
    assert figures.late == idle.late
    assert 0.45 * idle.penalties < figures.penalties < 0.6 * idle.penalties


def test_an_advice_function_cannot_look_at_luck_or_at_right_prices(small: Simulated) -> None:
    shown: list[Situation] = []

    def look(now: Situation) -> Sequence[Proposal]:
        shown.append(now)
        return ()

    run_policy(small.world, small.shocks, small.orders, look)
    orders = shown[0].orders
    assert orders.luck.size == orders.drift.size == orders.own.phantom.size == 0
    assert (orders.own.prices.right == orders.own.prices.entered).all()
    assert not orders.own.prices.error.any()
    with pytest.raises(IndexError):
        _ = orders.gives_up
    assert (orders.promised == small.orders.promised).all()


def test_what_is_expected_is_what_was_ordered_and_had_not_come_by_midnight(
    small: Simulated,
) -> None:
    seen: list[Situation] = []

    def note(now: Situation) -> Sequence[Proposal]:
        if now.now // DAY in (100, 252):
            seen.append(now)
        return ()

    run = Operations(small.world, small.shocks, small.orders, EVERY, watch=True)
    People(run, note, Staff()).start()
    supply = run.run().supply
    assert len(seen) == 4
    for now in seen:
        midnight = now.now // DAY * DAY
        open_ = (supply.ordered < midnight) & (supply.arrives > midnight)
        wanted = np.full(now.due.size, NEVER, dtype=np.int64)
        np.minimum.at(wanted, supply.cell[open_], supply.expected[open_])
        assert open_.sum() > 10
        assert (now.due.ravel() == wanted).all()
