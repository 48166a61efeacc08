"""Every title and sentence of the pages, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from triage.features.declarations import Cause
from triage.serving.handling import Action, Code, Level, Place, Why
from triage.serving.worklist_index import HandledFilter, Sort

PRODUCT: Final = "Triage"
ADVISORY: Final = "Advisory only: the ERP stays in charge"
SKIP: Final = "Skip to the list"
LIVE: Final = {"live": "Live", "reconnecting": "Reconnecting", "offline": "Offline"}
JUST_NOW: Final = "just now"

VIEWS: Final = {"at_risk": "At risk", "already_late": "Already late"}
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
CLEAR_FILTERS: Final = "Clear filters"

SIGN_IN: Final = "Sign in"
SIGN_IN_SKIP: Final = "Skip to the form"
SIGN_IN_MORE: Final = "With the key that was issued to you. You work under its name for 12 hours."
SIGN_IN_NO_KEY: Final = "No key yet? Whoever runs the service issues one:"
SIGN_IN_REFUSED: Final = "This key is not in force, or it is not for the list."
SIGN_IN_WAIT: Final = "Too many wrong keys came from here. Wait a few seconds and try again."
SIGN_IN_HTTPS: Final = "Open this address with https, or the browser cannot stay signed in."
SIGN_IN_PROVIDER: Final = "Sign in with your company account"
SIGN_IN_NOT_VOUCHED: Final = "That did not work: your company account was not confirmed. Try again."
SIGNED_IN: Final = "You are signed in."
SIGNED_IN_GO_ON: Final = "Go on"
SIGN_OUT: Final = "Sign out"
KEY: Final = "Key"

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
OPEN_EXCEPTIONS: Final = "Exceptions"
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
TOOK_IT: Final = "took it"
FOUND_USEFUL: Final = "The advice was useful."
FOUND_NOT_USEFUL: Final = "The advice was not useful."
WHO_ARE_YOU: Final = "Say who you are to work on this order. Others see it, and it is recorded."
NOT_RECORDED: Final = "It could not be recorded. Try again in a moment."
DOES_NOT_FIT: Final = "Not recorded: "

MENTIONS: Final = "Mentions"
MINE: Final = "My orders"
NEXT: Final = "Work through the list"
SHARED: Final = "Shared causes"
SAVED: Final = "Saved views"
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
MESSAGE: Final = "Message to the customer"
MESSAGE_NOTE: Final = "A draft: look it over, send it with your own mail, then mark it as sent."
COPIED: Final = "Copied"
WHO_ARE_YOU_LIST: Final = "Say who you are to work on these orders. Others see it."
SELECTED: Final = "selected"
WITH_SELECTED: Final = "With the selected orders:"
RISK_UP: Final = "Risk up"
RISK_DOWN: Final = "Risk down"
NEW_HERE: Final = "New here"
CHANGED: Final = "Changed"
COUNTED: Final = ("order", "orders")
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
KEYS: Final = (
    ("j", "k", "move down and up"),
    ("x", "", "select or leave out"),
    ("Enter", "", "open the order"),
    ("a", "", "assign to me"),
    ("s", "", "snooze"),
    ("e", "", "done"),
    ("u", "", "undo what I did last"),
    ("c", "", "on exceptions: correct what it is"),
    ("g x", "", "go to the exceptions"),
    ("/", "", "search"),
    ("g l", "", "go to the list"),
    ("g n", "", "take the next order"),
    ("n", "", "on an order: write a note"),
    ("i", "", "on an order: mark the message as sent"),
    ("?", "", "these shortcuts"),
)
KEYS_ON: Final = "Single-key shortcuts are on"
KEYS_MORE: Final = (
    "They never act while you type. Arrow keys move along the list also without them."
)
CUSTOMER_CAUSES: Final[dict[Cause, str]] = {
    "inventory": "an item of your order is not in stock in the quantity that you need",
    "approval": "your order is still being checked on our side",
    "warehouse": "our warehouse has more orders than usual to prepare",
    "carrier": "the carrier needs longer than usual on this route",
    "integration": "a technical fault held your order up",
    "demand": "more was ordered than usual these days",
    "promise": "the date that we gave you was too early",
    "other": "preparing your order takes longer than planned",
}
"""Causes as a customer may hear them: true, and nothing of the inside."""

EXCEPTIONS: Final = "Exceptions"
OPERATIONS: Final = "Operations"
MODELS: Final = "Models"
OVERSIGHT: Final = "Oversight"
EXCEPTIONS_OPEN: Final = "Open exceptions"
EXCEPTIONS_OVERDUE: Final = "Overdue"
EXCEPTIONS_TODAY: Final = "Due within 24\u00a0h"
EXCEPTIONS_UNSURE: Final = "Not sure"
EXCEPTIONS_SEARCH: Final = "Message, order, customer or code"
EXCEPTIONS_SURE: Final = "Class"
EXCEPTIONS_NO_MATCH: Final = "No exception matches"
EXCEPTIONS_NONE: Final = "No exception is open"
EXCEPTIONS_NONE_MORE: Final = "What is raised appears here by itself."
EXCEPTION_FILTERS: Final = {"code": "Kind", "owner": "Team", "source": "Source"}
EXCEPTION_SORTS: Final = {"due": "Due first", "stake": "Most at stake"}
EXCEPTION_COLUMNS: Final = {
    "promise": "Due",
    "risk": "Severity",
    "order": "What it is",
    "of": "Order",
    "why": "Message",
    "owner": "Team",
}
EXCEPTION_DUE: Final = "Due"
EXCEPTION_TEAM: Final = "Team"
EXCEPTION_STAKE: Final = "At stake"
EXCEPTION_REASONS: Final = "Why the model says so"
EXCEPTION_NOT_OPEN: Final = "This exception is not open"
EXCEPTION_NOT_OPEN_MORE: Final = "It may be resolved by now, or the address has a slip in it."
SKIP_TO_EXCEPTION: Final = "Skip to the exception"
OF_ITS_ORDER: Final = "expected loss of its order"
NO_STAKE: Final = "its order is not on the list"
NO_ORDER: Final = "names no order"
NO_MESSAGE: Final = "(no message)"
NO_CLOCK: Final = "no time set"
NO_TEAM: Final = "Nobody yet"
NOT_SURE: Final = "Not sure"
MODEL_SAYS: Final = "The model's probability"
UNSURE_WHY: Final = "The model is not sure; a person should say."
WHAT_IS_IT: Final = "What is it?"
TEACHES: Final = (
    "What you say counts at once, is recorded under your name, and teaches the next training."
)
FOR_IT: Final = "speaks for it"
AGAINST_IT: Final = "speaks against it"
WITH_SELECTED_EXCEPTIONS: Final = "With the selected exceptions:"
WHO_ARE_YOU_EXCEPTIONS: Final = "Say who you are to correct a class. It is recorded."
NO_OPEN_EXCEPTION: Final = "None is open."
PLAYBOOK: Final = "Playbook"
PLAYBOOK_SIGNS: Final = "Signs"
PLAYBOOK_STEPS: Final = "Steps"
PLAYBOOK_FALSE_ALARMS: Final = "False alarms"
PLAYBOOK_ESCALATION: Final = "Escalation"
SOURCES: Final = {"erp": "ERP", "wms": "WMS", "tms": "TMS", "edi": "EDI", "crm": "CRM"}


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


def took_this(ago: str) -> str:
    """Return since when an order is somebody's; their name stands before it."""
    return f"took this {ago}"


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


