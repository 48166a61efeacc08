"""The list of orders, and guided work through it."""

from __future__ import annotations

from typing import Final

from triage.serving.texts import words
from triage.serving.worklist_index import Sort

ALL_OPEN: Final = "All open orders"
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
    "why": "Why, and what to do",
    "decide": "Decide by",
    "stage": "Stage",
    "site": "Route",
    "carrier": "Carrier",
    "owner": "Owner",
}
LATE_COLUMNS: Final = COLUMNS | {
    "risk": "Overdue",
    "loss": "Order value",
    "why": "Expected delivery",
}
FILTERS_BUTTON: Final = "Filters"
FILTERS: Final = {
    "site": "Site",
    "carrier": "Carrier",
    "cause": "Cause",
    "tier": "Customer tier",
    "channel": "Channel",
    "exception": "Exception",
}
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
CLEAR_FILTERS: Final = "Clear filters"
ACT_LOST: Final = (
    "No answer came from the service. See whether it was recorded, then try again if it was not."
)
NO_GROUPS: Final = "No cause is shared"
NO_GROUPS_MORE: Final = "No five orders at risk in this view wait for the same thing."
NO_MENTIONS: Final = "Nobody asks for you"
NO_MENTIONS_MORE: Final = (
    "When somebody writes @ and your name in a note, the order is here until you act."
)
NEXT_MORE: Final = (
    "One order after the other, in order of work: it becomes yours, you handle it or pass it on, "
    "and the next one comes."
)
NEXT_NONE: Final = "Nothing waits"
NEXT_NONE_MORE: Final = "Every order at risk is somebody's, snoozed or done with."
WHO_ARE_YOU: Final = "Say who you are to work on these orders. Others see it."
SELECTED: Final = "selected"
WITH_SELECTED: Final = "With the selected orders:"
RISK_UP: Final = "Risk up"
RISK_DOWN: Final = "Risk down"
NEW_HERE: Final = "New here"
CHANGED: Final = "Changed"
BULK_DID: Final[dict[str, str]] = {
    "assign": "Yours now",
    "unassign": "Released",
    "snooze_hour": "Snoozed for an hour",
    "snooze_morning": "Snoozed until tomorrow morning",
    "snooze_worse": "Snoozed until the risk rises",
    "dispose": "Done",
    "first": "Put first",
    "last": "Put last",
    "computed": "Back to their place",
    "undo": "Undone",
}


def shared(count: int, thing: str) -> str:
    """Return how many orders share what; `thing` begins with a verb in the plural."""
    return f"{words.orders(count)} {thing}"


def bulk_done(action: str, things: str) -> str:
    """Return what was done with how many things."""
    return f"{BULK_DID.get(action, action)}: {things}."


def bulk_refused(things: str) -> str:
    """Return with how many things it was not done; which and why follow."""
    return f"Not done with {things}:"
