"""Whether answers on record hold: late orders against those expected, and when that is an alarm.

The service judges by itself and `triage report live` when somebody asks, both by `judge`. It takes
sums of answers by the day on which their promises passed: orders of one day share their luck.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from triage.features.facts import MILESTONES
from triage.models.drift_settings import LiveSettings

ALL = "all stages"


@dataclass(frozen=True, slots=True)
class Sums:
    """Answers with an outcome, summed.

    Attributes:
        n: how many.
        late: of orders that were late.
        expected: sum of the probabilities p.
        variance: sum of p (1 - p).
    """

    n: int = 0
    late: int = 0
    expected: float = 0.0
    variance: float = 0.0

    def plus(self, other: Sums, sign: int = 1) -> Sums:
        """Return the sums of both, or what is left without the other (`sign` -1)."""
        return Sums(
            self.n + sign * other.n, self.late + sign * other.late,
            self.expected + sign * other.expected, self.variance + sign * other.variance,
        )  # fmt: skip


Days = Mapping[int, Sums]
"""By the day on which promise and tolerance passed, counted from 1970 in UTC."""
Stages = Mapping[str, Days]


def added(told: Iterable[tuple[int, Sums]]) -> dict[int, Sums]:
    """Return the sums of each day; days may come more than once."""
    days: dict[int, Sums] = {}
    for day, sums in told:
        days[day] = days.get(day, Sums()).plus(sums)
    return days


@dataclass(frozen=True, slots=True)
class Held:
    """Late orders of some answers against those expected.

    Attributes:
        name: of which.
        n: answers.
        late: of orders that were late.
        expected: sum of the probabilities.
        days: days on which promises passed.
        ratio: late over expected; NaN without answers.
        low: lower end of the interval of the ratio.
        high: upper end; infinite where there is only one day.
    """

    name: str
    n: int
    late: int
    expected: float
    days: int
    ratio: float
    low: float
    high: float

    def enough(self, settings: LiveSettings) -> bool:
        """Return whether there is evidence enough to judge."""
        return self.expected >= settings.least_expected and self.days >= settings.least_days

    def rings(self, settings: LiveSettings) -> bool:
        """Return whether the whole interval is outside what is allowed.

        A ratio of 1 rings far more seldom than the confidence says, however often it is looked at.
        """
        low, high = settings.observed_to_expected
        return self.enough(settings) and (self.low > high or self.high < low)


def held(name: str, days: Days, confidence: float) -> Held:
    """Hold late orders against those expected.

    The error is that of a ratio of sums over days (Cochran 1977, 6.4 and 9A.7: clusters), or that
    of independent orders if the days happen to agree better; Student's t by the number of days.

    Args:
        name: of which answers.
        days: their sums.
        confidence: of the interval.
    """
    from scipy.special import stdtrit  # noqa: PLC0415  after the start

    told = [sums for sums in days.values() if sums.n]
    if not told:
        return Held(name, 0, 0, 0.0, 0, math.nan, 0.0, math.inf)
    late = np.array([sums.late for sums in told], dtype=np.float64)
    p = np.array([sums.expected for sums in told], dtype=np.float64)
    expected, k = max(float(p.sum()), 1e-9), len(told)
    ratio = float(late.sum()) / expected
    low, high = 0.0, math.inf
    if k > 1:
        error = math.sqrt(k / (k - 1) * float(((late - ratio * p) ** 2).sum())) / expected
        by_chance = math.sqrt(max(sum(sums.variance for sums in told), 0.0)) / expected
        half = float(stdtrit(k - 1, 0.5 + confidence / 2)) * max(error, by_chance)
        low, high = max(0.0, ratio - half), ratio + half
    return Held(
        name, sum(sums.n for sums in told), int(late.sum()), expected, k, ratio, low, high
    )  # fmt: skip


def by_stage(stages: Stages, confidence: float) -> tuple[Held, ...]:
    """Hold all answers, then those of each stage if there is more than one.

    The error that the confidence allows is shared among them (Bonferroni).
    """
    whole = added(each for days in stages.values() for each in days.items())
    inorder = sorted(stages.items(), key=lambda stage: MILESTONES.index(stage[0]))
    parts = [(ALL, whole), *(inorder if len(inorder) > 1 else ())]
    shared = 1 - (1 - confidence) / len(parts)
    return tuple(held(name, days, shared) for name, days in parts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether answers hold.

    Attributes:
        on_hold_out: whether it is read on orders that were held out; else on all that nobody acted
            on.
        calibration: of all stages, and of each.
        settings: when it rings.
    """

    on_hold_out: bool
    calibration: tuple[Held, ...]
    settings: LiveSettings

    @property
    def alarms(self) -> tuple[Held, ...]:
        """Return where answers do not hold."""
        return tuple(each for each in self.calibration if each.rings(self.settings))

    @property
    def early(self) -> bool:
        """Return whether there is too little evidence for a verdict."""
        return not self.calibration[0].enough(self.settings)


def judge(held_out: Stages, alone: Stages, settings: LiveSettings) -> Verdict:
    """Judge answers: on the hold-out where that is evidence enough.

    Args:
        held_out: answers on orders that were held out and that nobody acted on.
        alone: answers on all orders that nobody acted on.
        settings: when it rings.
    """
    verdict = Verdict(True, by_stage(held_out, settings.confidence), settings)
    if verdict.early:
        verdict = Verdict(False, by_stage(alone, settings.confidence), settings)
    return verdict
