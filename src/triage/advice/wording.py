"""Numbers as people read them, by the unit that a feature declares."""

from __future__ import annotations

import math

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
    if unit == "log days":
        return days(math.expm1(value))
    if unit in {"share", "log share"}:
        return percent(math.exp(value) if unit == "log share" else value)
    if unit == "hours":
        return days(value / 24) if abs(value) >= 48 else f"{_short(value)} h"
    if unit == "days":
        return days(value)
    if unit == "weekday":
        return WEEKDAYS[round(value) % 7]
    if unit == "o'clock":
        return f"{int(value) % 24}:{int(value % 1 * 60):02d}"
    if unit == "°":
        return f"{value:.1f}°"
    return f"{_short(value)} {_one(value, unit)}".strip()


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
    return f"{points:.0f} %"


def _short(value: float) -> str:
    size = abs(value)
    if size >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}".removesuffix(".0")


def _one(value: float, unit: str) -> str:
    singular = {"orders": "order", "lines": "line", "sites": "site", "holidays": "holiday",
                "units": "unit", "instalments": "instalment", "working days": "working day"}  # fmt: skip
    return singular.get(unit, unit) if value == 1 else unit
