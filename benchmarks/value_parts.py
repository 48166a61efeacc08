"""From where the pieces that an order lacks can come, and what shipments cost, in a situation."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from benchmarks.value_model import Floats, State, View
from triage.simulation.calendar import Ints
from triage.simulation.economics import SPLIT_COST, freight, freight_of

SITES = 3
"""Other sites that are scored for an order, nearest first."""
Plan = tuple[int, ...]


def completing(view: View, at: int) -> list[Plan]:
    """Return plans for what is missing for an order: the nearest sites that have all of it alone.

    Also the fewest of the nearest sites that have it together; none is farther than needed.
    """
    now, order = view.now, int(view.now.order[at])
    lines = slice(view.starts[at], view.starts[at] + view.counts[at])
    missing, free = view.missing[lines], view.free[:, view.sku[lines]]
    town = int(now.world.customers.town[now.orders.customer[order]])
    near = np.argsort(now.world.miles[:, town], kind="stable").tolist()
    third = now.world.sites.third_party & now.orders.regulated[order]
    able = [site for site in near if site != now.site[at] and not third[site]]

    def covers(plan: Plan) -> bool:
        return bool((free[list(plan)].sum(axis=0) >= missing).all())

    found: list[Plan] = [(site,) for site in able if covers((site,))]
    del found[SITES:]
    for many in range(1, len(able) + 1):
        if not covers(tuple(able[:many])):
            continue
        plans = (plan for size in range(1, many + 1) for plan in combinations(able[:many], size))
        nearest = next(plan for plan in plans if covers(plan))
        return [*found, *([nearest] if nearest not in found else [])]
    return found


def given(view: View, at: int, plan: Plan) -> Ints:
    """Return pieces of each line that the sites of a plan ship, as a situation shows them."""
    lines = slice(view.starts[at], view.starts[at] + view.counts[at])
    there = view.free[list(plan)][:, view.sku[lines]].sum(axis=0)
    return np.minimum(view.missing[lines], there).astype(np.int64)


def shipping(view: View, state: State, plans: list[Plan]) -> Floats:
    """Return (k,) USD of freight, and of second parts' handling, of orders as they are to ship.

    Args:
        view: the situation.
        state: (k,) from where the orders ship themselves, and how.
        plans: (k,) from where what they lack does, taken to be equal shares; empty if nothing does.
    """
    world, orders = view.now.world, view.now.orders
    cost = freight(world, orders, state.order, state.site, state.service, state.carrier)
    parts = np.array([len(plan) for plan in plans], dtype=np.int64)
    which = np.repeat(np.arange(len(plans)), parts)
    order = state.order[which]
    kg = view.missing_kg[np.searchsorted(view.now.order, order)] / parts[which]
    sites: Ints = np.array([site for plan in plans for site in plan], dtype=np.int64)
    carried = freight_of(
        world, orders, order, kg, sites, state.service[which], state.carrier[which]
    )
    return cost + np.bincount(which, carried + SPLIT_COST, len(plans))
