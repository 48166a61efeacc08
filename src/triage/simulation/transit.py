"""From the packing table to the customer: pick-up, lane, carrier, weather. No queue, no state."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.causes import Cause
from triage.simulation.demand import Luck, Orders
from triage.simulation.draws import Floats
from triage.simulation.shocks import Shocks
from triage.simulation.world import EXPRESS, World

_TAIL = 0.02
_DAMAGED = 0.008
_DAMAGE_DAYS = (2, 3, 4, 5)
_GRID = (np.arange(24) + 0.5) / 24
"""Midpoints at which the size of a tail is integrated."""


def pickup(world: World, packed: Ints, carrier: Ints) -> Ints:
    """Return when the carrier takes what was packed at a minute; NEVER stays NEVER.

    Carriers come once a working day; what is packed later leaves on the next.
    """
    gone = packed >= NEVER
    safe = np.where(gone, 0, packed)
    leaves = world.carriers.pickup[carrier]
    missed = safe % DAY > leaves
    day = world.calendar.ahead(safe // DAY + missed, 0)
    taken: Ints = np.where(gone, NEVER, day * DAY + leaves)
    return taken


def deliver(
    world: World,
    shocks: Shocks,
    orders: Orders,
    dispatched: Ints,
    causes: Cause,
    *,
    chosen: Ints | None = None,
    site: Ints | None = None,
    service: Ints | None = None,
    carrier: Ints | None = None,
) -> Ints:
    """Return when shipments arrive; NEVER for what has not left.

    Args:
        world: the distributor.
        shocks: its bad weeks.
        orders: what was ordered.
        dispatched: (n,) when each leaves.
        causes: which causes exist (CARRIER and SHOCK act here).
        chosen: (n,) numbers of the orders meant; by default all.
        site: (n,) from where, if not from the orders' own.
        service: (n,) how, if not as ordered.
        carrier: (n,) by whom, if not as ordered.
    """
    pick = np.arange(len(orders)) if chosen is None else chosen
    site = orders.site[pick] if site is None else site
    service = orders.service[pick] if service is None else service
    carrier = orders.carrier[pick] if carrier is None else carrier
    town = world.customers.town[orders.customer[pick]]
    luck = orders.luck[pick]
    gone = dispatched < NEVER
    day = np.where(gone, dispatched, 0) // DAY
    span = len(shocks.weather) - 1
    days = 0.9 * world.lane_days[site, town, service]
    if causes & Cause.CARRIER:
        slow = world.carriers.noise[carrier] * orders.drift[pick]
        tail = luck[:, Luck.TAIL] < _TAIL
        size = _tail_size(luck[:, Luck.TAIL_SIZE].astype(np.float64))
        days = days * world.carriers.pace[carrier] * np.exp(slow) * np.where(tail, size, 1.0)
        days = days * shocks.transit[np.minimum(day, span), carrier]
    if causes & Cause.SHOCK:
        days = days * shocks.weather[np.minimum(day, span), town]
    whole = np.maximum(1, np.floor(days + 0.5)).astype(np.int64)
    if causes & Cause.CARRIER:
        takes = 2 + (4 * luck[:, Luck.DAMAGE_TAKES]).astype(np.int64)
        whole = whole + np.where(luck[:, Luck.DAMAGE] < _DAMAGED, takes, 0)
    minute = 8 * HOUR + 20 + (9 * HOUR * luck[:, Luck.ARRIVES]).astype(np.int64)
    return np.where(gone, world.calendar.ahead(day, whole) * DAY + minute, NEVER)


def chance_late(
    world: World, shocks: Shocks, orders: Orders, dispatched: Ints, chosen: Ints
) -> Floats:
    """Return the exact chance that shipments arrive after their promised day.

    The luck that a shipment has on the road (drift, tail, damage) is integrated out; everything
    else (lane, carrier, shocks on the day it leaves) is as in `deliver` with every cause.

    Args:
        world: the distributor.
        shocks: its bad weeks.
        orders: what was ordered.
        dispatched: (k,) when each leaves; NEVER is late for certain.
        chosen: (k,) numbers of the orders meant.
    """
    gone = dispatched < NEVER
    day = np.where(gone, dispatched, 0) // DAY
    span = len(shocks.weather) - 1
    carrier, site = orders.carrier[chosen], orders.site[chosen]
    town = world.customers.town[orders.customer[chosen]]
    before = world.calendar.before
    allowed = before[orders.promised[chosen] + 1] - before[day]
    usual = 0.9 * world.lane_days[site, town, orders.service[chosen]]
    usual = usual * world.carriers.pace[carrier] * shocks.transit[np.minimum(day, span), carrier]
    usual = usual * shocks.weather[np.minimum(day, span), town]
    noise = world.carriers.noise[carrier]

    def takes(days: Ints) -> Floats:
        """Return the chance of at least so many whole days, damage apart."""
        edge = np.log(np.maximum(days - 0.5, 0.5) / usual)
        tail = ndtr((np.log(_tail_size(_GRID)) - edge[:, None]) / noise[:, None]).mean(axis=1)
        return np.where(days <= 1, 1.0, (1 - _TAIL) * ndtr(-edge / noise) + _TAIL * tail)

    damaged_too = sum(takes(allowed - days) for days in _DAMAGE_DAYS) / len(_DAMAGE_DAYS)
    chance = (1 - _DAMAGED) * takes(allowed) + _DAMAGED * damaged_too
    return np.where(gone, chance, 1.0)


def _tail_size(uniform: Floats) -> Floats:
    return np.asarray(1.5 + 1.8 * uniform**2)


def damaged(orders: Orders) -> npt.NDArray[np.bool_]:
    """Return which shipments are damaged or refused on the way, if they leave at all."""
    return np.asarray(orders.luck[:, Luck.DAMAGE] < _DAMAGED)


def express_carrier(world: World, orders: Orders) -> Ints:
    """Return who would carry an order by Express: its own carrier, else the fastest; or -1."""
    able: npt.NDArray[np.bool_] = (world.serves() & world.carriers.services[:, [EXPRESS]]).T
    fastest = np.where(able, world.carriers.pace, np.inf).argmin(axis=1)
    town = world.customers.town[orders.customer]
    own = able[town, orders.carrier]
    return np.where(own, orders.carrier, np.where(able[town].any(axis=1), fastest[town], -1))
