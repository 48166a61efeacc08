"""From the packing table to the customer: pick-up, lane, carrier, weather. No queue, no state."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.causes import Cause
from triage.simulation.demand import Luck, Orders
from triage.simulation.shocks import Shocks
from triage.simulation.world import EXPRESS, World

_TAIL = 0.02
_DAMAGED = 0.008


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
        size = 1.5 + 1.8 * luck[:, Luck.TAIL_SIZE].astype(np.float64) ** 2
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
