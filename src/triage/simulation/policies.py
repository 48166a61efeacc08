"""A world in which people act: who advises them, how much time they have, what comes of it.

A policy sees at each session what the systems have recorded, and proposes actions in order of
importance. People take them from the top as long as their time lasts, follow some and not others,
and need a while. The world then goes on from there, with the same luck as without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.demand import Orders
from triage.simulation.world import Bools, World


class Action(StrEnum):
    """What can be done for one order."""

    EXPEDITE_APPROVAL = "expedite_approval"
    OTHER_WAREHOUSE = "other_warehouse"
    FASTER_SERVICE = "faster_service"
    SPLIT = "split"
    SUBSTITUTE = "substitute"
    PICK_NEXT = "pick_next"
    TELL_CUSTOMER = "tell_customer"


class Proposal(NamedTuple):
    """One action for one order; `site` names from where it ships, or what is missing (split)."""

    order: int
    action: Action
    site: int = -1


@dataclass(frozen=True, slots=True)
class Staff:
    """The people who act on advice.

    Attributes:
        people: how many.
        minutes: of each a working day, for this work.
        sessions: minutes of the day at which the list is worked.
        adoption: chance that a proposal is followed.
        delay: minutes until a followed proposal takes effect.
        wage: USD a minute.
        takes: minutes that each action takes, followed or not.
    """

    people: float = 2.0
    minutes: float = 180.0
    sessions: tuple[int, ...] = (8 * HOUR + 30, 13 * HOUR)
    adoption: float = 0.8
    delay: int = 30
    wage: float = 0.75
    takes: dict[Action, float] = field(
        default_factory=lambda: {
            Action.EXPEDITE_APPROVAL: 6.0,
            Action.OTHER_WAREHOUSE: 9.0,
            Action.FASTER_SERVICE: 4.0,
            Action.SPLIT: 12.0,
            Action.SUBSTITUTE: 12.0,
            Action.PICK_NEXT: 3.0,
            Action.TELL_CUSTOMER: 5.0,
        }
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of the open orders at one moment, by the systems' records. k open orders.

    Attributes:
        now: minute.
        order: (k,) numbers of the open orders.
        known: milestone -> (k,) minute as written, NEVER where nothing is recorded yet.
        held: (k,) whether it is known to wait for the office.
        short: (k,) whether it is known to wait for stock.
        tried: (k,) how many proposals were made for it before.
        site, service, carrier: (k,) from where and how it ships, as now booked.
        free: (sites, skus) free pieces by the system, as of the last midnight.
        due: (sites, skus) minute at which the next delivery is expected that was ordered and had
            not come by then, by its supplier's usual lead time; NEVER where nothing is on its way.
        world, orders: master data and what the orders ask for, without their luck. `orders` holds
            the whole world's, by number: advice reads those in `order` only.
    """

    now: int
    order: Ints
    known: dict[str, Ints]
    held: npt.NDArray[np.bool_]
    short: npt.NDArray[np.bool_]
    tried: Ints
    site: Ints
    service: Ints
    carrier: Ints
    free: Ints
    due: Ints
    world: World
    orders: Orders


Policy = Callable[[Situation], Sequence[Proposal]]
Elsewhere = Callable[[Situation, int], Proposal | None]
"""What to do about an order, by its place in a situation, that its own site cannot fill."""


class Deed(NamedTuple):
    """Something that people took on: when, what, whether they followed it, whether it worked.

    `kg` is the weight that goes as a second part because of it.
    """

    minute: int
    proposal: Proposal
    followed: bool
    done: bool
    kg: float = 0.0


def nobody(_: Situation) -> Sequence[Proposal]:
    """Propose nothing."""
    return ()


def static_rules(now: Situation) -> Sequence[Proposal]:
    """Propose what a rule book would: by the dates, the most valuable order first.

    Held for a day and to be shipped within two: ask again. Short of stock with a promise within
    four days: another site that keeps the items. Not shipped by its ship-by day: pick it next, and
    by Express if the promise is tomorrow. Promised for today: tell the customer.
    """
    return _by_the_book(now, _kept_elsewhere)


def stock_rules(now: Situation) -> Sequence[Proposal]:
    """Propose what `static_rules` does, but look at the stock before anything moves.

    Short of stock: what other sites show (see `shown_elsewhere`).
    """
    return _by_the_book(now, shown_elsewhere)


