"""From a typical order to this one, in points and in days: steps that add up as they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from triage.advice.assessment import Assessment, Reason
from triage.advice.reasons import DelayDays
from triage.advice.wording import say
from triage.serving import formats, texts, wording

WIDTH = 100.0
"""Width of the drawing; positions are percent of it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One step; `left`, `width` and `end` of its drawing are in percent of the width.

    Attributes:
        tenths: of a percentage point of the probability.
        days: tenths of a day of the middle of delivery against the promise.
    """

    kind: str
    label: str
    tenths: int
    days: int
    left: float
    width: float
    end: float
    reason: Reason | None = None

    @property
    def shown(self) -> str:
        """Return the number beside the bar: a level in percent, or a step in points."""
        if self.kind in {"start", "total"}:
            return formats.percent(self.tenths / 1000, 1)
        return texts.words.points(wording.points(self.tenths))

    @property
    def shown_days(self) -> str:
        """Return the days beside it: a level against the promise, or a step."""
        return texts.words.days(wording.points(self.days))

    @property
    def evidence(self) -> str:
        """Return the value that was used beside the usual one, unless the sentence names it."""
        reason = self.reason
        if reason is None or any(letter.isdigit() for letter in reason.text):
            return ""
        said = say(reason.value, reason.unit, formats)
        if reason.typical is None:
            return said
        return texts.order.against_typical(said, say(reason.typical, reason.unit, formats))

    @property
    def amount(self) -> str:
        """Return the number for machines, in points."""
        return f"{self.tenths / 10:.1f}"


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All bars with the right end of their scale, in whole percent."""

    bars: tuple[Bar, ...]
    scale: int


def of(order: Assessment, delay: DelayDays) -> Waterfall:
    """Return the bars of an assessment, strongest reason first.

    Shown numbers are rounded to tenths and still add up: what rounding leaves goes to the bar of
    everything else, and so does what no concept has a share in.

    Args:
        order: its reasons have the points.
        delay: has the days of the same reasons.
    """
    start, end = round(1000 * order.typical), round(1000 * order.p_late)
    ordered = sorted(order.reasons, key=lambda reason: -abs(reason.effect_pp))
    steps = [
        (reason, round(10 * reason.effect_pp), round(10 * delay.by_concept.get(reason.code, 0.0)))
        for reason in ordered
    ]
    other = end - start - sum(tenths for _, tenths, _ in steps)
    first, last = round(10 * delay.typical), round(10 * order.delay_days[1])
    other_days = last - first - sum(days for _, _, days in steps)
    levels = [0, start, end]
    level = start
    for tenths in [t for _, t, _ in steps] + [other]:
        level += tenths
        levels.append(level)
    low, high = min(levels), max(levels)
    scale = max(10, min(100, -(-high // 100) * 10))
    per_tenth = WIDTH / max(10 * scale - min(low, 0), high - min(low, 0))

    def bar(
        kind: str, label: str, tenths: int, days: int, base: int, reason: Reason | None = None
    ) -> Bar:
        left = (min(base, base + tenths) - min(low, 0)) * per_tenth
        width = max(abs(tenths) * per_tenth, 0.4)
        after = (base + tenths - min(low, 0)) * per_tenth
        places = round(left, 2), round(width, 2), round(after, 2)
        return Bar(kind, label, tenths, days, *places, reason)

    bars = [bar("start", texts.order.TYPICAL, start, first, 0)]
    level = start
    for reason, tenths, days in steps:
        kind = "up" if tenths >= 0 else "down"
        bars.append(bar(kind, reason.told(formats), tenths, days, level, reason))
        level += tenths
    bars.append(bar("up" if other >= 0 else "down", texts.order.OTHER, other, other_days, level))
    bars.append(bar("total", texts.order.THIS_ORDER, end, last, 0))
    return Waterfall(tuple(bars), scale)
