"""Facts as times, numbers and keys: of an order, and of what else enters history beside orders."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import reduce
from operator import add

from triage.domain.records import MilestoneKind, Order, OrderLine

MILESTONES: tuple[str, ...] = (
    MilestoneKind.ORDER_CREATED.value,
    MilestoneKind.ORDER_VALIDATED.value,
    MilestoneKind.ALLOCATION_CONFIRMED.value,
    MilestoneKind.PICK_RELEASED.value,
    MilestoneKind.SHIPMENT_DISPATCHED.value,
    MilestoneKind.DELIVERED.value,
    MilestoneKind.ORDER_CANCELLED.value,
)
PROMISED_BY = "promised_by"
DUE_BY = "due_by"
STARTS_AT = "starts_at"
READY_AT = "ready_at"
RECORDED = "order_recorded"
SHIP_BY = "ship_by"
TIMES: tuple[str, ...] = (
    *MILESTONES, PROMISED_BY, DUE_BY, STARTS_AT, READY_AT, RECORDED, SHIP_BY,
)  # fmt: skip
"""Columns of the book's `event` and `known` arrays.

`starts_at` is when work on the order may begin: when it was placed, or `not_before` if later.
`ready_at` is when it waits for its stock: once validated and begun. `order_recorded` is when the
order itself became known. `due_by` is the deadline for the hand-over: the order's own `ship_by`, or
else what the validation set.
"""
TIME = {name: column for column, name in enumerate(TIMES)}


class Subject(IntEnum):
    """What puts entries into streams; each has its own times and numbers."""

    ORDER = 0
    LINE = 1
    POSITION = 2
    EXCEPTION = 3
    SUPPLY = 4
    STAFFING = 5


TIMES_OF: dict[Subject, tuple[str, ...]] = {
    Subject.ORDER: TIMES,
    Subject.LINE: ("line_ordered", "line_ready", "line_allocated", "line_cancelled"),
    Subject.POSITION: ("counted",),
    Subject.EXCEPTION: ("exception_raised", "exception_resolved"),
    Subject.SUPPLY: ("supply_ordered", "supply_received", "supply_expected"),
    Subject.STAFFING: ("staffed",),
}
"""Times by subject; from the first of them on a subject is known at all."""
LINE_TIMES: tuple[tuple[int, ...], ...] = tuple(
    tuple(TIME[name] for name in names)
    for names in (
        ("order_created",), (READY_AT,),
        ("allocation_confirmed", "pick_released", "shipment_dispatched", "delivered"),
        ("order_cancelled",),
    )
)  # fmt: skip
"""Columns of `TIMES` from which a line has each of its own times: that which was known first. What
was shipped has its stock, whether or not somebody recorded the allocation."""

_EARTH_RADIUS_KM = 6371.0
_NAN = math.nan


def main_line(order: Order) -> OrderLine | None:
    """Return the line that names the order's site and category: the most valuable, or the first."""
    if not order.lines:
        return None
    return max(
        order.lines, key=lambda line: (line.quantity * (line.unit_price or 0), -line.line_no)
    )


def distance_km(order: Order, line: OrderLine | None) -> float:
    """Return the great-circle distance from site to destination in km (NaN if not known)."""
    if line is None or line.site_latitude is None or line.site_longitude is None:
        return _NAN
    if order.destination_latitude is None or order.destination_longitude is None:
        return _NAN
    return great_circle_km(
        line.site_latitude, line.site_longitude,
        order.destination_latitude, order.destination_longitude,
    )  # fmt: skip


def great_circle_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Return the great-circle distance between two points given in degrees, in km."""
    lat1, lat2 = math.radians(latitude), math.radians(to_latitude)
    dlat = lat2 - lat1
    dlon = math.radians(to_longitude - longitude)
    h = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


def _in_sequence(values: Iterable[float]) -> float:
    """Return the sum added up one by one, on every Python (3.12 compensates in `sum`)."""
    return reduce(add, values, 0.0)


def _total(lines: Sequence[OrderLine], value: Callable[[OrderLine], float | None]) -> float:
    known = [v for v in map(value, lines) if v is not None]
    return _in_sequence(known) if known else _NAN


def _number(value: float | None) -> float:
    return _NAN if value is None else float(value)


def rank(code: str | None) -> float:
    """Return the number that a priority code begins with; NaN if it begins with none."""
    digits = re.match(r"[0-9]{1,9}", code or "")
    return float(digits[0]) if digits else _NAN


def _same_region(order: Order, line: OrderLine | None) -> float:
    if line is None or line.site_region is None or order.destination_region is None:
        return _NAN
    return float(line.site_region == order.destination_region)


def _price_ratio(lines: Sequence[OrderLine]) -> float:
    listed = [x for x in lines if x.unit_price is not None and x.list_price]
    base = _in_sequence(x.quantity * (x.list_price or 0.0) for x in listed)
    paid = _in_sequence(x.quantity * (x.unit_price or 0.0) for x in listed)
    return paid / base if base > 0 else _NAN


def _price_gap(lines: Sequence[OrderLine]) -> float:
    """Return the widest distance of a line's price from its list price, on the log scale."""
    pairs = [(x.unit_price, x.list_price) for x in lines if x.unit_price and x.list_price]
    return max((abs(math.log(paid / listed)) for paid, listed in pairs), default=_NAN)


