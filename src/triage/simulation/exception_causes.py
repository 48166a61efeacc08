"""What lies behind an exception: which cause, which line. Read from the run, never from a text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage.simulation import prices
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import Orders
from triage.simulation.entry import held_until
from triage.simulation.result import Result, Stock
from triage.simulation.shocks import Shocks
from triage.simulation.world import World

Bools = npt.NDArray[np.bool_]

CAUSES = (
    *("entry_mistake", "sent_twice", "address_data", "dangerous_goods", "credit_limit", "past_due"),
    *("wrong_unit", "stale_contract", "decimal_slip", "currency"),
    *("late_supplier", "demand_peak", "low_stock", "phantom_stock", "lost_message", "outage"),
    *("weather", "carrier_trouble", "slow_linehaul", "handling"),
    *("short_shipment", "billing_slip", "customer"),
)
(ENTRY_MISTAKE, SENT_TWICE, ADDRESS_DATA, DANGEROUS_GOODS, CREDIT_LIMIT, PAST_DUE) = range(6)
(LATE_SUPPLIER, DEMAND_PEAK, LOW_STOCK, PHANTOM_STOCK, LOST_MESSAGE, OUTAGE) = range(10, 16)
(WEATHER, CARRIER_TROUBLE, SLOW_LINEHAUL, HANDLING) = range(16, 20)
(SHORT_SHIPMENT, BILLING_SLIP, CUSTOMER) = range(20, 23)
_PRICES = 6 - prices.WRONG_UNIT
"""Added to a number in prices.ERRORS."""
_BUSY = 1.2
_DRAWN = 0.08


def on_shelf(stock: Stock, cell: Ints, minute: Ints) -> Ints:
    """Return pieces free in (k,) cells as last written down up to (k,) minutes; -1 if never."""
    if not len(stock.cell):
        return np.full(len(cell), -1, dtype=np.int64)
    key = stock.cell * NEVER + stock.minute
    sequence = np.argsort(key, kind="stable")
    at = np.searchsorted(key[sequence], cell * NEVER + minute, side="right") - 1
    row = sequence[np.maximum(at, 0)]
    seen = (at >= 0) & (stock.cell[row] == cell)
    return np.where(seen, stock.on_hand[row] - stock.taken[row], -1)


def lines_of(orders: Orders, order: Ints) -> tuple[Ints, Ints]:
    """Return all lines of some orders, and for each the place of its order among them."""
    count = orders.lines[order]
    place = np.repeat(np.arange(len(order)), count)
    within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    return orders.first_line[order][place] + within, place


def worst_line(orders: Orders, order: Ints, badness: npt.NDArray[np.float64]) -> Ints:
    """Return, for some orders, the line that is worst; `badness` is by line of `lines_of`."""
    line, place = lines_of(orders, order)
    ranked = np.lexsort((line, -badness, place))
    first = np.searchsorted(place[ranked], np.arange(len(order)))
    return line[ranked[first]]


def short_line(world: World, orders: Orders, result: Result, order: Ints) -> Ints:
    """Return which line of each order was short first; -1 where the shelves were not watched."""
    if not len(result.stock.cell):
        return np.full(len(order), -1, dtype=np.int64)
    line, place = lines_of(orders, order)
    cell = result.site[order][place] * len(world.skus.code) + orders.own.sku[line]
    free = on_shelf(result.stock, cell, result.short_since[order][place])
    return worst_line(orders, order, (orders.own.quantity[line] - free).astype(np.float64))


def of_shortage(world: World, shocks: Shocks, result: Result, order: Ints, sku: Ints) -> Ints:
    """Return why stock was short: the supplier, a busy season, or too little planned."""
    day = np.minimum(result.short_since[order] // DAY, len(shocks.lead) - 1)
    before = np.maximum(day - 7, 0)
    late = shocks.lead[before, world.skus.supplier[sku]] > 1
    busy = shocks.demand[before] > _BUSY
    return np.where(late, LATE_SUPPLIER, np.where(busy, DEMAND_PEAK, LOW_STOCK))


def of_delay(world: World, shocks: Shocks, orders: Orders, result: Result, order: Ints) -> Ints:
    """Return why a shipment was slow."""
    day = np.minimum(result.dispatched[order] // DAY, len(shocks.weather) - 1)
    weather = shocks.weather[day, world.customers.town[orders.customer[order]]] > 1
    trouble = shocks.transit[day, result.carrier[order]] > 1
    return np.where(weather, WEATHER, np.where(trouble, CARRIER_TROUBLE, SLOW_LINEHAUL))


def of_credit(world: World, orders: Orders, order: Ints) -> Ints:
    """Return why an order was stopped for credit."""
    drawn = orders.value[order] / world.customers.credit_limit[orders.customer[order]]
    return np.where(drawn > _DRAWN, CREDIT_LIMIT, PAST_DUE)


def of_price(orders: Orders, line: Ints) -> Ints:
    """Return what is wrong with the price of lines."""
    return orders.own.prices.error[line].astype(np.int64) + _PRICES


def of_message(shocks: Shocks, interface: int, minute: Ints) -> Ints:
    """Return why a message that was to pass at a minute did not."""
    return np.where(held_until(shocks, interface, minute)[0], OUTAGE, LOST_MESSAGE)
