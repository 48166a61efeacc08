"""Numbers as people read them, by the unit that a feature declares."""

from __future__ import annotations

import math
from collections.abc import Callable

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STAGES = {
    "order_created": "placed",
    "order_validated": "validated",
    "allocation_confirmed": "allocated",
    "pick_released": "released to the warehouse",
    "shipment_dispatched": "handed to the carrier",
}


def say(value: float | None, unit: str) -> str:
    """Return a value with its unit in words; "unknown" where there is none."""
    if value is None or math.isnan(value):
        return "unknown"
    special = _SPECIAL.get(unit)
    if special is not None:
        return special(value)
    number = _short(value)
    return f"{number} {_SINGULAR.get(unit, unit) if number == '1' else unit}".strip()


def days(value: float) -> str:
    """Return a span of days in words."""
    if abs(value) < 2:
        return f"{_short(value * 24)} h"
    return f"{_short(value)} days"


def percent(share: float) -> str:
    """Return a share as a percentage that does not claim more than it knows."""
    points = 100 * share
    if 0 < points < 1:
        return "under 1 %"
    return f"{_unsigned_zero(f'{points:.0f}')} %"


def _short(value: float) -> str:
    size = abs(value)
    if size >= 100 or value == round(value):
        return _unsigned_zero(f"{value:,.0f}")
    return _unsigned_zero(f"{value:,.1f}".removesuffix(".0"))


def _unsigned_zero(number: str) -> str:
    return "0" if number == "-0" else number


def _hours(value: float) -> str:
    return days(value / 24) if abs(value) >= 48 else f"{_short(value)} h"


def _clock(value: float) -> str:
    return f"{int(value) % 24}:{int(value % 1 * 60):02d}"


def _moment_of_week(value: float) -> str:
    return f"{WEEKDAYS[int(value // 24) % 7]} {_clock(value % 24)}"


def _deadline(value: float) -> str:
    return f"{days(-value)} past" if value < 0 else f"{days(value)} away"


def _stock(value: float) -> str:
    return f"{say(-value, 'units')} short" if value < 0 else f"{say(value, 'units')} to spare"


_SPECIAL: dict[str, Callable[[float], str]] = {
    "log days": lambda value: days(math.expm1(value)),
    "log share": lambda value: percent(math.exp(value)),
    "share": percent,
    "hours": _hours,
    "days": days,
    "days until": _deadline,
    "units left": _stock,
    "weekday": lambda value: WEEKDAYS[round(value) % 7],
    "o'clock": _clock,
    "hour of the week": _moment_of_week,
    "°": lambda value: f"{value:.1f}°",
}
_SINGULAR = {
    "orders": "order",
    "exceptions": "exception",
    "lines": "line",
    "sites": "site",
    "holidays": "holiday",
    "units": "unit",
    "instalments": "instalment",
    "working days": "working day",
}
