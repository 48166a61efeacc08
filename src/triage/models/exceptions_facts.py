"""Numbers and names that stand beside an exception's message, from what was known of its order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME
from triage.domain.records import MilestoneKind

Floats = npt.NDArray[np.float64]

STAGES = tuple(kind.value for kind in MilestoneKind)
CATEGORIES = (
    "source", "code", "channel", "service", "site", "carrier", "tier", "payment", "region",
    "category", "customer_usual",
)  # fmt: skip
NUMBERS = (
    "order_known", "orders_that_fit", "stage", *(f"since_{name}" for name in STAGES),
    "to_promise", "to_ship_by", "starts_later", "road_share", "value", "spent_30d", "lines",
    "quantity", "spare_stock",
    "lines_short", "price_low", "price_high", "price_off", "lag", "hour", "weekday", "earlier",
    "same_code_6h", "same_site_6h", "same_carrier_3d",
)  # fmt: skip
"""Times in days, money as log(1 + currency), prices as log(entered / other), counts as they are."""
PRICES = (
    "list_price", "contract_price", "former_contract_price", "promotion_price", "volume_price",
)  # fmt: skip
"""Prices that an entered one is held against, the list first; none of them need be there."""
NAN = math.nan
_SHIPPED = STAGES.index(MilestoneKind.SHIPMENT_DISPATCHED.value)


@dataclass(frozen=True, slots=True)
class Line:
    """A line: numbers of its site and sku (-1: never seen), pieces, price entered, PRICES."""

    site: int
    sku: int
    quantity: float
    entered: float
    prices: Sequence[float]


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as it entered the log; times in UTC micros, UNKNOWN_TIME where there is none.

    Attributes:
        happened: when each milestone of STAGES was; the first is the order's own.
        known: when it became known.
        promised_by, ship_by, not_before: as in the order.
        categories: the order's own codes by name in CATEGORIES.
        customer: id, if there is one.
        site: of its first line.
        lines: its lines.
    """

    happened: Sequence[int]
    known: Sequence[int]
    promised_by: int
    ship_by: int
    not_before: int
    categories: dict[str, str | None]
    customer: str | None
    site: str | None
    lines: Sequence[Line]


def order_numbers(
    order: OrderFacts, event: int, moment: int, stock: Callable[[int, int], float]
) -> dict[str, float]:
    """Return the numbers of an order as they were known before a moment.

    Args:
        order: the order.
        event: when the exception happened, UTC micros.
        moment: when it became known: a milestone counts if it was known before.
        stock: free pieces by numbers of site and sku; NaN where nobody counted.
    """
    found: dict[str, float] = {"order_known": 1.0}
    for at, (name, known) in enumerate(zip(STAGES, order.known, strict=True)):
        if known != UNKNOWN_TIME and (known < moment or at == 0):
            found[f"since_{name}"] = (event - order.happened[at]) / MICROS_PER_DAY
            found["stage"] = float(at)
    found["to_promise"] = (order.promised_by - event) / MICROS_PER_DAY
    if order.ship_by != UNKNOWN_TIME:
        found["to_ship_by"] = (order.ship_by - event) / MICROS_PER_DAY
        road = max(order.promised_by - order.ship_by, MICROS_PER_DAY) / MICROS_PER_DAY
        found["road_share"] = found.get(f"since_{STAGES[_SHIPPED]}", NAN) / road
    found["starts_later"] = float(order.not_before > event)
    return found | _of_lines(order.lines, stock)


def order_value(lines: Sequence[Line]) -> float:
    """Return pieces times prices, lines without a price left out."""
    return math.fsum(x.quantity * x.entered for x in lines if not math.isnan(x.entered))


def _of_lines(lines: Sequence[Line], stock: Callable[[int, int], float]) -> dict[str, float]:
    found = {"lines": float(len(lines)), "value": math.log1p(order_value(lines))}
    found["quantity"] = max((line.quantity for line in lines), default=NAN)
    off = [x for line in lines if not math.isnan(x := _against(line.entered, line.prices[0]))]
    if off:
        found["price_low"], found["price_high"] = min(off), max(off)
    nearest = [x for line in lines if not math.isnan(x := _nearest(line))]
    if nearest:
        found["price_off"] = max(nearest, key=abs)
    spare = [
        left - line.quantity for line in lines if not math.isnan(left := stock(line.site, line.sku))
    ]
    if spare:
        found["spare_stock"] = min(spare)
        found["lines_short"] = float(sum(left < 0 for left in spare))
    return found


def _against(entered: float, other: float) -> float:
    if math.isnan(entered) or not other > 0:
        return NAN
    return math.log(max(entered, 0.01) / other)


def _nearest(line: Line) -> float:
    """Return how far the entered price is from what is agreed or listed, whichever is nearest.

    The contract before does not excuse a price.
    """
    agreed = [price for at, price in enumerate(line.prices) if at != 2]
    if not math.isnan(line.prices[1]):
        agreed = agreed[1:]
    off = [x for price in agreed if not math.isnan(x := _against(line.entered, price))]
    return min(off, key=abs) if off else NAN
