"""The order's own facts as numbers and keys: what is known from the moment it is recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

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
TIMES: tuple[str, ...] = (*MILESTONES, PROMISED_BY, DUE_BY, STARTS_AT)
"""Columns of the book's `event` and `known` arrays; the deadline is known from validation on.

`starts_at` is when work on the order may begin: when it was placed, or `not_before` if later.
"""
TIME = {name: column for column, name in enumerate(TIMES)}

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
    lat1, lat2 = math.radians(line.site_latitude), math.radians(order.destination_latitude)
    dlat = lat2 - lat1
    dlon = math.radians(order.destination_longitude - line.site_longitude)
    h = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


def _total(lines: Sequence[OrderLine], value: Callable[[OrderLine], float | None]) -> float:
    known = [v for v in map(value, lines) if v is not None]
    return sum(known) if known else _NAN


def _number(value: float | None) -> float:
    return _NAN if value is None else float(value)


def _same_region(order: Order, line: OrderLine | None) -> float:
    if line is None or line.site_region is None or order.destination_region is None:
        return _NAN
    return float(line.site_region == order.destination_region)


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
}
NUMBERS: tuple[str, ...] = tuple(_NUMBERS)
"""Columns of the book's `numbers` array."""

_ORDER_FIELDS = (
    "destination_region", "destination_area", "customer_id", "customer_tier", "channel",
    "carrier", "service", "payment_method", "currency",
)  # fmt: skip
_LINE_FIELDS = ("site", "site_region", "site_area", "category", "sku")
_ZONE = "destination_zone"
KEY_FIELDS: tuple[str, ...] = (*_ORDER_FIELDS, *_LINE_FIELDS, _ZONE)
"""What history can be kept by; the zone is the first two characters of the postal area."""


def numbers(order: Order) -> list[float]:
    """Return the order's numbers in the order of `NUMBERS`; NaN where not known."""
    line = main_line(order)
    return [function(order, line) for function in _NUMBERS.values()]


def key_values(order: Order) -> dict[str, str | None]:
    """Return what the order can be keyed by; None where not known."""
    line = main_line(order)
    values: dict[str, str | None] = {name: getattr(order, name) for name in _ORDER_FIELDS}
    for name in _LINE_FIELDS:
        values[name] = getattr(line, name) if line else None
    values[_ZONE] = order.destination_area[:2] if order.destination_area else None
    return values
