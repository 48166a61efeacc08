"""What things cost: freight, penalties for late delivery, the margin of an order. USD."""

from __future__ import annotations

import numpy as np

from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import Orders
from triage.simulation.draws import Floats
from triage.simulation.world import World

_SERVICE_COST = np.array([1.0, 2.3, 1.25])
PENALTY_CAP = 0.10
"""Most that is owed for a late order, as a share of its value."""
LOST_GOODWILL = 0.004
"""What a late day costs in later orders, as a share of the value, also without an agreement."""
LONGEST_DAYS = 10
MOVE_COST, SPLIT_COST, SUBSTITUTE_COST = 4.0, 9.0, 3.0
"""Handling of an order that ships from elsewhere, in two parts, or with another item."""
SPLIT_FREIGHT = 0.6
"""Freight of whole lines from another site, as a share of that of the order from its own."""


def freight(
    world: World, orders: Orders, chosen: Ints, site: Ints, service: Ints, carrier: Ints
) -> Floats:
    """Return freight of orders by how they ship; all arguments by order, (n,)."""
    return freight_of(world, orders, chosen, orders.weight_kg[chosen], site, service, carrier)


def freight_of(
    world: World, orders: Orders, chosen: Ints, kg: Floats, site: Ints, service: Ints, carrier: Ints
) -> Floats:
    """Return freight of shipments for orders, of a weight of their own; see `freight`."""
    miles = world.miles[site, world.customers.town[orders.customer[chosen]]]
    base = 4.5 + 0.62 * kg**0.82 * (0.6 + miles / 1200)
    cost: Floats = np.round(base * _SERVICE_COST[service] * world.carriers.cost[carrier], 2)
    return cost


def days_late(orders: Orders, chosen: Ints, delivered: Ints) -> Ints:
    """Return calendar days past the promised day; 0 in time, at most LONGEST_DAYS."""
    days = np.where(delivered >= NEVER, LONGEST_DAYS, delivered // DAY - orders.promised[chosen])
    return np.clip(days, 0, LONGEST_DAYS)


def lateness_cost(orders: Orders, chosen: Ints, delivered: Ints) -> Floats:
    """Return what being late costs: the agreed penalty, capped, and goodwill."""
    days = days_late(orders, chosen, delivered)
    owed = np.minimum(orders.penalty[chosen] * days, PENALTY_CAP)
    cost: Floats = np.round((owed + LOST_GOODWILL * days) * orders.value[chosen], 2)
    return cost
