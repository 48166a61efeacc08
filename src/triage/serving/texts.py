"""Every title and sentence of the pages, in one place."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from triage.serving.handling import Action, Code, Level, Place
from triage.serving.worklist_index import HandledFilter, Sort

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
EMPTY_HANDLED: Final = "All of it is handled"
EMPTY_HANDLED_MORE: Final = "What is left here is snoozed or done with."
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

WORK: Final = "Work"
SOMEBODY: Final = "somebody"
HANDLED: Final[dict[HandledFilter, str]] = {
    "open": "Open",
    "snoozed": "Snoozed",
    "disposed": "Done",
    "all": "All",
}
PLACES: Final[dict[Place, str]] = {"open": "Open", "snoozed": "Snoozed", "disposed": "Done"}
CODES: Final[dict[Code, str]] = {
    "customer_informed": "Customer informed",
    "expedited": "Expedited",
    "shipped_another_way": "Shipped another way",
    "split": "Split into deliveries",
    "promise_renegotiated": "New date agreed",
    "cancelled": "Cancelled",
    "data_corrected": "Data corrected",
    "no_action_needed": "Nothing needed",
    "too_late_to_help": "Too late to help",
    "other": "Other",
}
PUT_TAGS: Final[dict[Level, str]] = {"first": "Put first", "last": "Put last"}
PUT_SAYS: Final[dict[Level, str]] = {
    "first": "Put first by hand.",
    "last": "Put last by hand.",
}
PUT_DID: Final[dict[Level | None, str]] = {
    "first": "put it first",
    "last": "put it last",
    None: "gave it back to its place",
}
DID: Final[MappingProxyType[Action, str]] = MappingProxyType(
    {
        "unassign": "released it",
        "wake": "ended the snooze",
        "note": "noted",
        "reopen": "took it up again",
        "useful": "found the advice useful",
        "not_useful": "found the advice not useful",
        "undo": "undid an act",
    }
)
NOBODYS: Final = "Nobody has it yet."
TOOK_IT: Final = "took it"
FOUND_USEFUL: Final = "The advice was useful."
FOUND_NOT_USEFUL: Final = "The advice was not useful."
WHO_ARE_YOU: Final = "Say who you are to work on this order. Others see it, and it is recorded."
NOT_RECORDED: Final = "It could not be recorded. Try again in a moment."
DOES_NOT_FIT: Final = "Not recorded: "


def has_it(owner: str) -> str:
    """Return whose an order is."""
    return f"{owner} has it."


def gave_it(to: str) -> str:
    """Return whose an order became."""
    return f"gave it to {to}"


def snoozed_until(ends: str) -> str:
    """Return how long an order is off the list."""
    return f"snoozed until {ends}"


def risk_reaches(percent: str) -> str:
    """Return the risk that ends a snooze."""
    return f"its risk reaches {percent}"


def disposed_as(code: str) -> str:
    """Return what somebody did who was done with an order."""
    return f"finished it: {code[0].lower()}{code[1:]}"


def done_with(code: str) -> str:
    """Return why no more is to be done."""
    return f"Done: {code[0].lower()}{code[1:]}."


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
