"""The figures above the list, over all pages of what is in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.serving import formats, texts, wording
from triage.serving.advisor import WorkItem
from triage.serving.worklist_index import StateFilter, WorklistIndex

_SOON: Final = 48 * MICROS_PER_HOUR
_WEEK: Final = 7 * MICROS_PER_DAY


@dataclass(frozen=True, slots=True)
class Total:
    """One figure above the list; `tone` colours it, never without its word."""

    label: str
    value: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is summed of each order of a list, (n,) each, and where an order stands in them."""

    place: dict[str, int]
    promised: npt.NDArray[np.int64]
    revenue: npt.NDArray[np.float64]
    loss: npt.NDArray[np.float64]
    band: npt.NDArray[np.str_]
    currency: npt.NDArray[np.intp]
    currencies: tuple[str, ...]

    @classmethod
    def of(cls, index: WorklistIndex) -> Self:
        """Take them from a list."""
        orders = [item.assessment for item in index.worklist.items]
        currencies = tuple(dict.fromkeys(order.currency for order in orders))
        code = {name: at for at, name in enumerate(currencies)}
        return cls(
            {order.order_id: at for at, order in enumerate(orders)},
            np.array([order.promised_by for order in orders], dtype=np.int64),
            np.array([order.revenue for order in orders], dtype=np.float64),
            np.array([order.expected_loss for order in orders], dtype=np.float64),
            np.array([order.band for order in orders], dtype=np.str_),
            np.array([code[order.currency] for order in orders], dtype=np.intp),
            currencies,
        )

    def sums(
        self, amount: npt.NDArray[np.float64], at: npt.NDArray[np.intp]
    ) -> dict[str, float]:  # fmt: skip
        """Return the sum of some orders' amounts by currency, only those that they are in."""
        found = self.currency[at]
        summed = np.bincount(found, amount[at], len(self.currencies)).tolist()
        there = np.bincount(found, minlength=len(self.currencies)).tolist()
        named = zip(self.currencies, summed, there, strict=True)
        return {name: total for name, total, orders in named if orders}


_columns = lru_cache(maxsize=1)(_Columns.of)


def totals(
    items: Sequence[WorkItem], index: WorklistIndex, state: StateFilter, now: int, gravest: str
) -> list[Total]:
    """Return the figures above the list.

    Args:
        items: what is in view.
        index: the list that they are of.
        state: which view.
        now: UTC micros.
        gravest: name of the gravest band.
    """
    columns = _columns(index)
    places = map(columns.place.__getitem__, [item.assessment.order_id for item in items])
    at = np.fromiter(places, dtype=np.intp, count=len(items))
    left = columns.promised[at] - now
    count = Total(texts.worklist.IN_VIEW, formats.number(len(items)))
    if state == "already_late":
        week = int(np.count_nonzero(-left > _WEEK))
        return [
            Total(texts.worklist.VALUE_LATE, wording.total(columns.sums(columns.revenue, at))),
            count,
            Total(texts.worklist.LATE_A_WEEK, formats.number(week), "critical" if week else ""),
        ]
    grave = int(np.count_nonzero(columns.band[at] == gravest))
    soon = int(np.count_nonzero((left >= 0) & (left <= _SOON)))
    return [
        Total(texts.worklist.EXPECTED_LOSS, wording.total(columns.sums(columns.loss, at))),
        count,
        Total(wording.word(gravest), formats.number(grave), "critical" if grave else ""),
        Total(texts.worklist.PROMISED_SOON, formats.number(soon)),
    ]