def orders(count: int) -> str:
    """Return a number of orders."""
    return f"{count:,} {COUNTED[count != 1]}"


def shared(count: int, thing: str) -> str:
    """Return how many orders share what; `thing` begins with a verb in the plural."""
    return f"{orders(count)} {thing}"


def bulk_done(action: str, done: int) -> str:
    """Return what was done with how many orders."""
    return f"{BULK_DID.get(action, action)}: {orders(done)}."


def bulk_refused(refused: int) -> str:
    """Return with how many orders it was not done; who and why follow."""
    return f"Not done with {orders(refused)}:"


def message_subject(order_id: str) -> str:
    """Return the subject of a message to a customer."""
    return f"Your order {order_id}: new delivery date"


def message_body(
    *, customer: str, order_id: str, promised: str, expected: str, cause: str, late: bool
) -> str:
    """Return what a customer is told; `expected` is a date or two with "to" between them."""
    when = (
        f"between {expected.replace(' to ', ' and ')}" if " to " in expected else f"on {expected}"
    )
    was = "was promised for" if late else "is promised for"
    return (
        f"Dear {customer or 'customer'},\n\n"
        f"your order {order_id} {was} {promised}. We now expect to deliver it {when}, because "
        f"{cause}.\n\n"
        "We are sorry for this. If these dates do not suit you, please answer this message and we "
        "will look for another way together.\n\n"
        "Kind regards"
    )


def here_too(others: Sequence[str]) -> str:
    """Return who else has an order open; nothing if nobody has."""
    if not others:
        return ""
    have = "has" if len(others) == 1 else "have"
    return f"{' and '.join(others)} {have} this open too."


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
    return f"{by or SOMEBODY} says so"


def model_said(title: str, percent: str) -> str:
    """Return what the model took an exception for that a person corrected."""
    return f"the model said: {title} {percent}"


def model_sure(percent: str) -> str:
    """Return how sure the model is of a class."""
    return f"The model says so with {percent}."


def correction(title: str, by: str) -> str:
    """Return what somebody said about the class of an exception; empty title: took it back."""
    who = by or SOMEBODY
    return f"{who}: it is \u201c{title}\u201d" if title else f"{who} took the correction back"


def corrected(count: int, *, undone: bool) -> str:
    """Return how many exceptions were corrected, or given back to the model."""
    things = "exception" if count == 1 else "exceptions"
    return f"{'Taken back' if undone else 'Corrected'}: {count:,} {things}."


def likely_next(likely: Sequence[tuple[str, str]]) -> str:
    """Return which exceptions an order is likely to have next."""
    return f"Likely next: {', '.join(f'{title} ({percent})' for title, percent in likely)}."
