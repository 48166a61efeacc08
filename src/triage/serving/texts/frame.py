"""What stands around every page, and the pages that stand in for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.serving.texts import words

PRODUCT: Final = "Triage"
ADVISORY: Final = "Advisory only: the ERP stays in charge"
SKIP: Final = "Skip to the list"
SKIP_TO_MESSAGE: Final = "Skip to the message"
AS_OF: Final = "As of"
SHORTCUTS: Final = "Shortcuts"
CLOSE: Final = "Close"
VIEWS_TITLE: Final = "Views"
FOR_ALL: Final = "shared"
MODEL: Final = "Model"
CHAMPION: Final = "Champion"
LEARNED: Final = "Learned from orders up to"
LATE_MEANS: Final = "\u201cLate\u201d means"
DOES_WITHOUT: Final = "Does without"
LIVE: Final = {"live": "Live", "reconnecting": "Reconnecting", "offline": "Offline"}
VIEWS: Final = {"at_risk": "At risk", "already_late": "Already late"}
SIGN_OUT: Final = "Sign out"
NOT_FOUND: Final = "This order is not on the list"
NOT_FOUND_MORE: Final = "It may be delivered or cancelled by now, or the address has a slip in it."
NOT_READY: Final = "No advice yet"
NOT_READY_MORE: Final = "The service waits for: "
LOADING: Final = "The list is being put in order"
LOADING_MORE: Final = (
    "The service has just begun. Scores are answered already; this page goes on by itself."
)
LOOK_AGAIN: Final = "Look again"
FAILED_PAGE: Final = "This page could not be made"
FAILED_PAGE_MORE: Final = (
    "A fault of the service, not yours; its log says more. Nothing was changed by looking at it."
)
FIRST_LIST: Final = "the first list"
WAIT: Final = "wait some seconds"
LEDGER: Final = "a ledger"
EXCEPTION_MODEL: Final = "a promoted model of exceptions"
NEXT_COMMAND: Final = "Run next:"
MENTIONS: Final = "Mentions"
MENTIONS_IN_EXCEPTIONS: Final = "Mentions in exceptions"
MINE: Final = "My orders"
NEXT: Final = "Work through the list"
SHARED: Final = "Shared causes"
SAVED: Final = "Saved views"
KEYS: Final = (
    ("j", "k", "move down and up"),
    ("x", "", "select or leave out"),
    ("Enter", "", "open the order"),
    ("a", "", "assign to me"),
    ("s", "", "snooze"),
    ("e", "", "done"),
    ("u", "", "undo what I did last"),
    ("c", "", "on exceptions: correct what it is"),
    ("n", "", "on exceptions: take the next"),
    ("g x", "", "go to the exceptions"),
    ("/", "", "search"),
    ("g l", "", "go to the list"),
    ("g n", "", "take the next order"),
    ("n", "", "on the page of one: write a note"),
    ("i", "", "on an order: mark the message as sent"),
    ("?", "", "these shortcuts"),
)
KEYS_ON: Final = "Single-key shortcuts are on"
KEYS_MORE: Final = (
    "They never act while you type. Arrow keys move along the list also without them."
)
EXCEPTIONS: Final = "Exceptions"
OPERATIONS: Final = "Operations"
MODELS: Final = "Models"
OVERSIGHT: Final = "Oversight"
STANDS_IN: Final = (
    "No model can answer: a plain rule stands in. Its order of the list is rougher than a model's."
)
FEEDS: Final = "Feeds"
SKIP_TO_FIGURES: Final = "Skip to the figures"


def still_to_assess(count: int) -> str:
    """Return how many open orders wait for their first assessment."""
    return f"{words.orders(count)} to go."


def version(name: str, number: str) -> str:
    """Return a model and its version."""
    return f"{name}, version {number}"


def not_fresh(feeds: Sequence[str]) -> str:
    """Return that feeds told nothing new for too long."""
    return f"Not fresh: {', '.join(feeds)}. What has happened since is not in these answers."
