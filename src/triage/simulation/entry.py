"""How orders come in: interfaces that fail, checks that hold an order until someone answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, Ints
from triage.simulation.causes import Cause
from triage.simulation.demand import EDI, FIELD_SALES, MARKETPLACE, Luck, Orders
from triage.simulation.shocks import Shocks
from triage.simulation.world import World

Bools = npt.NDArray[np.bool_]

#                    EDI, eCommerce, Portal, Field sales, Customer service, Marketplace
_FAILS = np.array([0.022, 0.010, 0.008, 0.0, 0.0, 0.020])
_NEEDS_DATA = np.array([0.026, 0.024, 0.018, 0.045, 0.016, 0.034])
_ELECTRONIC = np.array([True, True, True, False, False, True])
_PRICE_CHECKED = 0.45
CATCHES_UP = 10
"""Minutes after an outage until the messages that it held are through."""
HURRY = 4
"""An answer that is expedited comes in one part of so many of its usual time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How each of n orders came in, as far as it does not depend on other orders.

    Attributes:
        entered: when the ERP had it.
        failed: whether its message failed or stood still.
        credit, data, price: whether it is held for that.
        work: minutes that the office needs for its cases.
        answer: minutes of office time until whoever was asked has answered.
        checked: when the automatic checks were through.
    """

    entered: Ints
    failed: Bools
    credit: Bools
    data: Bools
    price: Bools
    work: Ints
    answer: Ints
    checked: Ints

    @property
    def held(self) -> Bools:
        """Return which orders wait for the office."""
        return self.credit | self.data | self.price


def enter(world: World, shocks: Shocks, orders: Orders, causes: Cause) -> Entry:
    """Return how the orders come in when only some causes exist."""
    luck, n = orders.luck, len(orders)
    lag = _usual_lag(orders)
    entered = orders.created + lag
    failed = np.zeros(n, dtype=bool)
    if causes & Cause.INTEGRATION:
        failed = luck[:, Luck.ENTRY_FAILS] < _FAILS[orders.channel]
        hours = 0.6 * np.exp(2.6 * luck[:, Luck.ENTRY_REPAIR].astype(np.float64))
        repair = np.where(failed, hours * HOUR, 0).astype(np.int64)
        entered = np.where(failed, world.calendar.after(entered, repair), entered)
        stuck, until = held_until(shocks, 0, entered)
        stuck &= _ELECTRONIC[orders.channel]
        entered, failed = np.where(stuck, until, entered), failed | stuck
    held = np.zeros((3, n), dtype=bool)
    if causes & Cause.APPROVAL:
        held[0] = luck[:, Luck.CREDIT] < _credit_risk(world, orders)
        sloppy = world.customers.sloppy[orders.customer]
        held[1] = luck[:, Luck.DATA] < np.minimum(_NEEDS_DATA[orders.channel] * sloppy, 0.4)
        wrong = np.bincount(orders.own.order, orders.own.prices.error > 0, n) > 0
        held[2] = wrong & (luck[:, Luck.PRICE_CHECK] < _PRICE_CHECKED)
    base = 8 + 22 * luck[:, Luck.DESK_WORK].astype(np.float64)
    credit_answer = _skewed(luck[:, Luck.CREDIT_ANSWER], 9.0)
    data_answer = _skewed(luck[:, Luck.DATA_ANSWER], 6.0)
    asked = np.maximum(
        np.where(held[0], credit_answer, 0), np.where(held[1] | held[2], data_answer, 0)
    )
    checked = entered + 1 + (14 * luck[:, Luck.DESK_RECORDED]).astype(np.int64)
    return Entry(
        entered, failed, held[0], held[1], held[2],
        (base * held.sum(axis=0)).astype(np.int64), (asked * HOUR).astype(np.int64), checked,
    )  # fmt: skip


def held_until(shocks: Shocks, interface: int, minute: Ints) -> tuple[Bools, Ints]:
    """Return which moments fall into an outage of an interface, and when that ends."""
    stuck = np.zeros(len(minute), dtype=bool)
    until = np.zeros(len(minute), dtype=np.int64)
    for first, last in standstills(shocks, interface):
        inside = (minute >= first) & (minute < last)
        stuck |= inside
        until[inside] = last + CATCHES_UP
    return stuck, until


def standstills(shocks: Shocks, interface: int) -> list[tuple[int, int]]:
    """Return first and last minute of each outage of an interface."""
    return [(first, last) for which, first, last in shocks.outages.tolist() if which == interface]


def _usual_lag(orders: Orders) -> Ints:
    u = orders.luck[:, Luck.ENTRY_LAG].astype(np.float64)
    lag = np.where(orders.channel == EDI, 2 + 12 * u, 1 + 4 * u)
    lag = np.where(orders.channel == FIELD_SALES, 30 + 270 * u * u, lag)
    to_the_hour = HOUR - orders.created % HOUR + 4
    lag = np.where(orders.channel == MARKETPLACE, to_the_hour, lag)
    return lag.astype(np.int64)


def _credit_risk(world: World, orders: Orders) -> npt.NDArray[np.float64]:
    customers = world.customers
    drawn = orders.value / customers.credit_limit[orders.customer]
    month_end = (orders.created // DAY) % 30 >= 26
    risk = customers.credit_risk[orders.customer] * (1 + 2.5 * (drawn > 0.08) + 0.5 * month_end)
    return np.minimum(risk + 0.35 * (drawn > 0.4), 0.9)


def _skewed(uniform: npt.NDArray[np.float32], mean_hours: float) -> npt.NDArray[np.float64]:
    """Return hours of a skewed wait: a third answer at once, some take days."""
    u = uniform.astype(np.float64)
    wait = np.where(u < 0.33, 0.1, -np.log1p(-(u - 0.33) / 0.67 * 0.999) * 1.35 * mean_hours)
    return np.minimum(wait, 60.0)
