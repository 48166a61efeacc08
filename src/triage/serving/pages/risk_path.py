"""How the risk of an order moved: a score at each step that it took, and when people acted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from triage.advice.assessment import Assessment
from triage.errors import RequestError
from triage.serving.decisions import Decision
from triage.serving.handling.state import Act

MOST: Final = 10
"""Scores that are drawn; the first and the newest ones."""
_TELLS: Final = 0.01
"""A decision on record is drawn if it says something else by as much as this."""
HEIGHT: Final = 132
"""Height of the drawing in pixels; its width is a share of the page."""
ASIDE: Final = 13
"""Share of the width that is left to the names of bands, in percent."""
TOP, FLOOR = 18, 106
"""Where a probability of 1 and of 0 is drawn, in pixels from above."""

Basis = Literal["then", "record", "now"]


@dataclass(frozen=True, slots=True)
class Score:
    """The risk at one moment.

    Attributes:
        at: the moment, UTC micros.
        p_late: probability of lateness; 1 once the order is late.
        band: its band.
        basis: worked out from what was known then, on record, or of now.
        stage: the milestone that was reached then; empty for a decision on record.
    """

    at: int
    p_late: float
    band: str
    basis: Basis
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Acts:
    """What people did between two scores, oldest first."""

    at: int
    acts: tuple[Act, ...]


Step = Score | Acts


@dataclass(frozen=True, slots=True)
class Drawn:
    """A step with its place: `x` in percent of the width, `y` in pixels from above."""

    step: Step
    x: float
    y: float


def scores(
    order: Assessment,
    milestones: Sequence[tuple[str, int, int]],
    decisions: Sequence[Decision],
    then: Callable[[int], float],
    band: Callable[[float], str],
) -> list[Score]:
    """Return the risk of an open order from its first step until now, oldest first.

    Args:
        order: as assessed now.
        milestones: what it has reached: name, event time, record time (UTC micros).
        decisions: on record about it.
        then: gives p(late) from what was known at a past moment before the promise passed.
        band: names the band of a probability.
    """
    found: dict[int, Score] = {}
    for name, _, known in milestones:
        if known < min(order.as_of, order.promised_by):
            try:
                p_late = then(known)
            except RequestError:  # a step before the first that the model knows
                continue
            found[known] = Score(known, p_late, band(p_late), "then", name)
    for each in decisions:
        if each.as_of < order.as_of and each.answer["state"] == "at_risk":
            p_late = each.answer["risk"]["p_late"]
            found.setdefault(each.as_of, Score(each.as_of, p_late, band(p_late), "record"))
    told: list[Score] = []
    for score in sorted(found.values(), key=lambda each: each.at):
        if score.basis == "then" or not told or abs(score.p_late - told[-1].p_late) >= _TELLS:
            told.append(score)
    if len(told) >= MOST:
        told = [told[0], *told[2 - MOST :]]
    return [*told, Score(order.as_of, order.p_late, order.band, "now", order.stage)]


def steps(scored: Sequence[Score], acts: Sequence[Act]) -> list[Step]:
    """Return scores and what people did in order of time; the score of now is last.

    What people did between two scores is one step.

    Args:
        scored: oldest first, the last of now.
        acts: what people did, oldest first.
    """
    *past, now = scored
    found: list[Step] = []
    waiting = list(acts)
    for score in past:
        before = [act for act in waiting if act.at < score.at]
        found += _together(before)
        waiting = waiting[len(before) :]
        found.append(score)
    return [*found, *_together(waiting), now]


def _together(acts: Sequence[Act]) -> list[Step]:
    return [Acts(acts[-1].at, tuple(acts))] if acts else []


def drawn(told: Sequence[Step]) -> list[Drawn]:
    """Return the steps at equal distances, higher the riskier; acts lie where the risk stood."""
    width = (100 - ASIDE) / max(len(told), 1)
    places = []
    level = next((step.p_late for step in told if isinstance(step, Score)), 0.0)
    for number, step in enumerate(told):
        level = step.p_late if isinstance(step, Score) else level
        places.append(Drawn(step, round(ASIDE + (number + 0.5) * width, 2), height_of(level)))
    return places


def height_of(p_late: float) -> float:
    """Return how far from above a probability is drawn, in pixels."""
    return round(FLOOR - p_late * (FLOOR - TOP), 1)


def zones(bands: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return name, top and height of each band in the drawing, in pixels.

    Args:
        bands: the probability at which each begins, the gravest first.
    """
    found, top = [], float(TOP)
    for name, start in bands.items():
        floor = height_of(start)
        found.append((name, top, round(floor - top, 1)))
        top = floor
    return found