_NUMBERS: dict[str, Callable[[Order, OrderLine | None], float]] = {
    "value": lambda o, _: _total(o.lines, lambda x: x.quantity * (x.unit_price or 0.0)),
    "freight": lambda o, _: _total(o.lines, lambda x: x.freight),
    "line_count": lambda o, _: float(len(o.lines)),
    "site_count": lambda o, _: float(len({x.site for x in o.lines})),
    "quantity": lambda o, _: _total(o.lines, lambda x: x.quantity),
    "weight_kg": lambda o, _: _total(
        o.lines, lambda x: None if x.weight_kg is None else x.weight_kg * x.quantity
    ),
    "heaviest_kg": lambda o, _: max(
        (x.weight_kg for x in o.lines if x.weight_kg is not None), default=_NAN
    ),
    "volume_l": lambda o, _: _total(
        o.lines, lambda x: None if x.volume_l is None else x.volume_l * x.quantity
    ),
    "distance_km": distance_km,
    "same_region": _same_region,
    "installments": lambda o, _: _number(o.payment_installments),
    "destination_latitude": lambda o, _: _number(o.destination_latitude),
    "destination_longitude": lambda o, _: _number(o.destination_longitude),
    "site_latitude": lambda _, x: _number(x.site_latitude if x else None),
    "site_longitude": lambda _, x: _number(x.site_longitude if x else None),
    "main_quantity": lambda _, x: _number(x.quantity if x else None),
    "price_ratio": lambda o, _: _price_ratio(o.lines),
    "price_gap": lambda o, _: _price_gap(o.lines),
    "priority_rank": lambda o, _: rank(o.priority),
    "transit_days": lambda o, _: _number(o.transit_days),
}
NUMBERS: tuple[str, ...] = tuple(_NUMBERS)
"""Columns of the book's `numbers` array."""
NUMBERS_OF: dict[Subject, tuple[str, ...]] = {
    Subject.ORDER: NUMBERS,
    Subject.LINE: ("line_quantity",),
    Subject.POSITION: ("available", "out_of_stock"),
    Subject.EXCEPTION: (),
    Subject.SUPPLY: ("supply_quantity",),
    Subject.STAFFING: ("hours",),
}

_ORDER_FIELDS = (
    "destination_region", "destination_area", "customer_id", "customer_tier", "channel",
    "carrier", "service", "priority", "payment_method", "currency",
)  # fmt: skip
LINE_FIELDS = ("site", "site_region", "site_area", "category", "sku")
"""What the history of a line can be kept by; an order has those of its main line."""
_ZONE = "destination_zone"
ORDER_ID = "order_id"
KEY_FIELDS: tuple[str, ...] = (*_ORDER_FIELDS, *LINE_FIELDS, _ZONE, ORDER_ID)
"""What history can be kept by; the zone is the first two characters of the postal area."""
STOCK_KEY_FIELDS: tuple[str, ...] = ("site", "sku")
"""What the history of stock and of inbound supply can be kept by."""


def numbers(order: Order) -> list[float]:
    """Return the order's numbers in the order of `NUMBERS`; NaN where not known."""
    line = main_line(order)
    return [function(order, line) for function in _NUMBERS.values()]


def key_values(order: Order) -> dict[str, str | None]:
    """Return what the order can be keyed by; None where not known."""
    line = main_line(order)
    values: dict[str, str | None] = {name: getattr(order, name) for name in _ORDER_FIELDS}
    for name in LINE_FIELDS:
        values[name] = getattr(line, name) if line else None
    values[_ZONE] = order.destination_area[:2] if order.destination_area else None
    return values
