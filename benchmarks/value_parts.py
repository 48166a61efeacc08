"""From where the pieces that an order lacks can come, and what that costs, as a situation shows."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np

from benchmarks.value_model import View
from triage.simulation.economics import SPLIT_COST, freight_of

SITES = 3
"""Other sites that are scored for an order, nearest first."""


def completing(view: View, at: int) -> list[tuple[int, ...]]:
    """Return the nearest sites that have all that is missing for an order, else a pair."""
    now, order = view.now, int(view.now.order[at])
    lines = np.flatnonzero(view.owner == at)
    lines = lines[view.missing[lines] > 0]
    missing, free = view.missing[lines], view.free[:, view.sku[lines]]
    town = int(now.world.customers.town[now.orders.customer[order]])
    near = np.argsort(now.world.miles[:, town], kind="stable").tolist()
    third = now.world.sites.third_party & now.orders.regulated[order]
    able = [site for site in near if site != now.site[at] and not third[site]]
    alone = [(site,) for site in able if (free[site] >= missing).all()]
    pairs = (
        pair for pair in combinations(able, 2) if (free[list(pair)].sum(axis=0) >= missing).all()
    )
    return [*alone[:SITES]] if alone else [*islice(pairs, 1)]


def parts_cost(view: View, at: int, plan: tuple[int, ...]) -> float:
    """Return USD of second parts, each taken to be an equal share of what is missing."""
    now, state, parts = view.now, view.state, len(plan)
    lines = view.owner == at
    kg = float(now.world.skus.weight_kg[view.sku[lines]] @ view.missing[lines]) / parts
    carried = freight_of(
        now.world, now.orders, np.repeat(now.order[at], parts), np.full(parts, kg),
        np.array(plan),
        np.repeat(state.service[at], parts), np.repeat(state.carrier[at], parts),
    )  # fmt: skip
    return float(carried.sum()) + SPLIT_COST * parts
