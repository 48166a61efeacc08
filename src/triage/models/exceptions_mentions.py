"""Which order a message speaks of that names none: the one that fits what it mentions.

A note of a person often names the goods, the customer or the amount instead of the order. Orders
of the last weeks that have what is mentioned are weighed by how rarely it is found among them; of
those that fit alike the newest is taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY
from triage.history.tables import History

Ints = npt.NDArray[np.int64]
_WINDOW = 60 * MICROS_PER_DAY
_MOST_WORDS = 4
_EDGES = ".,:;!?()[]<>\"'/"
_AMOUNT = re.compile(r"\d+\.\d\d")


class Mentions:
    """Orders by sku, customer and amount.

    Args:
        history: the log; its orders are in the sequence in which they became known.
    """

    def __init__(self, history: History) -> None:
        orders, lines = history.orders, history.lines
        self._created = orders["record_time"].to_numpy(np.int64)
        every, order = np.arange(len(orders)), lines["order"].to_numpy(np.int64)
        prices = lines["unit_price"].to_numpy(np.float64)
        worth = np.nan_to_num(lines["quantity"].to_numpy(np.float64) * prices)
        value = np.round(np.bincount(order, worth, len(orders)), 2)
        self._having = _rows_by_name(
            [
                *_named(orders["customer_id"], every),
                *_named(orders["customer_name"], every),
                *_named(lines["sku"], order),
            ]
        )
        self._worth = _rows_by_name(
            [
                *((f"{amount:.2f}", row) for row, amount in enumerate(value.tolist()) if amount),
                *zip(map("{:.2f}".format, prices.tolist()), order.tolist(), strict=True),
            ]
        )

    def find(self, text: str, moment: int) -> tuple[int, int]:
        """Return the row of the order that fits best, -1 if nothing is mentioned, and how many do.

        Args:
            text: the message.
            moment: only orders known before it are looked at, UTC micros.
        """
        first, last = np.searchsorted(self._created, [moment - _WINDOW, moment]).tolist()
        weight: dict[int, float] = {}
        for rows in self._mentioned(text):
            own = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
            says = math.log1p((last - first) / max(len(own), 1))
            for row in own.tolist():
                weight[row] = weight.get(row, 0.0) + says
        if not weight:
            return -1, 0
        best = max(weight.values())
        fitting = [row for row, found in weight.items() if math.isclose(found, best)]
        return max(fitting), len(fitting)

    def _mentioned(self, text: str) -> Iterator[Ints]:
        """Yield the orders of each name and each amount in a message, each name once."""
        words = [word.strip(_EDGES) for word in text.lower().split()]
        names = {
            " ".join(words[at : at + size])
            for size in range(1, _MOST_WORDS + 1)
            for at in range(len(words) - size + 1)
        }
        yield from (self._having[name] for name in sorted(names & self._having.keys()))
        amounts = {word for word in words if _AMOUNT.fullmatch(word)}
        yield from (self._worth[word] for word in sorted(amounts & self._worth.keys()))


def _named(column: pd.Series[str], rows: Ints) -> Iterator[tuple[str, int]]:
    for name, row in zip(column.tolist(), rows.tolist(), strict=True):
        if isinstance(name, str):
            yield name.lower(), row


def _rows_by_name(pairs: Iterable[tuple[str, int]]) -> dict[str, Ints]:
    found: dict[str, set[int]] = {}
    for name, row in pairs:
        found.setdefault(name, set()).add(row)
    return {name: np.array(sorted(rows), dtype=np.int64) for name, rows in found.items()}
