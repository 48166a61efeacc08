"""What lists have in common: search, filters, pages, and work on what is selected."""

from __future__ import annotations

from typing import Final

from triage.serving.formats import number

TOTALS: Final = "Totals"
SEARCH: Final = "Search"
ANY: Final = "Any"
OWNER: Final = "Owner"
HANDLED: Final = "Work"
APPLY: Final = "Apply"
SORT: Final = "Sort"
UNDO: Final = "Undo"
YOUR_NAME: Final = "Your name"
THAT_IS_ME: Final = "That is me"
SELECT: Final = "Select"
SELECT_ALL: Final = "Select all shown"
DESELECT: Final = "Clear"
CANCEL: Final = "Cancel"
PAGES: Final = "Pages"
BEFORE: Final = "Previous"
AFTER: Final = "Next"
MOVE: Final = "move"
OPEN: Final = "open"
FILTERS_BUTTON: Final = "Filters"
EMPTY_SEARCH_MORE: Final = "Try fewer words, or take a filter away."
EMPTY_HANDLED_MORE: Final = "What is left here is snoozed or done with."
CLEAR: Final = "Clear search and filters"
CLEAR_FILTERS: Final = "Clear filters"
ACT_LOST: Final = (
    "No answer came from the service. See whether it was recorded, then try again if it was not."
)
SELECTED: Final = "selected"
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


def select(name: str) -> str:
    """Return what selects a row."""
    return f"Select {name}"


def shown(first: int, last: int, total: int) -> str:
    """Return which rows of how many are shown."""
    return f"{number(first)}\u2013{number(last)} of {number(total)}"


def page_of(page: int, pages: int) -> str:
    """Return which page of how many is shown."""
    return f"Page {number(page)} of {number(pages)}"


def bulk_done(action: str, things: str) -> str:
    """Return what was done with how many things."""
    return f"{BULK_DID.get(action, action)}: {things}."


def bulk_refused(things: str) -> str:
    """Return with how many things it was not done; which and why follow."""
    return f"Not done with {things}:"


def you(count: int) -> str:
    """Return who looks, among the owners to choose from, with how much is theirs."""
    return f"You ({number(count)})"
