"""What people do with an order or an exception."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from triage.serving.formats import number
from triage.serving.handling.state import Action, Code, Ending, Level, Place, Refusal, Why
from triage.serving.worklist_index import HandledFilter

WORK: Final = "Work"
OWNER: Final = "Owner"
ASSIGN: Final = "Assign to me"
RELEASE: Final = "Release"
SNOOZE: Final = "Snooze"
HOUR: Final = "1 hour"
MORNING: Final = "Tomorrow morning"
WAKE: Final = "End the snooze"
NOTE: Final = "Note"
NOTE_HINT: Final = "What others should know; @name asks somebody"
ADD_NOTE: Final = "Add note"
DONE: Final = "Done"
REOPEN: Final = "Take it up again"
CHOOSE_REASON: Final = "Choose a reason"
HAND_ON: Final = "Pass on"
HAND_ON_NEXT: Final = "Pass on, next"
ESCALATE: Final = "Escalate"
CHOOSE_WHO: Final = "Choose who should know"
TELL: Final = "Tell them"
PLACE: Final = "Place"
PUT_FIRST: Final = "Put first"
PUT_LAST: Final = "Put last"
PUT_BACK: Final = "Back to its place"
ADVICE: Final = "Advice"
USEFUL: Final = "Useful"
NOT_USEFUL: Final = "Not useful"
LAST_ACT: Final = "Last act"
UNDO: Final = "Undo"
UNDONE: Final = "Undone"
REDO: Final = "Redo"
WHAT_WAS_DONE: Final = "What was done"
YOU_ARE: Final = "You are"
CHANGE_NAME: Final = "Change"
HANDLED: Final[dict[HandledFilter, str]] = {
    "open": "Open",
    "snoozed": "Snoozed",
    "disposed": "Done",
    "escalated": "Escalated",
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
EXCEPTION_CODES: Final[dict[Ending, str]] = {
    "fixed": "Fixed",
    "data_corrected": "Data corrected",
    "customer_informed": "Customer informed",
    "handed_over": "Handed to the team",
    "duplicate": "Duplicate of another",
    "false_alarm": "False alarm",
    "no_action_needed": "Nothing needed",
    "other": "Other",
}
CODE_WORDS: Final = dict[Code | Ending, str]([*EXCEPTION_CODES.items(), *CODES.items()])
GOES_ON_TAG: Final = "Goes on"
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
WHY: Final[dict[Why, str]] = {
    "waits_for_others": "Waits for others",
    "not_mine": "Not for me",
    "needs_information": "Something is not known",
    "not_worth_it": "Not worth the time",
    "other": "Other",
}
ESCALATED_TAG: Final = "Escalated"
INFORMED_TAG: Final = "Customer told"
DID: Final[MappingProxyType[Action, str]] = MappingProxyType(
    {
        "unassign": "released it",
        "wake": "ended the snooze",
        "note": "noted",
        "reopen": "took it up again",
        "useful": "found the advice useful",
        "not_useful": "found the advice not useful",
        "inform": "told the customer",
        "undo": "undid an act",
    }
)
NOBODYS: Final = "Nobody has it yet."
TOOK_THIS: Final = "took this"
TOOK_IT: Final = "took it"
FOUND_USEFUL: Final = "The advice was useful."
FOUND_NOT_USEFUL: Final = "The advice was not useful."
WHO_ARE_YOU: Final = "Say who you are to work on this order. Others see it, and it is recorded."
REFUSED: Final[dict[Refusal, str]] = {
    "meanwhile": "Somebody acted on it meanwhile: look at it and decide again.",
    "nobodys": "It is nobody's.",
    "awake": "It is not snoozed.",
    "open": "It is not done with.",
    "done": "It is done with already.",
    "put_away": "It is done with: take it up again first.",
    "theirs": "It is theirs already.",
    "taken": "Somebody has it.",
    "undone": "It is undone already: undo that undo to have it back.",
    "view_there": "A view of this name is there already: delete it first.",
    "views_full": "There are as many views as can be: delete one first.",
}
SAY_WHO: Final = "say who you are first"
CHOOSE_ORDERS: Final = "choose at least one order"
CHOOSE_EXCEPTIONS: Final = "choose exceptions that are open"
NAME_TOO_LONG: Final = "a name has 1 to 80 printable characters"
VIEW_TOO_LONG: Final = "a view's name has 1 to 80 printable characters"
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


def goes_on(code: str) -> str:
    """Return that the record has something open that somebody was done with."""
    return f"It was done ({code[0].lower()}{code[1:]}), but was raised again since."


def took_this(who: str, ago: str) -> str:
    """Return whose something is, and since when if that is news."""
    return f"{who} took this {ago}" if ago else who


def escalated_to(to: str) -> str:
    """Return who above knows of an order."""
    return f"The {to} was told."


def told_above(to: str) -> str:
    """Return what somebody did who told somebody above."""
    return f"told the {to}"


def informed_at(when: str) -> str:
    """Return when the customer was told."""
    return f"The customer was told {when}."


def passed_on(why: str) -> str:
    """Return what somebody did who passed an order on."""
    return f"passed it on: {why[0].lower()}{why[1:]}"


def take_over(owner: str) -> str:
    """Return what takes something over from somebody."""
    return f"Take over from {owner}"


def until_worse(points: float) -> str:
    """Return until when a snooze lasts that ends with the risk."""
    return f"Until {number(points)} points worse"


def suggested(who: str) -> str:
    """Return who should be told, where the policy says so."""
    return f"{who} (suggested)"


def undid(by: str, did: str) -> str:
    """Return what somebody undid."""
    return f"undid: {by} {did}"


def either(ends: Sequence[str]) -> str:
    """Return the ends of a snooze, whichever comes first."""
    return " or ".join(ends)


def sentence(did: str) -> str:
    """Return what was done as a sentence of its own."""
    return f"{did[0].upper()}{did[1:]}."
