"""The operations page."""

from __future__ import annotations

from typing import Final

from triage.serving.formats import number, signed
from triage.serving.texts import words

QUEUE: Final = "How the list stands"
OPEN: Final = "Open, at risk"
LATE: Final = "Already late"
NOBODYS: Final = "Nobody's"
OLDEST: Final = "Longest in its stage"
SOON: Final = "Decide within 24\u00a0h"
EXCEPTIONS_OVERDUE: Final = "Exceptions overdue"
CAPACITY: Final = "Capacity used"
NOTHING_RECORDED: Final = "nothing is recorded here"
PRECISION: Final = "How good the list was"
BROUGHT: Final = "What acting on it brought"
CLASSES: Final = "Exceptions by kind"
CLASSES_NOTE: Final = (
    "By who closed them, or by the model while they are open; per 100 orders that were validated "
    "in the same days. Where chance explains a change, it is given without a word."
)
SOURCES: Final = "Exceptions by source"
STEPS: Final = "How long orders take"
STEP: Final = "From, to"
STEPS_NOTE: Final = "By when a step ended: in the last 28 days, and in the 28 days before."
ORDERS: Final = "Orders"
MEDIAN: Final = "Median"
P90: Final = "p90"
MEDIAN_BEFORE: Final = "Median before"
P90_BEFORE: Final = "p90 before"
FEEDS: Final = "Feeds and connections"
FEED: Final = "Feed"
NEWEST: Final = "Newest record"
STATE: Final = "State"
NOT_SAID: Final = "Not said"
REFUSED: Final = "Events refused"
BEHIND: Final = "Store lacks"
STORE_TAKES: Final = "entries; the store takes them"
LAST_28: Final = "28\u00a0days"
RATE: Final = "Per 100 orders"
BEFORE_28: Final = "28\u00a0before"
CHANGE: Final = "Change"
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


def capacity_used(orders_done: int, minutes: int, of: int) -> str:
    """Return how much time the work of the last 24 hours took."""
    return f"{words.orders(orders_done)} in 24\u00a0h, about {number(minutes)} of {number(of)} min"


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


def of_open(count: int) -> str:
    """Return of how many open exceptions some are overdue."""
    return f"of {number(count)} open"


def passed_it(count: int) -> str:
    """Return of how many orders the last moment to act has passed."""
    return f"{number(count)} past it"
