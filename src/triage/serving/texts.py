"""Every title and sentence of the pages, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from triage.features.declarations import Cause
from triage.serving.formats import number, signed
from triage.serving.handling.state import Action, Code, Ending, Level, Place, Why
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
    "channel": "Channel",
    "exception": "Exception",
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
LOADING: Final = "The list is being put in order"
LOADING_MORE: Final = (
    "The service has just begun. Scores are answered already; this page goes on by itself."
)
LOOK_AGAIN: Final = "Look again"
FAILED_PAGE: Final = "This page could not be made"
FAILED_PAGE_MORE: Final = (
    "A fault of the service, not yours; its log says more. Nothing was changed by looking at it."
)
ACT_LOST: Final = (
    "No answer came from the service. See whether it was recorded, then try again if it was not."
)
NEXT_COMMAND: Final = "Run next:"

TYPICAL: Final = "Typical order at this stage"
OTHER: Final = "Everything else together"
THIS_ORDER: Final = "This order"
NO_REASONS: Final = "The promise has passed, so there is no probability left to explain."
QUALITY_FULL: Final = "Everything the model looks at was there."
QUALITY_MISSING: Final = "Not there: "
QUALITY_UNKNOWN: Final = "Never seen before: "
QUALITY_STALE: Final = "Not fresh: "
NEEDS_A_PERSON: Final = "Needs a person: "
TOO_LITTLE_KNOWN: Final = "the model knows too little of orders like this one."
WHY_SO: Final = "Why"
FALL_COLUMNS: Final = ("Reason", "Drawing", "Risk", "Days")
FALLS_NOTE: Final = (
    "Points are what the model adds to the risk of this order, or takes from it. Days are what it "
    "adds to the middle of the expected delivery, counted from the promise: half of such orders "
    "come later. Both show association, not proof."
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
UNSURE_TAG: Final = "Needs a person"
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

MOVED: Final = "How the risk moved"
MOVED_NOTE: Final = (
    "What the model of today says of what was known at each step; what was said then is marked as "
    "on record. "
    "Association, not proof."
)
MOVED_BASIS: Final = {"then": "", "record": "on record", "now": ""}
MOVED_NOW: Final = "Now"
MOVED_LATE: Final = "Late"
MOVED_ACTED: Final = "Acted"
MOVED_SCORE: Final = "Scored"
ALIKE: Final = "Past orders like this one"
ALIKE_NONE: Final = "No past order went this way: there is nothing to compare with."
ALIKE_NOTE: Final = (
    "The nearest in days to the promise and in size, by what was known before this order was "
    "assessed. Orders whose promise has not passed yet are left out."
)
ALIKE_COLUMNS: Final = ("Order", "Promised", "Delivered", "What became of it")
NOT_DELIVERED: Final = "not yet"
TIMELINE: Final = "Everything known about it"
TIMELINE_UNREAD: Final = "Scores on record cannot be read at this moment."
TIMELINE_RAISED: Final = {"raised": "Exception", "resolved": "Exception closed"}
TIMELINE_KINDS: Final = {
    "milestone": "Milestone",
    "exception": "Exception",
    "decision": "Score",
    "action": "Work",
}
KNOWN_LATE: Final = "Known late"
FIELDS: Final = {"destination_region": "destination", "inventory_position": "stock"}
OPEN_IN_ERP: Final = "Open in the ERP"
HELD_OUT_TAG: Final = "Leave alone"
HELD_OUT: Final = (
    "Held out: please leave this order alone. It shows whether the answers hold when nobody acts."
)

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
EXCEPTION_HANDLED: Final[dict[HandledFilter, str]] = {
    handled: word for handled, word in HANDLED.items() if handled != "escalated"
}
EXCEPTIONS_HANDLED: Final = "All of it is handled"
EXCEPTIONS_NEXT: Final = "Take the next"
EXCEPTIONS_NEXT_NONE: Final = "Nothing waits: every open exception is somebody's or snoozed."
EXCEPTION_SORTS: Final = {"due": "Due first", "stake": "Most at stake"}
EXCEPTION_COLUMNS: Final = {
    "promise": "Due",
    "risk": "Severity",
    "order": "What it is",
    "of": "Order",
    "why": "Message",
    "owner": "Team, owner",
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
UNSURE_WHY: Final = "The model is not sure, so a person should say:"
WHAT_IS_IT: Final = "What is it?"
TEACHES: Final = (
    "What you say counts at once, is recorded under your name, and teaches the next training."
)
FOR_IT: Final = "speaks for it"
AGAINST_IT: Final = "speaks against it"
WITH_SELECTED_EXCEPTIONS: Final = "With the selected exceptions:"
WHO_ARE_YOU_EXCEPTIONS: Final = (
    "Say who you are to work on exceptions. Others see it, and it is recorded."
)
NO_OPEN_EXCEPTION: Final = "None is open."
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

OPS_QUEUE: Final = "How the list stands"
OPS_OPEN: Final = "Open, at risk"
OPS_LATE: Final = "Already late"
OPS_NOBODYS: Final = "Nobody's"
OPS_PASSED: Final = "Past decide-by"
OPS_OLDEST: Final = "Longest in its stage"
OPS_CAPACITY: Final = "Capacity used"
OPS_NOTHING_RECORDED: Final = "nothing is recorded here"
OPS_PRECISION: Final = "How good the list was"
OPS_BROUGHT: Final = "What acting on it brought"
OPS_CLASSES: Final = "Exceptions by kind"
OPS_CLASSES_NOTE: Final = (
    "By who closed them, or by the model while they are open. Where chance explains a change, "
    "it is given without a word."
)
OPS_SOURCES: Final = "Exceptions by source"
OPS_STEPS: Final = "How long orders take"
OPS_STEP: Final = "From, to"
OPS_STEPS_NOTE: Final = "By when a step ended: in the last 28 days, and in the 28 days before."
OPS_ORDERS: Final = "Orders"
OPS_MEDIAN: Final = "Median"
OPS_MEDIAN_BEFORE: Final = "Median before"
OPS_P90_BEFORE: Final = "p90 before"
OPS_FEEDS: Final = "Feeds and connections"
OPS_FEED: Final = "Feed"
OPS_NEWEST: Final = "Newest record"
OPS_STATE: Final = "State"
OPS_NOT_SAID: Final = "Not said"
STANDS_IN: Final = (
    "No model can answer: a plain rule stands in. Its order of the list is rougher than a model's."
)
OPS_REFUSED: Final = "Events refused"
OPS_BEHIND: Final = "Store lacks"
OPS_STORE_TAKES: Final = "entries; the store takes them"
LAST_28: Final = "28 days"
BEFORE_28: Final = "28 before"
CHANGE: Final = "Change"
SKIP_TO_FIGURES: Final = "Skip to the figures"
FEEDS: Final = {
    "orders": "Orders",
    "milestones": "Milestones",
    "positions": "Stock",
    "exceptions": "Exceptions",
    "supplies": "Inbound deliveries",
}
QUIETER: Final = "Quiet for longer than in eight weeks"
FRESH: Final = "Fresh"
NO_OUTCOMES: Final = (
    "It cannot be told yet: no answer that was given has an outcome. It can be once promises of "
    "orders that were scored have passed."
)
NO_HOLD_OUT: Final = (
    "This cannot be told: no orders are held out. People act on the riskiest orders, so orders "
    "that they act on cannot be compared with those that they leave alone."
)
NO_HOLD_OUT_MORE: Final = (
    "Set hold_out.share in serving/policy.toml, and a few orders, drawn by lot, are left alone."
)
HOLD_OUT_CHANCE: Final = "Chance alone may explain this."

ANSWERS_NOW: Final = "The model that answers now."
OPEN_MLFLOW: Final = "Open in MLflow"
MLFLOW_NOTE: Final = (
    "Cards, parameters and figures of every version are in MLflow; links work where it runs beside "
    "this service, as after make demo."
)
GATES: Final = "Gates"
GATES_WHEN: Final = "as judged when it was promoted"
GATE: Final = "Gate"
GATE_FOUND: Final = "What was found"
GATE_RESULT: Final = "Result"
PASSED: Final = "Passed"
FAILED: Final = "Failed"
LIVE_HOLDS: Final = "Do live answers hold?"
LIVE_NOTHING: Final = "It cannot be told yet: no recorded answer of this model has an outcome."
LIVE_EARLY: Final = "That is too few for a verdict."
LIVE_MORE: Final = "By stage, with intervals, and what to do about it:"
LEFT_ALONE: Final = "orders that nobody acted on"
ACTED_ON: Final = "orders that somebody acted on"
DRIFT: Final = "Drift"
DRIFT_NOT_LOOKED: Final = "Nobody has looked for it yet."
DRIFT_MORE: Final = "Look now:"
CHALLENGER: Final = "Challenger"
NO_CHALLENGER: Final = "No model scores beside it unseen. To name one:"
SHADOW_WORKING: Final = "The comparison is being worked out; look again in a moment."
SHADOW_NOTHING: Final = "Both have not scored an order yet."
SHADOW_NO_OUTCOME: Final = "No outcome of these is known yet, so it cannot be told which is right."
FAMILIES_OFF: Final = "What it does without"
LACKS: Final = {"few_orders": "too few orders"}
FAMILIES_ALL_ON: Final = "Every family of features is on."
NOTHING_PROMOTED: Final = "Nothing was promoted. Next:"
MODEL_NAMES: Final = {
    "at_risk": "Risk of delay", "exceptions": "Kinds of exceptions", "prices": "Expected prices",
}  # fmt: skip
CHANGES: Final = {"promote": "Promoted version", "rollback": "Went back to version"}


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


def little_like_it(support: Sequence[str]) -> str:
    """Return in what the model has seen little like a way; no more than two are named."""
    more = f" and {number(len(support) - 2)} more" if len(support) > 2 else ""
    return f"the model has seen little like it in: {', '.join(support[:2])}{more}"


def looks_like(late: str) -> str:
    """Return what a probability means in orders."""
    return f"Of 100 orders that look like this one, about {late} are late."


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


def still_to_assess(count: int) -> str:
    """Return how many open orders wait for their first assessment."""
    return f"{orders(count)} to go."


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
    return f"{number(count)} {COUNTED[count != 1]}"


def shared(count: int, thing: str) -> str:
    """Return how many orders share what; `thing` begins with a verb in the plural."""
    return f"{orders(count)} {thing}"


def exceptions(count: int) -> str:
    """Return a number of exceptions."""
    return f"{number(count)} {'exception' if count == 1 else 'exceptions'}"


def bulk_done(action: str, things: str) -> str:
    """Return what was done with how many things."""
    return f"{BULK_DID.get(action, action)}: {things}."


def bulk_refused(things: str) -> str:
    """Return with how many things it was not done; which and why follow."""
    return f"Not done with {things}:"


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
    return f"{'Taken back' if undone else 'Corrected'}: {exceptions(count)}."


def likely_next(likely: Sequence[tuple[str, str]]) -> str:
    """Return which exceptions an order is likely to have next."""
    return f"Likely next: {', '.join(f'{title} ({percent})' for title, percent in likely)}."


def capacity_used(orders_done: int, minutes: int, of: int) -> str:
    """Return how much time the work of the last 24 hours took."""
    return f"{orders(orders_done)} in 24\u00a0h, about {number(minutes)} of {number(of)} min"


def change(gap: int, tone: str) -> str:
    """Return a change of a rate; `tone` is "up", "down", or empty where chance explains it."""
    return f"{signed(gap, 0)}{f' {tone}' if tone else ''}"


def step(begins: str, ends: str) -> str:
    """Return the name of a step between two stages."""
    return f"{begins} to {ends[0].lower()}{ends[1:]}"


def stale(hours: str) -> str:
    """Return that a feed has had nothing for longer than it may."""
    return f"Stale: nothing for {hours}\u00a0h"


def exceptions_from(name: str) -> str:
    """Return the name of a feed of exceptions."""
    return f"Exceptions from {name}"


def of_events(count: float) -> str:
    """Return of how many events, since the service began."""
    return f"of {number(count)} since the service began"


def dead_letters(name: str) -> str:
    """Return the name of webhooks that were given up."""
    return f"Webhooks given up, {name}"


def precision(late: int, looked_at: int, top: int, days: int, share: str, base: str) -> str:
    """Return how many of the first orders of each day were late."""
    return (
        f"Of the first {top} of each day, {number(late)} of {number(looked_at)} were late "
        f"({share}); of all that were answered, {base}. {number(days)} "
        f"{'day' if days == 1 else 'days'} with an outcome; orders that people saved count as on "
        "time."
    )


def hold_out_early(held: int, free: int) -> str:
    """Return that a comparison with the hold-out is too early."""
    return (
        f"It is too early to tell: {number(held)} orders that were held out have an outcome, and "
        f"{number(free)} others; from 30 of each on they are compared."
    )


def hold_out(
    free_share: str, free: int, held_share: str, held: int, gap: str, low: str, high: str
) -> str:
    """Return late shares of orders that people could act on and of those held out."""
    return (
        f"Of orders that people could act on {free_share} were late ({number(free)} orders), of "
        f"those held out by lot {held_share} ({number(held)}): {gap} points fewer, 95 % between "
        f"{low} and {high}."
    )


def protected(amount: str, low: str, high: str) -> str:
    """Return what fewer late orders are worth."""
    return (
        f"At what an order of today's list has at stake, about {amount}, between {low} and {high}."
    )


def worked_out(ago: str) -> str:
    """Return how old figures are."""
    return f"Rates, times and outcomes were worked out {ago}; the list is counted as it is now."


def refused(version: str, problem: str) -> str:
    """Return that a promoted model could not be loaded."""
    return f"Version {version} was promoted and cannot be loaded, so this one answers: {problem}"


def gates(count: int, failed: int) -> str:
    """Return how many gates passed."""
    return f"{count - failed} of {count} passed"


def held(which: str, n: int, late: int, expected: float) -> str:
    """Return late orders against those expected."""
    return (
        f"Of {number(n)} answers on {which}, {number(late)} came out late where "
        f"{number(expected)} were expected."
    )


def drift(verdict: str, when: str, *, of_this: bool) -> str:
    """Return what the last look for drift found."""
    other = "" if of_this else " That was another model than the one that answers now."
    return f"{verdict} Looked on {when}.{other}"


def since(day: str) -> str:
    """Return since when something is so."""
    return f"since {day}"


def trained_up_to(day: str) -> str:
    """Return up to when a model learned."""
    return f"learned from orders up to {day}"


def lacks(records: Sequence[str]) -> str:
    """Return what a family of features needs and does not have."""
    return ", ".join(LACKS.get(name, f"no {name.replace('_', ' ')}") for name in records)


def by(who: str) -> str:
    """Return who did something."""
    return f"by {who}"


def shadow_apart(n: int, apart: str, higher: str) -> str:
    """Return how far challenger and champion are apart."""
    return (
        f"Both scored {number(n)} orders and stages: {apart} points apart on average, the "
        f"challenger {higher} points against the champion."
    )


def shadow_outcomes(known: int, late: int, challenger: str, champion: str) -> str:
    """Return who was right where it is known."""
    return (
        f"Of {number(known)} the outcome is known ({number(late)} late): log loss {challenger} of "
        f"the challenger, {champion} of the champion; lower is better."
    )


def alike(count: int, late: int, by: Sequence[str]) -> str:
    """Return the sentence of how many orders like one were late."""
    same = _listed(by)
    if count == 1:
        became = "it was late" if late else "it was in time"
        return f"One past order went the same way (same {same}); {became}."
    were = "none was" if not late else "1 was" if late == 1 else f"{number(late)} were"
    return f"Of {number(count)} past orders like this one (same {same}), {were} late."


def few_alike(count: int) -> str:
    """Return the warning that few past orders say little."""
    return f"Only {count} of them: that says little." if count > 1 else "One says little."


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def early_or_late(days: str, *, late: bool) -> str:
    """Return how long before or after its promise an order was delivered."""
    return f"{days} late" if late else f"{days} early"


def late_still(days: str) -> str:
    """Return for how long an order that was not delivered was late already."""
    return f"late, {days} so far"


def happened(when: str) -> str:
    """Return when something happened that became known later."""
    return f"happened {when}"


def known_later(span: str) -> str:
    """Return how long after it happened something became known."""
    return f"known {span} later"


def said(what: str, times: int) -> str:
    """Return what decisions on record said, and how often in a row."""
    return what if times == 1 else f"{what} (asked {number(times)} times)"


def earlier_said(most: int) -> str:
    """Return that only the newest decisions are looked at."""
    return f"Scores: the newest {number(most)} on record; all of them are in the API."


def did_so(by: str, did: str) -> str:
    """Return who did what."""
    return f"{by} {did}"


def stale_feed(name: str, age: str) -> str:
    """Return that nothing new came of a kind of record for a while."""
    return f"no news of {FEEDS.get(name, name).lower()} for {age}"


def fields(names: Sequence[str]) -> str:
    """Return names of fields of an order in words."""
    return ", ".join(FIELDS.get(name, name.replace("_", " ")) for name in names)


def timeline_count(count: int) -> str:
    """Return how much is known of an order."""
    return f"{number(count)} {'entry' if count == 1 else 'entries'}, newest first"


def moved_title(order_id: str) -> str:
    """Return the title of the drawing of how the risk moved."""
    return f"Risk of {order_id} over time"
