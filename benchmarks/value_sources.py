"""From where the goods of each order can come, as a situation shows, and what its state is then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.value_model import State, View
from benchmarks.value_parts import SITES, Plan, completing
from triage.simulation.calendar import DAY, Ints
from triage.simulation.operations import WAVES
from triage.simulation.policies import Action, Staff
from triage.simulation.world import Bools


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of source for k orders of a situation.

    Attributes:
        action: what brings it about; None: as planned.
        at: (k,) places of the orders in the situation.
        sites: (k,) from where goods come then; empty where no site is named.
        parts: states of the orders, (k,) each; of both parts where they ship in two.
    """

    action: Action | None
    at: Ints
    sites: list[Plan]
    parts: tuple[State, ...]


def elsewhere(view: View, inside: Ints, soon: Ints) -> Iterator[Source]:
    """Give every source, as planned among them.

    Args:
        view: the situation.
        inside: places of orders that have not left.
        soon: those of them that are worked on by tomorrow evening.
    """
    state = view.state
    yield Source(None, soon, [()] * len(soon), (state.at(soon),))
    yield from _moves(view, soon)
    yield _splits(view, inside)
    yield _substitutes(view, soon)
    held = inside[state.held[inside]]
    decided = state.at(
        held, stage=np.ones(len(held), dtype=np.int64), since=np.full(len(held), view.now.now),
        held=np.zeros(len(held), dtype=bool),
    )  # fmt: skip
    yield Source(Action.EXPEDITE_APPROVAL, held, [()] * len(held), (decided,))


def _moves(view: View, soon: Ints) -> Iterator[Source]:
    now, state, world = view.now, view.state, view.now.world
    waits = soon[state.stage[soon] < 2]
    able = view.covered[waits] >= 1.0
    able &= ~(world.sites.third_party & now.orders.regulated[now.order[waits], None])
    able[np.arange(len(waits)), state.site[waits]] = False
    town = world.customers.town[now.orders.customer[now.order[waits]]]
    near = np.argsort(np.where(able, world.miles[:, town].T, np.inf), axis=1, kind="stable")
    for place in range(SITES):
        site = near[:, place]
        kept = np.flatnonzero(able[np.arange(len(waits)), site])
        at, to = waits[kept], site[kept]
        moved = (_filled(view, at, site=to),)
        yield Source(Action.OTHER_WAREHOUSE, at, [(each,) for each in to.tolist()], moved)


def _splits(view: View, inside: Ints) -> Source:
    """Give what is missing from other sites; as far as the farthest of them."""
    now = view.now
    waits = inside[_stands_by(view)[inside] & view.in_part[inside]]
    plans = [(at, plan) for at in waits.tolist() for plan in completing(view, at)]
    at = np.array([at for at, _ in plans], dtype=np.int64)
    town = now.world.customers.town[now.orders.customer[now.order[at]]]
    farthest = np.array(
        [max(plan, key=lambda site: now.world.miles[site, to])
         for (_, plan), to in zip(plans, town.tolist(), strict=True)], dtype=np.int64,
    )  # fmt: skip
    parts = _filled(view, at), _filled(view, at, site=farthest)
    return Source(Action.SPLIT, at, [plan for _, plan in plans], parts)


def _stands_by(view: View) -> Bools:
    """Return (k,) which orders wait for stock on the floor by the time at which people act.

    Those known to be short, and those that their site's next wave comes to before that.
    """
    now, minute = view.now, view.now.now % DAY + Staff().delay
    waves = now.world.sites.opens[:, None] + np.array(WAVES)
    last = np.where(waves < minute, waves, -1).max(axis=1)[now.site]
    came = np.maximum(now.known["order_validated"], now.orders.not_before[now.order])
    there = (last >= 0) & (came < now.now // DAY * DAY + last)
    return view.state.short | ((view.state.stage == 1) & there)


def _substitutes(view: View, soon: Ints) -> Source:
    now, skus = view.now, view.now.world.skus
    own = view.free[now.site[view.owner], view.sku] < view.quantity
    other = skus.substitute[view.sku]
    there = view.free[now.site[view.owner], np.maximum(other, 0)] >= view.quantity
    lost = np.bincount(view.owner, own & ~((other >= 0) & there), len(now.order)) > 0
    at = soon[view.state.short[soon] & ~lost[soon]]
    return Source(Action.SUBSTITUTE, at, [()] * len(at), (_filled(view, at),))


def _filled(view: View, chosen: Ints, **changed: Ints) -> State:
    """Return orders as if they got their stock now; those on hold still wait for the office."""
    state = view.state
    held = state.held[chosen]
    return state.at(
        chosen, short=np.zeros(len(chosen), dtype=bool), due=np.zeros(len(chosen)),
        cover=np.full(len(chosen), 20.0), stage=np.where(held, state.stage[chosen], 2),
        since=np.where(held, state.since[chosen], view.now.now), **changed,
    )  # fmt: skip
