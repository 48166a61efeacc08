"""Which orders take longer, or less surely, than their location says: by site, region and so on.

One curve of times stands for all orders of a stage; those of one carrier may spread more than those
of another. For each value of a few fields the quantiles are moved by a frozen amount (fitted in
`training/spread.py`), so that an interval covers what it says in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from triage.features.compile import Floats

FIELDS = ("site", "destination_region", "carrier", "service")
"""Fields of an order, or of its main line, by which times are told apart."""
Moves = tuple[float, float, float]
"""By how much p10, p50 and p90 are moved, on the log-days scale."""
NO_MOVES: Moves = (0.0, 0.0, 0.0)
_MOST = 0.8


def moves_of(
    every: Moves, tables: Mapping[str, Mapping[str, Moves]], values: Mapping[str, str | None]
) -> Moves:
    """Return the moves of one order: those of every order, and those of its values.

    Args:
        every: moves of all orders.
        tables: moves by field and value; a value that is not there moves nothing.
        values: the order's value by field.
    """
    low, middle, high = every
    for field, table in tables.items():
        value = values.get(field)
        found = None if value is None else table.get(value)
        if found is not None:
            low, middle, high = low + found[0], middle + found[1], high + found[2]
    return low, middle, high


class Moved(NamedTuple):
    """A moved scale: gaps of the curve of times at p10, p50, p90, and where they come to lie."""

    own: Moves
    moved: Moves

    @classmethod
    def of(cls, own: Moves, moves: Moves) -> Moved:
        """Return the scale; p10 and p90 come no nearer to p50 than a fifth of their distance."""
        low, middle, high = own
        to_low, to_middle, to_high = moves
        to_low = min(to_low, to_middle + _MOST * (middle - low))
        to_high = max(to_high, to_middle - _MOST * (high - middle))
        return cls(own, (low + to_low, middle + to_middle, high + to_high))

    def there(self, gap: float) -> float:
        """Return where a gap of the curve comes to lie."""
        return _along(gap, self.own, self.moved)

    def back(self, gap: float) -> float:
        """Return the gap of the curve that comes to lie there."""
        return _along(gap, self.moved, self.own)


def _along(gap: float, here: Moves, there: Moves) -> float:
    """Return the gap on the other scale: linear between the three points, in parallel beyond."""
    if gap <= here[0]:
        return gap - here[0] + there[0]
    if gap >= here[2]:
        return gap - here[2] + there[2]
    at = 0 if gap < here[1] else 1
    return there[at] + (gap - here[at]) * (there[at + 1] - there[at]) / (here[at + 1] - here[at])


def moved_gaps(own: Moves, moves: Floats) -> Floats:
    """Return where p10, p50 and p90 come to lie for n orders, (n, 3); as `Moved.of` for one.

    Args:
        own: gaps of the curve of times.
        moves: (n, 3) moves of the orders.
    """
    low, middle, high = own
    to_low = np.minimum(moves[:, 0], moves[:, 1] + _MOST * (middle - low))
    to_high = np.maximum(moves[:, 2], moves[:, 1] - _MOST * (high - middle))
    return np.column_stack([low + to_low, middle + moves[:, 1], high + to_high])
