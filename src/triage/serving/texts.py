"""Every title and sentence of the pages, in one place."""

from __future__ import annotations

from typing import Final

from triage.serving.worklist_index import Sort

PRODUCT: Final = "Triage"
ADVISORY: Final = "Advisory only: the ERP stays in charge"
SKIP: Final = "Skip to the list"

VIEWS: Final = {"at_risk": "At risk", "already_late": "Already late"}
SORTS: Final[dict[Sort, str]] = {
    "priority": "Order of work",
    "decide_by": "Decide by",
    "expected_loss": "Expected loss",
    "promise": "Promise date",
    "risk": "Risk",
}
LATE_SORTS: Final[dict[Sort, str]] = {"priority": "Order of work", "promise": "Promise date"}

COLUMNS: Final = {
    "risk": "Risk of delay",
    "order": "Order",
    "loss": "Expected loss",
    "promise": "Promise",
    "why": "Why",
    "stage": "Stage",
}
LATE_COLUMNS: Final = COLUMNS | {
    "risk": "Overdue",
    "loss": "Order value",
    "why": "Expected delivery",
}

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

EMPTY_AT_RISK: Final = "Nothing is at risk"
EMPTY_AT_RISK_MORE: Final = "No open order is waiting for its promise date."
EMPTY_LATE: Final = "Nothing is late"
EMPTY_LATE_MORE: Final = "Every open order can still be on time."
EMPTY_SEARCH: Final = "No order matches"
EMPTY_SEARCH_MORE: Final = "Try fewer words, or take a filter away."
EMPTY_PAGE_MORE: Final = "This page is beyond the end of the list."
CLEAR: Final = "Clear search and filters"

NOT_FOUND: Final = "This order is not on the list"
NOT_FOUND_MORE: Final = "It may be delivered or cancelled by now, or the address has a slip in it."
NOT_READY: Final = "No advice yet"
NOT_READY_MORE: Final = "The service waits for: "
NEXT_COMMAND: Final = "Run next:"

TYPICAL: Final = "Typical order at this stage"
OTHER: Final = "Everything else together"
THIS_ORDER: Final = "This order"
NO_REASONS: Final = "The promise has passed, so there is no probability left to explain."
QUALITY_FULL: Final = "Everything the model looks at was there."
QUALITY_MISSING: Final = "Not there: "
QUALITY_UNKNOWN: Final = "Never seen before: "
NEEDS_A_PERSON: Final = "Needs a person: "
ASSOCIATION: Final = (
    "Points are what the model adds or takes away for this order. They show association, not proof."
)
OPEN_EXCEPTIONS: Final = "Open exceptions"
ODD_PRICES: Final = "Prices to look at"
ODD_PRICES_NOTE: Final = (
    "Held against what was agreed on the day of the order and what is usual; per piece."
)
WAYS: Final = "What else can be done"
WAYS_NOTE: Final = (
    "The same model with changed inputs: association, not proof. Stock is as last recorded."
)


def escalated(to: str, because: str) -> str:
    """Return who else must know, and why."""
    return f"Tell the {to}: {because}."


def mostly(causes: str) -> str:
    """Return what raises the risk above the typical, by cause."""
    return f"Mostly: {causes}"


def how_sure(low: str, high: str) -> str:
    """Return how sure the probability itself is."""
    return f"Past outcomes of such orders allow a probability from {low} to {high}."


def perhaps(percent: str) -> str:
    """Return what stands before a class that is not sure enough."""
    return f"a person should say; likeliest, with {percent}:"


def looks_like(percent: str) -> str:
    """Return what a probability means in orders."""
    return f"Of 100 orders that look like this one, about {percent} are late."


def expectation(low: str, high: str) -> str:
    """Return the range of delivery; `low` and `high` are sides of the promise in words."""
    if low == high:
        return f"If nothing changes: expect delivery {low}."
    return f"If nothing changes: expect delivery between {low} and {high}."
