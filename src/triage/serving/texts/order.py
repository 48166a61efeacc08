"""The page of one order, and what its customer is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.features.declarations import Cause
from triage.serving.formats import number

SKIP: Final = "Skip to the order"
SHIPS_FROM: Final = "ships from"
LATE: Final = "Late"
EXPECTED_LOSS: Final = "Expected loss"
ORDER_VALUE: Final = "Order value"
PROMISE: Final = "Promise"
STAGE: Final = "Stage"
PLACE: Final = "Place on the list"
SUBJECT: Final = "Subject"
TEXT: Final = "Text"
COPY: Final = "Copy"
MARK_SENT: Final = "Mark as sent"
WHY: Final = "Why this score"
WENT_ON: Final = "What the model had to go on"
COMES_FROM: Final = "Where this comes from"
MODEL: Final = "Model"
KNOWN_BEFORE: Final = "Known before"
POLICY: Final = "Policy"
TYPICAL: Final = "Typical order at this stage"
OTHER: Final = "Everything else together"
THIS_ORDER: Final = "This order"
NO_REASONS: Final = "The promise has passed, so there is no probability left to explain."
QUALITY_FULL: Final = "Everything the model looks at was there."
QUALITY_MISSING: Final = "Not there:"
QUALITY_UNKNOWN: Final = "Never seen before:"
QUALITY_STALE: Final = "Not fresh:"
NEEDS_A_PERSON: Final = "Needs a person:"
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
WAYS_COLUMNS: Final = (
    "What to do",
    "Risk",
    "Days",
    "Costs",
    "Saves, net",
    "Until",
    "Must agree",
)
WAYS_AS_NOW: Final = "as now"
WAYS_NOBODY: Final = "nobody"
WAYS_NOTE: Final = (
    "Risk and days are the same model's with changed inputs: association, not proof. Days are of "
    "the middle of delivery, against leaving it as it is. Stock is as last recorded."
)
UNSURE_TAG: Final = "Needs a person"
MESSAGE: Final = "Message to the customer"
MESSAGE_NOTE: Final = "A draft: look it over, send it with your own mail, then mark it as sent."
COPIED: Final = "Copied"
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
FIELDS: Final = {"destination_region": "destination", "inventory_position": "stock"}
OPEN_IN_ERP: Final = "Open in the ERP"
HELD_OUT_TAG: Final = "Leave alone"
HELD_OUT: Final = (
    "Held out: please leave this order alone. It shows whether the answers hold when nobody acts."
)
NO_OPEN_EXCEPTION: Final = "None is open."


def escalated(to: str, because: str) -> str:
    """Return who else must know, and why."""
    return f"Tell the {to}: {because}."


def mostly(causes: str) -> str:
    """Return what raises the risk above the typical, by cause."""
    return f"Mostly: {causes}"


def how_sure(low: str, high: str) -> str:
    """Return how sure the probability itself is."""
    return f"Past outcomes of such orders allow a probability from {low} to {high}."


def looks_like(late: str, low: int, high: int) -> str:
    """Return what a probability means in orders; `low` and `high` are days, if one is late."""
    least, most = max(1, low), max(1, high)
    unit = "day" if most == 1 else "days"
    days = number(most) if least == most else f"{number(least)} to {number(most)}"
    like_it = f"Of 100 orders that look like this one, about {late} are late"
    return f"{like_it}; if late, by {days} {unit}."


def message_subject(order_id: str) -> str:
    """Return the subject of a message to a customer."""
    return f"Your order {order_id}: new delivery date"


def message_body(
    *,
    customer: str,
    order_id: str,
    promised: str,
    expected: tuple[str, str],
    cause: str,
    late: bool,
) -> str:
    """Return what a customer is told; `expected` is the first and the last day of delivery."""
    first, last = expected
    when = f"on {first}" if first == last else f"between {first} and {last}"
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


def likely_next(likely: Sequence[tuple[str, str]]) -> str:
    """Return which exceptions an order is likely to have next."""
    return f"Likely next: {', '.join(f'{title} ({percent})' for title, percent in likely)}."


def fields(names: Sequence[str]) -> str:
    """Return names of fields of an order in words."""
    return ", ".join(FIELDS.get(name, name.replace("_", " ")) for name in names)


def to_place(name: str) -> str:
    """Return where an order goes."""
    return f"to {name}"


def late_by(span: str) -> str:
    """Return by how much an order is late; the word stands before it."""
    return f"by {span}"


def loss_of(percent: str, stake: str, revenue: str) -> str:
    """Return of what an expected loss is made."""
    return f"{percent} of {stake} at stake, order of {revenue}"


def stage_for(span: str) -> str:
    """Return how long an order has been in its stage."""
    return f"for {span}"


def place_of(count: str, riskier: str) -> str:
    """Return of how many a place is, and than how many an order is riskier; empty: not said."""
    return f"of {count}, riskier than {riskier}" if riskier else f"of {count}"


def can_act(owner: str) -> str:
    """Return who can do something about a reason."""
    return f"{owner} can act"


def line(number: int) -> str:
    """Return which line of an order is meant."""
    return f"Line {number}"


def change_of_risk(points: str) -> str:
    """Return by how many points another way changes the risk."""
    return f"{points}\u00a0pts"


def with_service(service: str) -> str:
    """Return which faster service the cost of another way includes."""
    return f"with {service}"


def from_to(low: str, high: str) -> str:
    """Return the range of a figure."""
    return f"{low} to {high}"


def against_typical(value: str, typical: str) -> str:
    """Return the value that was used beside the usual one."""
    return f"{value}; typical {typical}"
