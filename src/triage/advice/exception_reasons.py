"""Why a message was taken for this kind of exception: its words, and facts about the order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from triage.advice.wording import ENGLISH, Figures
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
    model: ExceptionModel, event: ExceptionEvent, facts: Facts, answer: Classified, top: int,
    figures: Figures = ENGLISH,
) -> tuple[tuple[ExceptionReason, ...], float]:  # fmt: skip
    """Return the strongest reasons, and the effect of all that is not named.

    The effects of the reasons, the rest and the base add up to the class's raw score.

    Args:
        model: which classified it.
        event: the exception.
        facts: what stood beside the message.
        answer: what the model said.
        top: how many are named.
        figures: how figures are written.
    """
    _, said, each = model.effects(answer)
    found = [
        ExceptionReason("fact", _fact(name, facts, figures), effect)
        for name, effect in each.items()
        if effect
    ]
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


def _fact(name: str, facts: Facts, figures: Figures) -> str:
    if name in CATEGORIES:
        value = facts.categories[name]
        if value is None:
            return _UNKNOWN.get(name, f"No {_NAMES[name]} is known")
        return _CATEGORY[name].format(value)
    number = float(facts.numbers[NUMBERS.index(name)])
    if name.startswith("since_"):
        return _since(_DONE[name.removeprefix("since_")], number, figures)
    return _NOT_KNOWN[name] if math.isnan(number) else _NUMBER[name](number, figures)


def _since(done: str, days: float, figures: Figures) -> str:
    if math.isnan(days) and done == _DONE[STAGES[0]]:
        return "The order was not known yet"
    if math.isnan(days):
        return f"The order is not {done} yet, as far as was known"
    if days < 0:
        return f"The order was {done} {_span(-days, figures)} after it happened"
    return f"It happened {_span(days, figures)} after the order was {done}"


def _span(days: float, figures: Figures) -> str:
    hours = days * 24
    if hours < 2:
        return f"{figures.count(hours * 60)} minutes"
    return f"{figures.count(hours)} hours" if hours < 48 else f"{figures.count(days)} days"


_Told = Callable[[float, Figures], str]


def _until(what: str) -> _Told:
    return lambda days, figures: (
        f"{_span(days, figures)} were left until {what}"
        if days >= 0
        else f"{what[:1].upper()}{what[1:]} had passed {_span(-days, figures)} before"
    )


def _off(what: str) -> _Told:
    return lambda log, figures: f"{what} {figures.change(math.expm1(log))}"


def _count(one: str, many: str) -> _Told:
    return lambda n, figures: f"{figures.count(n)} {one if n == 1 else many}"


def _money(what: str) -> _Told:
    return lambda log, figures: f"{what} {figures.number(math.expm1(log))}"


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
_NUMBER: dict[str, _Told] = {
    "order_known": lambda n, _: "The order was known" if n else "The order was not known yet",
    "orders_that_fit": _count(
        "order fits what the message mentions",
        "orders fit what the message mentions; the newest was looked at",
    ),
    "stage": lambda n, _: f"The order had got as far as {_DONE[STAGES[int(n)]]}",
    "to_promise": _until("the promise"),
    "to_ship_by": _until("the ship-by time"),
    "starts_later": lambda n, _: "The order is for a later day" if n else "The order may start now",
    "road_share": lambda n, figures: (
        f"{figures.percent(n)} of the time planned for the road had passed"
    ),
    "value": _money("The order is worth"),
    "spent_30d": _money("In 30 days the customer ordered for"),
    "lines": _count("line in the order", "lines in the order"),
    "quantity": _count("piece in the largest line", "pieces in the largest line"),
    "spare_stock": lambda n, figures: (
        f"{figures.count(-n)} pieces were missing of the scarcest line"
        if n < 0
        else f"Stock covered every line, the scarcest with {figures.count(n)} pieces to spare"
    ),
    "lines_short": _count("line without enough stock", "lines without enough stock"),
    "price_low": _off("Cheapest line against list price"),
    "price_high": _off("Dearest line against list price"),
    "price_off": _off("Price furthest from what was agreed"),
    "lag": lambda n, figures: f"It became known {_span(n, figures)} after it happened",
    "hour": lambda n, figures: (
        f"It happened at {figures.hour(int(n), round(60 * (n - int(n))), 2)}"
    ),
    "weekday": lambda n, figures: f"It happened on a {figures.weekday(int(n))}",
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
