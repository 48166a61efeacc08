"""Why a message was taken for this kind of exception: its words, and facts about the order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from triage.domain.records import ExceptionEvent
from triage.models.exceptions import Classified, ExceptionModel
from triage.models.exceptions_context import Facts
from triage.models.exceptions_facts import CATEGORIES, NUMBERS, STAGES

_MOST_WORDS = 4
_DONE = dict(
    zip(
        STAGES,
        ("placed", "validated", "allocated", "released to the floor", "dispatched", "delivered",
         "cancelled", "invoiced"),
        strict=True,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExceptionReason:
    """One thing that decided.

    Attributes:
        kind: the words of the message, or a fact beside it.
        text: the sentence.
        effect: what it added to the score of the class, in log-odds; below 0 it spoke against it.
        words: for words: those that said most for the class, in the spelling of the message.
    """

    kind: Literal["words", "fact"]
    text: str
    effect: float
    words: tuple[str, ...] = ()


def exception_reasons(
    model: ExceptionModel, event: ExceptionEvent, facts: Facts, answer: Classified, top: int
) -> tuple[tuple[ExceptionReason, ...], float]:
    """Return the strongest reasons, and the effect of all that is not named.

    The effects of the reasons, the rest and the base add up to the class's raw score.
    """
    _, said, each = model.effects(answer)
    found = [_fact(name, effect, facts) for name, effect in each.items() if effect]
    if answer.reads:
        words = _strongest(model, event.text or "", answer)
        quoted = ", ".join(f"“{word}”" for word in words)
        sentence = f"It says {quoted}" if words else "Its words, taken together"
        found.append(ExceptionReason("words", sentence, said, words))
    found.sort(key=lambda reason: (-abs(reason.effect), reason.text))
    return tuple(found[:top]), math.fsum(reason.effect for reason in found[top:])


def _strongest(model: ExceptionModel, text: str, answer: Classified) -> tuple[str, ...]:
    """Return the words that say most for the class, strongest first, as they are spelt."""
    spelt = dict(zip(answer.text.split(), text.split(), strict=True))
    effect = model.text.by_word(answer.text, answer.label)
    ranked = sorted((-x, word) for word, x in effect.items() if x > 0)
    return tuple(spelt[word] for _, word in ranked[:_MOST_WORDS])


def _fact(name: str, effect: float, facts: Facts) -> ExceptionReason:
    if name in CATEGORIES:
        value = facts.categories[name]
        said = _UNKNOWN.get(name, f"No {_NAMES[name]} is known") if value is None else (
            _CATEGORY[name].format(value)
        )  # fmt: skip
        return ExceptionReason("fact", said, effect)
    number = float(facts.numbers[NUMBERS.index(name)])
    if name.startswith("since_"):
        return ExceptionReason("fact", _since(_DONE[name.removeprefix("since_")], number), effect)
    said = _NOT_KNOWN[name] if math.isnan(number) else _NUMBER[name](number)
    return ExceptionReason("fact", said, effect)


def _since(done: str, days: float) -> str:
    if math.isnan(days) and done == _DONE[STAGES[0]]:
        return "The order was not known yet"
    if math.isnan(days):
        return f"The order is not {done} yet, as far as was known"
    if days < 0:
        return f"The order was {done} {_span(-days)} after it happened"
    return f"It happened {_span(days)} after the order was {done}"


def _span(days: float) -> str:
    hours = days * 24
    if hours < 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{days:.0f} days"


def _until(what: str) -> Callable[[float], str]:
    return lambda days: (
        f"{_span(days)} were left until {what}"
        if days >= 0
        else f"{what[:1].upper()}{what[1:]} had passed {_span(-days)} before"
    )


def _off(what: str) -> Callable[[float], str]:
    return lambda log: f"{what} {100 * math.expm1(log):+.0f} %"


def _count(one: str, many: str) -> Callable[[float], str]:
    return lambda n: f"{n:.0f} {one if n == 1 else many}"


def _money(what: str) -> Callable[[float], str]:
    return lambda log: f"{what} {math.expm1(log):,.0f}"


_NAMES = {
    "source": "source", "code": "code", "channel": "channel", "service": "service",
    "site": "site", "carrier": "carrier", "tier": "customer tier", "payment": "way of paying",
    "region": "destination", "category": "kind of goods", "customer_usual": "earlier exception",
}  # fmt: skip
_UNKNOWN = {"customer_usual": "No earlier exception of this customer was closed"}
_CATEGORY = {
    "source": "It comes from {}", "code": "Its code is {}",
    "channel": "The order came in by {}", "service": "The service is {}",
    "site": "It ships from {}", "carrier": "The carrier is {}",
    "tier": "The customer's tier is {}", "payment": "It is paid by {}",
    "region": "It goes to {}", "category": "It holds {}",
    "customer_usual": "Earlier exceptions of this customer were mostly {}",
}  # fmt: skip
_NUMBER: dict[str, Callable[[float], str]] = {
    "order_known": lambda n: "The order was known" if n else "The order was not known yet",
    "orders_that_fit": _count(
        "order fits what the message mentions",
        "orders fit what the message mentions; the newest was looked at",
    ),
    "stage": lambda n: f"The order had got as far as {_DONE[STAGES[int(n)]]}",
    "to_promise": _until("the promise"),
    "to_ship_by": _until("the ship-by time"),
    "starts_later": lambda n: "The order is for a later day" if n else "The order may start now",
    "road_share": lambda n: f"{100 * n:.0f} % of the time planned for the road had passed",
    "value": _money("The order is worth"),
    "spent_30d": _money("In 30 days the customer ordered for"),
    "lines": _count("line in the order", "lines in the order"),
    "quantity": _count("piece in the largest line", "pieces in the largest line"),
    "spare_stock": lambda n: (
        f"{-n:.0f} pieces were missing of the scarcest line"
        if n < 0
        else f"Stock covered every line, the scarcest with {n:.0f} pieces to spare"
    ),
    "lines_short": _count("line without enough stock", "lines without enough stock"),
    "price_low": _off("Cheapest line against list price"),
    "price_high": _off("Dearest line against list price"),
    "price_off": _off("Price furthest from what was agreed"),
    "lag": lambda n: f"It became known {_span(n)} after it happened",
    "hour": lambda n: f"It happened at {int(n):02d}:{round(60 * (n - int(n))):02d}",
    "weekday": lambda n: (
        "It happened on a "
        + ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[int(n)]
    ),
    "earlier": _count("exception of this order before", "exceptions of this order before"),
    "same_code_6h": _count("other with this code in 6 hours", "others with this code in 6 hours"),
    "same_site_6h": _count("other at this site in 6 hours", "others at this site in 6 hours"),
    "same_carrier_3d": _count("other with this carrier in 3 days",
                              "others with this carrier in 3 days"),
}  # fmt: skip
_NOT_KNOWN = dict.fromkeys(_NUMBER, "The order was not known yet") | {
    "orders_that_fit": "No order had to be guessed",
    "road_share": "It was not on the road yet",
    "to_ship_by": "No ship-by time is known",
    "spare_stock": "Nobody had counted the stock of its lines",
    "lines_short": "Nobody had counted the stock of its lines",
    "price_low": "No list price is known",
    "price_high": "No list price is known",
    "price_off": "No price was agreed",
    "same_carrier_3d": "No carrier is booked",
}
