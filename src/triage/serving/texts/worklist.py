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
FILTERS: Final = {
    "site": "Site",
    "carrier": "Carrier",
    "cause": "Cause",
    "tier": "Customer tier",
    "channel": "Channel",
    "exception": "Exception",
}
SEARCH: Final = "Order, customer, site or reason"
RISK: Final = "Risk"
VALUE_LATE: Final = "Order value late"
IN_VIEW: Final = "Orders in view"
LATE_A_WEEK: Final = "Late for over a week"
EXPECTED_LOSS: Final = "Expected loss"
PROMISED_SOON: Final = "Promised within 48\u00a0h"
NO_REASON: Final = "No single reason stands out"
LATE: Final = "late"
PROMISED: Final = "promised"
EXPECT: Final = "Expect"
DECIDE: Final = "decide"
OWNER: Final = "Owner:"
NOBODY: Final = "nobody"
SAVE_VIEW: Final = "Save view"
NAME_OF_VIEW: Final = "Name of the view"
FOR_EVERYBODY: Final = "For everybody"
SAVE: Final = "Save"
COLUMNS_BUTTON: Final = "Columns"
COLUMNS_TO_SHOW: Final = "Columns to show"
SHOW_THESE: Final = "Show these"
THE_USUAL_ONES: Final = "The usual ones"
CSV: Final = "CSV"
FIRST_PAGE: Final = "First page"
KEYS: Final = (("x", "select"), ("a", "assign"), ("s", "snooze"), ("e", "done"))
NEXT_SKIP: Final = "Skip to the next order"
NEXT_TAKE: Final = "Take the next order"
WAITING: Final = "Waiting"
FITTING: Final = "Fit into one session"
YOURS: Final = "Yours, not done yet"
EMPTY_AT_RISK: Final = "Nothing is at risk"
EMPTY_AT_RISK_MORE: Final = "No open order is waiting for its promise date."
EMPTY_LATE: Final = "Nothing is late"
EMPTY_LATE_MORE: Final = "Every open order can still be on time."
EMPTY_SEARCH: Final = "No order matches"
EMPTY_HANDLED: Final = "All of it is handled"
EMPTY_PAGE_MORE: Final = "This page is beyond the end of the list."
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
WITH_SELECTED: Final = "With the selected orders:"
RISK_UP: Final = "Risk up"
RISK_DOWN: Final = "Risk down"


def shared(count: int, thing: str) -> str:
    """Return how many orders share what; `thing` begins with a verb in the plural."""
    return f"{words.orders(count)} {thing}"


def in_loss(amount: str) -> str:
    """Return what a group of orders is likely to lose."""
    return f"{amount} expected loss"


def of_value(amount: str) -> str:
    """Return of which order value the expected loss is."""
    return f"of {amount}"


def to_place(name: str) -> str:
    """Return where an order goes."""
    return f"to {name}"


def all_of(count: int) -> str:
    """Return what leads to all orders of a group."""
    return f"All {words.orders(count)}"


def delete_view(name: str) -> str:
    """Return what deletes a saved view."""
    return f"Delete view \u201c{name}\u201d"


def stage_for(span: str) -> str:
    """Return how long an order has been in its stage."""
    return f"for {span}"


def about(when: str) -> str:
    """Return when delivery is expected; `when` is one side of the promise."""
    return f"About {when}"