def _by_the_book(now: Situation, elsewhere: Elsewhere) -> list[Proposal]:
    orders, day = now.orders, now.now // DAY
    unshipped = now.known["shipment_dispatched"] >= NEVER
    found: list[Proposal] = []
    for at in np.argsort(-orders.value[now.order], kind="stable").tolist():
        order = int(now.order[at])
        if not unshipped[at] or now.tried[at] > 2:
            continue
        waited = now.now - int(now.known["order_created"][at])
        left = int(orders.promised[order]) - day
        if left <= 0:
            if left == 0:
                found.append(Proposal(order, Action.TELL_CUSTOMER))
        elif now.held[at] and waited > DAY and int(orders.ship_by[order]) - day <= 2:
            found.append(Proposal(order, Action.EXPEDITE_APPROVAL))
        elif now.short[at] and left <= 4:
            way = elsewhere(now, at)
            if way is not None:
                found.append(way)
        elif not now.held[at] and day >= int(orders.ship_by[order]):
            faster = left <= 1 and now.tried[at] == 1
            found.append(Proposal(order, Action.FASTER_SERVICE if faster else Action.PICK_NEXT))
    return found


def by_value(now: Situation) -> Sequence[Proposal]:
    """Propose the usual action for every open order, the most valuable first."""
    return _usual(now, np.argsort(-now.orders.value[now.order], kind="stable"))


def by_promise(now: Situation) -> Sequence[Proposal]:
    """Propose the usual action for every open order, the nearest promise first."""
    return _usual(now, np.argsort(now.orders.promised[now.order], kind="stable"))


def _usual(now: Situation, places: Ints) -> list[Proposal]:
    found = (usual_action(now, at) for at in places.tolist())
    return [each for each in found if each is not None]


def usual_action(now: Situation, at: int) -> Proposal | None:
    """Return what people do about an order that they look at, whatever its dates; None: nothing.

    Held: ask again. Short of stock: what another site shows (see `stock_rules`). Allocated: pick it
    next. Promised for today: tell the customer. None is worked on more than three times.
    """
    order, known = int(now.order[at]), now.known
    if known["shipment_dispatched"][at] < NEVER or now.tried[at] > 2:
        return None
    if int(now.orders.promised[order]) == now.now // DAY:
        return Proposal(order, Action.TELL_CUSTOMER)
    if now.held[at]:
        return Proposal(order, Action.EXPEDITE_APPROVAL)
    if now.short[at]:
        return shown_elsewhere(now, at)
    if known["allocation_confirmed"][at] < NEVER:
        return Proposal(order, Action.PICK_NEXT)
    return None


def _kept_elsewhere(now: Situation, at: int) -> Proposal | None:
    """Return a move to the nearest other site that keeps every item, whether it has it or not."""
    order = int(now.order[at])
    able = np.asarray(now.world.skus.stocked[_basket(now, order)[0]].all(axis=0))
    site = _nearest(now, order, int(now.orders.site[order]), able)
    return Proposal(order, Action.OTHER_WAREHOUSE, site) if site >= 0 else None


def shown_elsewhere(now: Situation, at: int) -> Proposal | None:
    """Return what other sites, by the system, have for an order that is short.

    The nearest that shows everything, else the missing pieces from the nearest that shows these,
    else as many as possible from the one that shows most of them.
    """
    order, own = int(now.order[at]), int(now.site[at])
    sku, pieces = _basket(now, order)
    free = now.free[:, sku]
    able = np.asarray((free >= pieces).all(axis=1))
    site = _nearest(now, order, own, able)
    if site >= 0:
        return Proposal(order, Action.OTHER_WAREHOUSE, site)
    missing = pieces - np.clip(free[own], 0, pieces)
    if not missing.any() or (missing == pieces).all():
        return None
    given = np.minimum(free, missing).sum(axis=1)
    given[own] = 0
    site = _nearest(now, order, own, (given == given.max()) & (given > 0))
    return Proposal(order, Action.SPLIT, site) if site >= 0 else None


def _basket(now: Situation, order: int) -> tuple[Ints, Ints]:
    """Return items and pieces of an order."""
    orders, first = now.orders, int(now.orders.first_line[order])
    lines = slice(first, first + int(orders.lines[order]))
    return orders.own.sku[lines], orders.own.quantity[lines]


def _nearest(now: Situation, order: int, own: int, able: Bools) -> int:
    """Return the nearest site, not its own, that is able and may ship an order; -1: there is none.

    Args:
        now: the situation.
        order: its number.
        own: its site.
        able: (sites,) which have what is needed.
    """
    orders, world = now.orders, now.world
    able = able & (world.sites.third_party <= ~orders.regulated[order])
    able[own] = False
    miles = np.where(able, world.miles[:, world.customers.town[orders.customer[order]]], np.inf)
    return int(miles.argmin()) if able.any() else -1
