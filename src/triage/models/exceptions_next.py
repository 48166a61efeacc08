"""Which exception an open order is likely to have next: rates by where it stands.

The rate of each class in the next days is counted in cells that grow finer (stage, exceptions so
far, time at the stage, whether it may start, time to the promise); each cell is drawn towards the
one that holds it by as many orders as `weight` says (Stein shrinkage, one level at a time). A cell
that was never counted answers as the one that holds it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, NEVER, UNKNOWN_TIME
from triage.domain.records import ExceptionPhase
from triage.history.tables import History
from triage.models.exceptions_facts import STAGES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NONE = "none"
FILE = "next.json"
LEVELS = 5
_LIFE = tuple(
    STAGES.index(name)
    for name in (
        "order_created", "order_validated", "allocation_confirmed", "pick_released",
        "shipment_dispatched",
    )
)  # fmt: skip
_OVER = (STAGES.index("delivered"), STAGES.index("order_cancelled"))
_WAITED = (0.1, 0.25, 0.5, 1, 2, 4)
_LEFT = (-1, 0, 0.5, 1, 2, 4, 8)
_FORGOTTEN = 30 * MICROS_PER_DAY


class OpenOrders:
    """Where orders stand at a moment.

    Args:
        history: the log.
        happened, known: when each milestone of STAGES was and became known, (orders, stages).
    """

    def __init__(self, history: History, happened: Ints, known: Ints) -> None:
        self._happened, self._known = happened, known
        times = history.orders[["promised_by", "not_before"]].to_numpy(np.int64)
        self._promised, self._not_before = times.T
        over = known[:, _OVER]
        self._over = np.where(over == UNKNOWN_TIME, NEVER, over).min(axis=1)
        table = history.exceptions
        opens = (table["phase"] == ExceptionPhase.RAISED.value).to_numpy(bool)
        order, moment = (table[name].to_numpy(np.int64) for name in ("order", "record_time"))
        self._raised, self._closed = (
            (order[rows & (order >= 0)], moment[rows & (order >= 0)]) for rows in (opens, ~opens)
        )

    def at(self, moment: int) -> tuple[Ints, Ints]:
        """Return rows of the orders open at a moment, and where each stands, (rows, LEVELS).

        Only what was known before the moment counts (UTC micros). Orders a month past their promise
        are taken as forgotten.
        """
        rows = np.flatnonzero(
            (self._known[:, 0] < moment)
            & (self._over >= moment)
            & (self._promised > moment - _FORGOTTEN)
        )
        stage = np.zeros(len(rows), dtype=np.int64)
        since = self._happened[rows, 0]
        for number, column in enumerate(_LIFE):
            known = self._known[rows, column]
            reached = (known != UNKNOWN_TIME) & (known < moment)
            stage[reached] = number
            since = np.where(reached, self._happened[rows, column], since)
        waited, left = moment - since, self._promised[rows] - moment
        cells = (
            stage,
            self._troubles(moment)[rows],
            np.searchsorted(_WAITED, waited / MICROS_PER_DAY),
            (self._not_before[rows] > moment).astype(np.int64),
            np.searchsorted(_LEFT, left / MICROS_PER_DAY),
        )
        return rows, np.stack(cells, axis=1)

    def _troubles(self, moment: int) -> Ints:
        """Return, for every order, 0 without an exception so far, 1 if all are closed, else 2."""
        raised, closed = (
            np.bincount(order[known < moment], minlength=len(self._over))
            for order, known in (self._raised, self._closed)
        )
        found: Ints = np.where(raised == 0, 0, np.where(raised > closed, 2, 1)).astype(np.int64)
        return found


@dataclass(frozen=True, slots=True)
class NextRates:
    """Rates that were learnt.

    Attributes:
        days: how far they look ahead.
        codes: classes of exceptions, NONE last.
        base: (codes,) share of each over all open orders.
        cells: (codes,) by cell: the numbers of its levels, joined by commas.
    """

    days: int
    codes: tuple[str, ...]
    base: tuple[float, ...]
    cells: dict[str, tuple[float, ...]]

    @classmethod
    def learn(cls, days: int, codes: Sequence[str], where: Ints, came: Ints, weight: float) -> Self:
        """Count rates.

        Args:
            days: how far they look ahead.
            codes: classes of exceptions, NONE last.
            where: (rows, LEVELS) from `OpenOrders.at`.
            came: (rows,) number in `codes` of what came next.
            weight: how many orders the rates of the cell above count for.
        """
        count = np.bincount(came, minlength=len(codes)) + 0.5
        base = count / count.sum()
        cells: dict[str, Floats] = {"": base}
        for level in range(1, LEVELS + 1):
            names, inverse = np.unique(where[:, :level], axis=0, return_inverse=True)
            counts = np.zeros((len(names), len(codes)))
            np.add.at(counts, (inverse.reshape(-1), came), 1.0)
            for name, seen in zip(names.tolist(), counts, strict=True):
                above = cells[_cell(name[:-1])]
                cells[_cell(name)] = (seen + weight * above) / (seen.sum() + weight)
        del cells[""]
        return cls(
            days, tuple(codes), _short(base), {name: _short(each) for name, each in cells.items()}
        )

    def of(self, where: Sequence[int]) -> tuple[float, ...]:
        """Return the rates of the finest cell that was counted."""
        for level in range(len(where), 0, -1):
            found = self.cells.get(_cell(where[:level]))
            if found is not None:
                return found
        return self.base

    def ranked(self, where: Sequence[int]) -> list[tuple[str, float]]:
        """Return each code with its probability, likeliest first; they sum to 1."""
        pairs = zip(self.codes, self.of(where), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def written(self) -> bytes:
        """Return the file of a bundle."""
        plain = {
            "days": self.days, "codes": self.codes, "base": self.base,
            "cells": dict(sorted(self.cells.items())),
        }  # fmt: skip
        return (json.dumps(plain, separators=(",", ":")) + "\n").encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the rates of a file.

        Raises:
            ValueError, KeyError: if it holds something else.
        """
        told = json.loads(content)
        cells = {name: tuple(each) for name, each in told["cells"].items()}
        return cls(int(told["days"]), tuple(told["codes"]), tuple(told["base"]), cells)


def _cell(levels: Sequence[int]) -> str:
    return ",".join(map(str, levels))


def _short(rates: Floats) -> tuple[float, ...]:
    """Return rates to seven places, the last so that they sum to one."""
    others = [round(rate, 7) for rate in rates.tolist()[:-1]]
    return (*others, round(1.0 - sum(others), 7))
