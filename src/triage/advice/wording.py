"""Numbers as people read them, by the unit that a feature declares, and sentences with them.

An answer's sentences are English, so that a decision is replayed bit for bit. Who shows them to
people writes the figures in them as those people do: a sentence keeps its values for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STAGES = {
    "order_created": "placed",
    "order_validated": "validated",
    "allocation_confirmed": "allocated",
    "pick_released": "released to the warehouse",
    "shipment_dispatched": "handed to the carrier",
}


class Figures(Protocol):
    """A way to write figures: `English`, or that of a locale (`serving.formats`)."""

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many decimals, its thousands grouped."""

    def count(self, value: float) -> str:
        """Return a whole number of things."""

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share in percent."""

    def change(self, share: float) -> str:
        """Return a change in whole percent, with its sign."""

    def amount(self, value: float, currency: str) -> str:
        """Return an amount of money with its currency."""

    def weekday(self, number: int) -> str:
        """Return a day of the week by its number, 0 for Monday."""

    def hour(self, hour: int, minute: int, digits: int = 1) -> str:
        """Return a time of day; its hour has so many digits at least."""

    def moment(self, at: datetime) -> str:
        """Return a moment of these weeks, to the minute."""


class English:
    """Figures as answers write them, in no country's way."""

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many decimals, its thousands grouped."""
        told = f"{value:,.{digits}f}"
        return "0" if told == "-0" else told

    def count(self, value: float) -> str:
        """Return a whole number of things."""
        return f"{value:.0f}"

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share in percent."""
        return f"{self.number(100 * share, digits)} %"

    def change(self, share: float) -> str:
        """Return a change in whole percent, with its sign."""
        return f"{100 * share:+.0f} %"

    def amount(self, value: float, currency: str) -> str:
        """Return an amount of money with its currency."""
        return f"{currency} {value:,.0f}"

    def weekday(self, number: int) -> str:
        """Return a day of the week by its number, 0 for Monday."""
        return WEEKDAYS[number]

    def hour(self, hour: int, minute: int, digits: int = 1) -> str:
        """Return a time of day; its hour has so many digits at least."""
        return f"{hour:0{digits}d}:{minute:02d}"

    def moment(self, at: datetime) -> str:
        """Return a moment of these weeks, to the minute."""
        clock = f"{at.hour:02d}:{at.minute:02d}"
        return f"{WEEKDAYS[at.weekday()][:3]} {at.day} {_MONTHS[at.month - 1]} {clock}"


ENGLISH: Final = English()
Figure = tuple[float | None, str]
"""A value and its unit; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the figures that stand in it, in place of `{0}`, `{1}` and so on."""

    pattern: str
    figures: tuple[Figure, ...]

    def told(self, figures: Figures = ENGLISH) -> str:
        """Return the sentence, its figures written in some way."""
        return self.pattern.format(*(say(value, unit, figures) for value, unit in self.figures))


def likely_lost(loss: str, does: str, minutes: str, by: str) -> str:
    """Return why an order comes first: what is likely lost, and what helps most."""
    return f"{loss} are likely lost; what helps most is to {does}: {minutes} minutes, by {by}"


def lost_anyway(loss: str) -> str:
    """Return that what is likely lost cannot be prevented any more."""
    return f"{loss} are likely lost, and nothing that people can do still helps in time"


def anything_from(low: str, high: str) -> str:
    """Return that a probability itself is too uncertain."""
    return f"Past outcomes allow anything from {low} to {high}"


def say(value: float | None, unit: str, figures: Figures = ENGLISH) -> str:
    """Return a value with its unit in words; "unknown" where there is none."""
    if value is None or math.isnan(value):
        return "unknown"
    special = _SPECIAL.get(unit)
    if special is not None:
        return special(value, figures)
    one = 0.5 < value < 1.5 and _digits(value) == 0
    return f"{_short(value, figures)} {_SINGULAR.get(unit, unit) if one else unit}".strip()


def days(value: float, figures: Figures = ENGLISH) -> str:
    """Return a span of days in words."""
    if abs(value) < 2:
        return f"{_short(value * 24, figures)} h"
    return f"{_short(value, figures)} days"


def percent(share: float, figures: Figures = ENGLISH) -> str:
    """Return a share as a percentage that does not claim more than it knows."""
    if 0 < 100 * share < 1:
        return f"under {figures.percent(0.01)}"
    return figures.percent(share)


def _digits(value: float) -> int:
    """Return how many decimals a value is told with: one below 100, if it is not 0."""
    if abs(value) >= 100 or value == round(value):
        return 0
    return 0 if f"{value:.1f}".endswith(".0") else 1


def _short(value: float, figures: Figures) -> str:
    return figures.number(value, _digits(value))


def _hours(value: float, figures: Figures) -> str:
    return days(value / 24, figures) if abs(value) >= 48 else f"{_short(value, figures)} h"


def _clock(value: float, figures: Figures) -> str:
    return figures.hour(int(value) % 24, int(value % 1 * 60))


def _moment_of_week(value: float, figures: Figures) -> str:
    return f"{figures.weekday(int(value // 24) % 7)} {_clock(value % 24, figures)}"


def _deadline(value: float, figures: Figures) -> str:
    return f"{days(-value, figures)} past" if value < 0 else f"{days(value, figures)} away"


def _sides(unit: str, below: str, above: str) -> Callable[[float, Figures], str]:
    """Return how to say a value that is told without its sign: on which side of 0 it lies."""

    def told(value: float, figures: Figures) -> str:
        return f"{say(abs(value), unit, figures)} {below if round(value, 1) < 0 else above}"

    return told


def _points(value: float, figures: Figures) -> str:
    points = figures.number(100 * abs(value), 0)
    return f"{points} percentage points {'less' if value < 0 else 'more'}"


def _rough_digits(value: float) -> int:
    """Return how many decimals a value is told with: none from 10 on, or if it is nearly whole."""
    return 0 if value >= 9.95 or math.isclose(value, round(value), rel_tol=0.005) else 1


def _rough(value: float, figures: Figures) -> str:
    return figures.number(value, _rough_digits(value))


def _apart(value: float, figures: Figures) -> str:
    size = abs(value)
    side = "above" if value > 0 else "below"
    return f"{figures.percent(size, _rough_digits(100 * size))} {side}"


_SPECIAL: dict[str, Callable[[float, Figures], str]] = {
    "log days": lambda value, figures: days(math.expm1(value), figures),
    "log share": lambda value, figures: percent(math.exp(value), figures),
    "share": percent,
    "points": _points,
    "hours": _hours,
    "hours until": _sides("h", "ago", "away"),
    "of the road": lambda value, figures: percent(max(value, 0.0), figures),
    "days": days,
    "days until": _deadline,
    "units left": _sides("units", "short", "to spare"),
    "working days left": _sides("working days", "too few", "to spare"),
    "working days until": _sides("working days", "past", "away"),
    "weekday": lambda value, figures: figures.weekday(round(value) % 7),
    "o'clock": _clock,
    "hour of the week": _moment_of_week,
    "°": lambda value, figures: f"{figures.number(value, 1)}°",
    "a piece": lambda value, figures: figures.number(value, 2),
    "fold": _rough,
    "apart": _apart,
}
_SINGULAR = {
    "orders": "order",
    "exceptions": "exception",
    "lines": "line",
    "sites": "site",
    "holidays": "holiday",
    "units": "unit",
    "instalments": "instalment",
    "working days": "working day",
}
