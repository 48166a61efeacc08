"""Past orders most like one, and what became of them; nothing that came later is seen.

Alike are orders from the same site to the same destination by the same service; the nearest are
those nearest in days to the promise and in size. An order counts from the moment on at which its
promise has passed, so that the fast ones are not seen before the slow ones (the cohort by promise
date of the label contract).
"""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME
from triage.features.book import OrderBook
from triage.features.compile import Floats, Ints
from triage.features.engine import FeatureEngine
from triage.features.facts import NUMBERS, TIME
from triage.serving.shown import ShownOrder, ShownOrders

MOST: Final = 50
"""Past orders among which it is counted how many were late."""
NEAREST: Final = 5
"""Of these, the ones that are told one by one."""
_DELIVERED, _CANCELLED = TIME["delivered"], TIME["order_cancelled"]
_PROMISED, _STARTS, _RECORDED = TIME["promised_by"], TIME["starts_at"], TIME["order_recorded"]
_SIZES = [NUMBERS.index("quantity"), NUMBERS.index("weight_kg")]

_Way = tuple[str | None, ...]


class KnowsPast(Protocol):
    """Whoever knows past orders; a `Scorer` does."""

    @property
    def engine(self) -> FeatureEngine:
        """Return what holds the book of orders."""

    @property
    def shown(self) -> ShownOrders:
        """Return their names by row of the book."""

    @property
    def tolerance(self) -> int:
        """Return micros after the promise from which on an order is late."""


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A past order and what became of it; times are UTC micros.

    Attributes:
        order_id: the order.
        promised_by: its promise.
        delivered: when it was delivered; None if it was not, by what was known.
        late: whether it was late.
    """

    order_id: str
    promised_by: int
    delivered: int | None
    late: bool


@dataclass(frozen=True, slots=True)
class Alike:
    """What became of orders like one.

    Attributes:
        by: in what they are the same: "site", "destination", "service" or "carrier".
        count: how many were looked at, `MOST` at most.
        late: how many of them were late.
        nearest: those most like it, the likest first; `NEAREST` at most.
    """

    by: tuple[str, ...]
    count: int
    late: int
    nearest: tuple[PastOrder, ...]


class PastOrders:
    """Finds orders alike: an index by way, made when first asked for and kept up when asked again.

    It may be asked from several threads while orders come in.

    Args:
        knows: who knows the orders.
    """

    def __init__(self, knows: KnowsPast) -> None:
        self.knows = knows
        self._rows: dict[_Way, array[int]] = {}
        self._seen = 0
        self._turn = threading.Lock()

    def like(self, order_id: str, as_of: int) -> Alike | None:
        """Return what became of orders like one, by what was known before a moment.

        Args:
            order_id: a stored order.
            as_of: UTC micros.

        Returns:
            None if the order is not known, or nothing is known of its way.
        """
        at = self.knows.engine.book.row_of.get(order_id)
        shown = self.knows.shown
        if at is None or at >= len(shown):
            return None
        names = shown.of_row(at)
        by = _told_by(names)
        if not by:
            return None
        found, late = self._over(at, _way(names), as_of)
        return self._told(by, found, late)

    def _over(self, at: int, way: _Way, as_of: int) -> tuple[Ints, list[bool]]:
        """Return rows of past orders of a way, the likest first, and which were late."""
        rows = self._of_way(way)
        book, tolerance = self.knows.engine.book, self.knows.tolerance
        known, event = book.known[rows], book.event[rows]
        over = event[:, _PROMISED] + tolerance < as_of
        over &= (known[:, _RECORDED] < as_of) & ~_before(known[:, _CANCELLED], as_of)
        over &= rows != at
        rows = rows[over]
        nearest = rows[np.lexsort((-rows, _distance(book, at, rows)))][:MOST]
        delivered = _before(book.known[nearest, _DELIVERED], as_of)
        late_at = book.event[nearest, _PROMISED] + tolerance
        late = ~delivered | (book.event[nearest, _DELIVERED] >= late_at)
        times = np.where(delivered, book.event[nearest, _DELIVERED], UNKNOWN_TIME)
        return np.stack((nearest, times), axis=1), late.tolist()

    def _told(self, by: tuple[str, ...], found: Ints, late: list[bool]) -> Alike:
        book = self.knows.engine.book
        nearest = tuple(
            PastOrder(
                book.ids[row], int(book.event[row, _PROMISED]),
                None if time == UNKNOWN_TIME else time, was_late,
            )
            for (row, time), was_late in zip(found[:NEAREST].tolist(), late, strict=False)
        )  # fmt: skip
        return Alike(by, len(found), sum(late), nearest)

    def _of_way(self, way: _Way) -> Ints:
        with self._turn:
            self._keep_up()
            return np.array(self._rows.get(way, ()), dtype=np.int64)

    def _keep_up(self) -> None:
        shown = self.knows.shown
        for at in range(self._seen, len(shown)):
            way = (shown.site[at], shown.destination[at], shown.service[at] or shown.carrier[at])
            own = self._rows.get(way)
            if own is None:
                own = self._rows[way] = array("q")
            own.append(at)
            self._seen = at + 1


def _way(names: ShownOrder) -> _Way:
    return (names.site, names.destination, names.service or names.carrier)


def _told_by(names: ShownOrder) -> tuple[str, ...]:
    told = {
        "site": names.site,
        "destination": names.destination,
        "service": names.service,
        "carrier": None if names.service else names.carrier,
    }
    return tuple(name for name, value in told.items() if value)


def _before(times: Ints, moment: int) -> np.typing.NDArray[np.bool_]:
    return (times != UNKNOWN_TIME) & (times < moment)


def _distance(book: OrderBook, at: int, rows: Ints) -> Floats:
    """Return how far rows are from an order in days to the promise and in size, as ratios."""
    own = _measures(book, np.array([at]))
    apart = np.abs(_measures(book, rows) - own)
    return np.where(np.isnan(apart), 0.0, apart).sum(axis=1)


def _measures(book: OrderBook, rows: Ints) -> Floats:
    days = (book.event[rows, _PROMISED] - book.event[rows, _STARTS]) / MICROS_PER_DAY
    sizes = book.numbers[rows][:, _SIZES]
    both = np.column_stack((np.maximum(days, 0.0), np.maximum(sizes, 0.0)))
    measured: Floats = np.log1p(both)
    return measured
