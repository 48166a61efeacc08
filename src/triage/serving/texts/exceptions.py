"""The queue of exceptions and the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.models.exceptions import Doubt
from triage.serving.formats import number
from triage.serving.texts import words, work, worklist
from triage.serving.worklist_index import HandledFilter

KEYS: Final = (*worklist.KEYS, ("c", "correct"))
CORRECT: Final = "Correct"
ITS_ORDER: Final = "order"
TAKE_BACK: Final = "Take back"
OPEN: Final = "Open exceptions"
OVERDUE: Final = "Overdue"
TODAY: Final = "Due within 24\u00a0h"
UNSURE: Final = "Not sure"
SEARCH: Final = "Message, order, customer or code"
SURE: Final = "Class"
NO_MATCH: Final = "No exception matches"
NONE: Final = "No exception is open"
NONE_MORE: Final = "What is raised appears here by itself."
FILTERS: Final = {"code": "Kind", "owner": "Team", "source": "Source"}
HANDLED: Final[dict[HandledFilter, str]] = {
    handled: word for handled, word in work.HANDLED.items() if handled != "escalated"
}
ALL_HANDLED: Final = "All of it is handled"
NEXT: Final = "Take the next"
NEXT_NONE: Final = "Nothing waits: every open exception is somebody's or snoozed."
SORTS: Final = {"due": "Due first", "stake": "Most at stake"}
COLUMNS: Final = {
    "promise": "Due",
    "risk": "Severity",
    "order": "What it is",
    "of": "Order",
    "why": "Message",
    "owner": "Team, owner",
}
DUE: Final = "Due"
TEAM: Final = "Team"
STAKE: Final = "At stake"
REASONS: Final = "Why the model says so"
NOT_OPEN: Final = "This exception is not open"
NOT_OPEN_MORE: Final = "It may be resolved by now, or the address has a slip in it."
SKIP: Final = "Skip to the exception"
OF_ITS_ORDER: Final = "expected loss of its order"
NO_STAKE: Final = "its order is not on the list"
NO_ORDER: Final = "names no order"
NO_MESSAGE: Final = "(no message)"
NO_CLOCK: Final = "no time set"
NO_TEAM: Final = "Nobody yet"
NOT_SURE: Final = "Not sure"
UNSURE_WHY: Final = "The model is not sure, so a person should say:"
DOUBTS: Final[dict[Doubt, str]] = {
    "new_source": "no message of this source has been seen before",
    "new_source_read": "no message of this source has been seen before; its words were read as "
    "other sources use them",
    "no_message": "there is no message, so only the code and the order were looked at",
    "unread": "hardly a word of it has been seen before, so its words were not used",
}
WHAT_IS_IT: Final = "What is it?"
TEACHES: Final = (
    "What you say counts at once, is recorded under your name, and teaches the next training."
)
FOR_IT: Final = "speaks for it"
AGAINST_IT: Final = "speaks against it"
WITH_SELECTED: Final = "With the selected exceptions:"
WHO_ARE_YOU: Final = "Say who you are to work on exceptions. Others see it, and it is recorded."
PLAYBOOK: Final = "Playbook"
PLAYBOOK_SIGNS: Final = "Signs"
PLAYBOOK_STEPS: Final = "Steps"
PLAYBOOK_FALSE_ALARMS: Final = "False alarms"
PLAYBOOK_ESCALATION: Final = "Escalation"
SOURCES: Final = {
    "erp": "ERP",
    "wms": "WMS",
    "tms": "TMS",
    "edi": "EDI",
    "crm": "CRM",
    "edi_gateway": "EDI gateway",
}


def count(count: int) -> str:
    """Return a number of exceptions."""
    return f"{number(count)} {'exception' if count == 1 else 'exceptions'}"


def source(name: str | None) -> str:
    """Return where an exception came from, in words."""
    return SOURCES.get(name or "", (name or "").replace("_", " ").capitalize())


def team(name: str | None) -> str:
    """Return who deals with an exception, in words."""
    if not name:
        return NO_TEAM
    return name if name.isupper() else f"{name[0].upper()}{name[1:]}".replace("_", " ")


def overdue(span: str) -> str:
    """Return for how long something is overdue."""
    return f"{span} overdue"


def left(span: str) -> str:
    """Return how long there is still time."""
    return f"{span} left"


def open_for(span: str) -> str:
    """Return for how long something is open."""
    return f"open for {span}"


def at_stake(amount: str) -> str:
    """Return what is at stake."""
    return f"{amount} at stake"


def or_else(others: Sequence[str]) -> str:
    """Return what an exception may be instead."""
    return f"or {' · '.join(others)}" if others else ""


def says_so(by: str) -> str:
    """Return whose word a class is."""
    return f"{by or words.SOMEBODY} says so"


def model_said(title: str, percent: str) -> str:
    """Return what the model took an exception for that a person corrected."""
    return f"the model said: {title} {percent}"


def model_sure(percent: str) -> str:
    """Return how sure the model is of a class."""
    return f"The model says so with {percent}."


def correction(title: str, by: str) -> str:
    """Return what somebody said about the class of an exception; empty title: took it back."""
    who = by or words.SOMEBODY
    return f"{who}: it is \u201c{title}\u201d" if title else f"{who} took the correction back"


def corrected(times: int, *, undone: bool) -> str:
    """Return how many exceptions were corrected, or given back to the model."""
    return f"{'Taken back' if undone else 'Corrected'}: {count(times)}."


def too_low(percent: str, least: str, wrong: str) -> str:
    """Return that the likeliest class is not likely enough; `wrong` is the error from there on."""
    return (
        f"the likeliest class has {percent}; from {least} on at most {wrong} of the answers are "
        "wrong"
    )
