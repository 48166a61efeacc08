"""Figures of the operations page, from plain inputs: rates, latencies, precision, what it brought.

A window is the last 28 days or the 28 days before; what happened in the moment that a window ends
belongs to the next one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, NEVER, UNKNOWN_TIME
from triage.serving.outcomes.record import Judged, Said

Ints = npt.NDArray[np.int64]
WINDOW_DAYS: Final = 28
LEAST_HELD_OUT: Final = 30
"""Orders of each side that a comparison needs."""
STEPS: Final = (
    ("order_created", "order_validated"),
    ("order_validated", "allocation_confirmed"),
    ("allocation_confirmed", "pick_released"),
    ("pick_released", "shipment_dispatched"),
    ("shipment_dispatched", "delivered"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened in the last window and in the one before."""

    name: str
    now: int
    before: int


def rates(told: Iterable[tuple[str, int]], now: int) -> list[Rate]:
    """Count names in both windows, most frequent now first.

    Args:
        told: name and moment (UTC micros) of each thing.
        now: end of the last window, UTC micros.
    """
    window = WINDOW_DAYS * MICROS_PER_DAY
    recent: Counter[str] = Counter()
    earlier: Counter[str] = Counter()
    for name, moment in told:
        if now - window <= moment < now:
            recent[name] += 1
        elif now - 2 * window <= moment < now - window:
            earlier[name] += 1
    names = recent.keys() | earlier.keys()
    found = [Rate(name, recent[name], earlier[name]) for name in names]
    return sorted(found, key=lambda rate: (-rate.now, -rate.before, rate.name))


@dataclass(frozen=True, slots=True)
class Latency:
    """Days that a step took, by when it ended; NaN where none ended in a window.

    Attributes:
        ends: the milestone that ends it.
        begins: the milestone that begins it.
        n: how many ended in the last window.
        median: days, last window.
        p90: days, last window.
        median_before: days, window before.
        p90_before: days, window before.
    """

    begins: str
    ends: str
    n: int
    median: float
    p90: float
    median_before: float
    p90_before: float


def latency(begins: str, ends: str, begun: Ints, ended: Ints, now: int) -> Latency:
    """Return how long a step took.

    Args:
        begins: name of the milestone that begins it.
        ends: name of the milestone that ends it.
        begun: (n,) when it began, UTC micros; NEVER or UNKNOWN_TIME where it did not.
        ended: (n,) when it ended, in the same way.
        now: end of the last window, UTC micros.
    """
    window = WINDOW_DAYS * MICROS_PER_DAY
    both = (begun > UNKNOWN_TIME) & (begun < NEVER) & (ended > UNKNOWN_TIME) & (ended < NEVER)
    start, end = begun[both], ended[both]
    days = np.maximum(end - start, 0) / MICROS_PER_DAY
    recent = days[(end >= now - window) & (end < now)]
    earlier = days[(end >= now - 2 * window) & (end < now - window)]
    return Latency(begins, ends, len(recent), *_middle_and_end(recent), *_middle_and_end(earlier))


def _middle_and_end(days: npt.NDArray[np.float64]) -> tuple[float, float]:
    if not len(days):
        return math.nan, math.nan
    middle, end = np.quantile(days, (0.5, 0.9))
    return float(middle), float(end)


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of the first answers of each day's list were late.

    Attributes:
        top: how many of a day count.
        days: days with answers that have an outcome.
        looked_at: answers at the top.
        late: how many of these were late.
        base: share late of all answers with an outcome.
    """

    top: int
    days: int
    looked_at: int
    late: int
    base: float


def precision(judged: Iterable[Judged], top: int) -> Precision:
    """Return how good the top of the list was, by answers with an outcome.

    Of an order one answer a day counts, the first; those that say nothing of a place do not.
    """
    rows = sorted(
        (said.as_of // MICROS_PER_DAY, -said.score, each.outcome.late)
        for each in judged if not each.outcome.cancelled
        for said in first_of_day(each) if said.score is not None
    )  # fmt: skip
    looked_at = late = days = 0
    for _, own in groupby(rows, key=lambda row: row[0]):
        reached = list(own)[:top]
        days += 1
        looked_at += len(reached)
        late += sum(row[2] for row in reached)
    base = sum(row[2] for row in rows) / len(rows) if rows else math.nan
    return Precision(top, days, looked_at, late, base)


def first_of_day(judged: Judged) -> list[Said]:
    """Return the first answer of each day about an order."""
    seen: dict[int, Said] = {}
    for said in judged.said:
        seen.setdefault(said.as_of // MICROS_PER_DAY, said)
    return list(seen.values())


@dataclass(frozen=True, slots=True)
class Brought:
    """Late orders among those that people were free to act on, and among those held out.

    Attributes:
        free: orders that were not held out, with an outcome.
        free_late: how many of these were late.
        held: orders that were held out, with an outcome.
        held_late: how many of these were late.
    """

    free: int
    free_late: int
    held: int
    held_late: int

    @property
    def enough(self) -> bool:
        """Return whether both sides are large enough to be compared."""
        return min(self.free, self.held) >= LEAST_HELD_OUT

    def fewer(self) -> tuple[float, float, float]:
        """Return by how much the late share is lower where people were free to act, and its range.

        Difference of two independent shares, 95 % by Newcombe's hybrid of Wilson's intervals
        (Newcombe 1998, method 10): sound for small shares, too.
        """
        p, q = self.held_late / self.held, self.free_late / self.free
        low_p, high_p = wilson(self.held_late, self.held)
        low_q, high_q = wilson(self.free_late, self.free)
        gap = p - q
        return (
            gap,
            gap - math.hypot(p - low_p, high_q - q),
            gap + math.hypot(high_p - p, q - low_q),
        )


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def brought(judged: Iterable[Judged], holds: Callable[[str], bool]) -> Brought:
    """Compare by who was held out, whether or not anybody acted: what the draw decided counts."""
    counts = Counter(
        (holds(each.outcome.order_id), each.outcome.late)
        for each in judged if not each.outcome.cancelled
    )  # fmt: skip
    return Brought(
        counts[False, True] + counts[False, False], counts[False, True],
        counts[True, True] + counts[True, False], counts[True, True],
    )  # fmt: skip
