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
OWNERS: Final = {"erp": "ERP", "wms": "WMS", "it": "IT"}
SOMEBODY: Final = "somebody"
COUNTED: Final = ("order", "orders")
FEEDS: Final = {
    "orders": "Orders",
    "milestones": "Milestones",
    "positions": "Stock",
    "exceptions": "Exceptions",
    "supplies": "Inbound deliveries",
}


def perhaps(percent: str) -> str:
    """Return what stands before a class that is not sure enough."""
    return f"a person should say; likeliest, with {percent}:"


def little_like_it(support: Sequence[str]) -> str:
    """Return in what the model has seen little like a way; no more than two are named."""
    more = f" and {number(len(support) - 2)} more" if len(support) > 2 else ""
    return f"the model has seen little like it in: {', '.join(support[:2])}{more}"


def expectation(low: str, high: str) -> str:
    """Return the range of delivery; `low` and `high` are sides of the promise in words."""
    if low == high:
        return f"If nothing changes: expect delivery {low}."
    return f"If nothing changes: expect delivery between {low} and {high}."


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
