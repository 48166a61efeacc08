"""Words that many pages use: stages, counts, spans, feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.serving.formats import number

JUST_NOW: Final = "just now"
STAGES: Final = {
    "order_created": "Ordered",
    "order_validated": "Validated",
    "allocation_confirmed": "Allocated",
    "pick_released": "Released to pick",
    "shipment_dispatched": "Dispatched",
    "created": "Ordered",
    "validated": "Validated",
    "allocated": "Allocated",
    "released": "Released to pick",
    "dispatched": "Dispatched",
}
NAMES: Final = {
    "erp": "ERP",
    "wms": "WMS",
    "it": "IT",
    "critical": "Critical",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
    "inventory": "Inventory",
    "approval": "Approval",
    "warehouse": "Warehouse",
    "carrier": "Carrier",
    "integration": "Integration",
    "demand": "Demand",
    "promise": "Promise",
    "other": "Other",
}
"""Bands, causes and owners; what a policy names beyond these is told as it is written there."""
SOMEBODY: Final = "somebody"
COUNTED: Final = ("order", "orders")
FEEDS: Final = {
    "orders": "Orders",
    "milestones": "Milestones",
    "positions": "Stock",
    "exceptions": "Exceptions",
    "supplies": "Inbound deliveries",
    "staffing": "Hours at the sites",
}


def little_like_it(support: Sequence[str]) -> str:
    """Return in what the model has seen little like a way; no more than two are named."""
    more = f" and {number(len(support) - 2)} more" if len(support) > 2 else ""
    return f"the model has seen little like it in: {', '.join(support[:2])}{more}"


def against_promise(days: int) -> str:
    """Return days against the promise in words."""
    if days == 0:
        return "on the promised day"
    unit = "day" if abs(days) == 1 else "days"
    return f"{number(abs(days))} {unit} {'after' if days > 0 else 'before'} the promise"


def expectation(low: int, high: int) -> str:
    """Return the sentence of the range of delivery, in days against the promise."""
    first, last = against_promise(low), against_promise(high)
    if low == high:
        return f"If nothing changes: expect delivery {first}."
    if low == 0:
        first = "the promised day"
    elif high == 0:
        last = "the promised day"
    elif low > 0 or high < 0:
        first = number(abs(low))
    else:
        first = first.removesuffix(" the promise")
    return f"If nothing changes: expect delivery between {first} and {last}."


def end_of(day: str) -> str:
    """Return a last moment at midnight: the end of the day that is over then."""
    return f"the end of {day}"


def minutes(count: int) -> str:
    """Return a span of less than an hour."""
    return f"{number(count)}\u00a0min"


def hours(count: int) -> str:
    """Return a span of less than two days."""
    return f"{number(count)}\u00a0h"


def whole_days(count: int) -> str:
    """Return a span of two days or more."""
    return f"{number(count)}\u00a0days"


def within(span: str) -> str:
    """Return how far off a moment is that is to come."""
    return f"in {span}"


def ago(span: str) -> str:
    """Return how far off a moment is that has passed."""
    return f"{span} ago"


def between(first: str, last: str) -> str:
    """Return two days between which something is expected."""
    return f"{first} to {last}"


def points(count: str) -> str:
    """Return a number of percentage points."""
    return f"{count} pts"


def days(count: str) -> str:
    """Return a number of days."""
    return f"{count}\u00a0d"


def orders(count: int) -> str:
    """Return a number of orders."""
    return f"{number(count)} {COUNTED[count != 1]}"


def stale_feed(name: str, age: str) -> str:
    """Return that nothing new came of a kind of record for a while."""
    return f"no news of {FEEDS.get(name, name).lower()} for {age}"
