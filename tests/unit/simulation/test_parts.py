"""An order whose site lacks pieces ships in parts: nothing is lost, nothing comes for nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from triage.simulation.calendar import NEVER
from triage.simulation.causes import EVERY
from triage.simulation.economics import SPLIT_COST, freight
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import (
    Action,
    Deed,
    Proposal,
    Situation,
    Staff,
    shown_elsewhere,
    static_rules,
    stock_rules,
)
from triage.simulation.result import Result
from triage.simulation.sample import Simulated
from triage.simulation.value import extra_costs, run_policy


def _split_all(now: Situation) -> Sequence[Proposal]:
    """Propose the split of every order that is short, where another site shows what is missing."""
    ways = (shown_elsewhere(now, at) for at in np.flatnonzero(now.short).tolist())
    return [way for way in ways if way is not None and way.action is Action.SPLIT]


@pytest.fixture(scope="module")
def ran(small: Simulated) -> tuple[Operations, People, Result]:
    """The world in which all that can be split is, at once."""
    run = Operations(small.world, small.shocks, small.orders, EVERY, watch=True)
    people = People(run, _split_all, Staff(people=50, adoption=1.0))
    people.start()
    return run, people, people.parts.together(run.run())


def _splits(people: People) -> list[Deed]:
    return [deed for deed in people.deeds if deed.done]


def test_parts_and_what_stays_are_together_what_was_ordered(
    small: Simulated, ran: tuple[Operations, People, Result]
) -> None:
    run, people, _ = ran
    floor, skus = run.floor, len(small.world.skus.code)
    order = np.repeat(np.arange(len(small.orders)), small.orders.lines)
    asked = order * skus + small.orders.own.sku
    of = np.concatenate([np.arange(len(small.orders)), people.parts.of])
    owner = np.repeat(of, floor.lines)
    shipped = np.bincount(owner * skus + floor.cell % skus, floor.quantity)
    assert len(people.parts.of) == len(_splits(people)) > 50
    assert (shipped[asked] == small.orders.own.quantity).all()
    assert shipped.sum() == small.orders.own.quantity.sum()


def test_an_order_has_arrived_when_all_its_parts_have(
    ran: tuple[Operations, People, Result],
) -> None:
    run, people, result = ran
    of, leaves, arrives = people.parts.arrive()
    assert (result.delivered[of] >= arrives).all()
    assert (result.dispatched[of] >= leaves).all()
    assert (result.delivered[of] == arrives).any()
    assert (result.delivered[of] > arrives).any()
    assert len(result.delivered) == len(result.packed) == people.parts.orders
    assert (run.floor.site[people.parts.orders :] != run.floor.site[of]).all()


def test_no_shelf_is_emptied_twice_by_parts(ran: tuple[Operations, People, Result]) -> None:
    _, _, result = ran
    assert (result.stock.on_hand >= result.stock.taken).all()
    assert (result.stock.taken >= 0).all()


def test_orders_that_ship_in_parts_mostly_come_sooner(
    small: Simulated, ran: tuple[Operations, People, Result]
) -> None:
    _, people, result = ran
    of = np.unique(people.parts.of)
    of = of[small.run.delivered[of] < NEVER]
    assert (result.delivered[of] < small.run.delivered[of]).mean() > 0.6


def test_only_an_order_that_waits_for_a_part_of_its_goods_is_split(small: Simulated) -> None:
    """Not one that has its stock, nor one of which nothing is there, nor to its own site."""

    def odd(now: Situation) -> Sequence[Proposal]:
        there = now.known["allocation_confirmed"] < NEVER
        return [
            Proposal(int(order), Action.SPLIT, int(site))
            for order, own, has in zip(now.order, now.site, there, strict=True)
            for site in ([(own + 1) % 6] if has else [own, -1, 99])
        ]

    run = Operations(small.world, small.shocks, small.orders, EVERY)
    people = People(run, odd, Staff(people=50, adoption=1.0))
    people.start()
    run.run()
    refused = {deed.proposal.order for deed in people.deeds if not deed.done}
    waited = {
        deed.proposal.order
        for deed in people.deeds
        if deed.done and small.run.short_since[deed.proposal.order] >= NEVER
    }
    assert len(refused) > 1_000
    assert not {d.proposal.order for d in people.deeds if d.done and d.proposal.site in (-1, 99)}
    assert all(run.floor.shorted[order] for order in waited)


def test_a_second_part_costs_its_freight_and_handling(
    small: Simulated, ran: tuple[Operations, People, Result]
) -> None:
    _, people, result = ran
    deeds = _splits(people)
    one = next(deed for deed in deeds if deed.kg > 0)
    order = np.array([one.proposal.order])
    whole = freight(
        small.world, small.orders, order, np.array([one.proposal.site]),
        result.service[order], result.carrier[order],
    )  # fmt: skip
    cost = extra_costs(small.world, small.orders, result, [one])
    assert SPLIT_COST < cost <= SPLIT_COST + float(whole[0]) + 0.01
    assert extra_costs(small.world, small.orders, result, []) == 0


def test_rules_that_look_at_the_stock_save_more_than_those_that_do_not(small: Simulated) -> None:
    staff = Staff(adoption=1.0)
    plain, _, _ = run_policy(small.world, small.shocks, small.orders, static_rules, staff)
    looked, _, deeds = run_policy(small.world, small.shocks, small.orders, stock_rules, staff)
    assert looked.penalties < plain.penalties
    assert sum(deed.kg for deed in deeds) > 0
